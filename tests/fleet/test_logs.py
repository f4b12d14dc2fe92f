"""Nothing secret gets into a log, however it was about to be written."""

import logging

import pytest

from fleet.logs import RedactSecrets, hide_secrets

CANARY = "c4n4ry" * 5


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"GET /connect/callback/?code={CANARY}&state={CANARY} 302",
        f"{{'access_token': '{CANARY}', 'refresh_token': '{CANARY}'}}",
        f'{{"client_secret": "{CANARY}"}}',
        f"id_token={CANARY}&nonce={CANARY}",
        f"password={CANARY}",
        f'"GET /c/{CANARY}/brand/ HTTP/1.1" 200',
        f'"GET /join/{CANARY}/ HTTP/1.1" 302',
        f"eyJ{CANARY}.{CANARY}.{CANARY}",
    ],
)
def test_hide_secrets_when_a_text_holds_one_then_it_is_gone(text: str) -> None:
    assert CANARY not in hide_secrets(text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("pin=4711", "4711"),
        ('{"pin": "4711"}', "4711"),
        ("joined WVWZZZE1ZNP041287 today", "WVWZZZE1ZNP041287"),
        ("at 53.54321, 10.01234 now", "53.54321"),
        ("{'latitude': 53.5, 'longitude': 10.0}", "53.5"),
    ],
)
def test_hide_secrets_when_it_is_a_pin_a_vin_or_a_place_then_it_is_gone(text: str, secret: str) -> None:
    assert secret not in hide_secrets(text)


def test_hide_secrets_when_there_is_none_then_the_text_stays() -> None:
    text = "command 6f0c2a9e-6f1d-4a55-9f30-0d8a3b0f2c11 confirmed after 1.25 s, 42 in flight"

    assert hide_secrets(text) == text


def test_filter_when_the_secret_is_an_argument_or_in_an_exception_then_it_is_hidden_too() -> None:
    try:
        raise ValueError(f"refresh_token={CANARY}")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, __file__, 1, "token=%s", (CANARY,), (ValueError, error, error.__traceback__)
        )

    RedactSecrets().filter(record)

    assert CANARY not in logging.Formatter().format(record)
