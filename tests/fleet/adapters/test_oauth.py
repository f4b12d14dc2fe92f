"""Token answers as makers really give them: sloppy lifetimes, missing fields, refusals definite and not."""

import asyncio
import json
import math

import pytest

from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http
from fleet.adapters.oauth import (
    CAUTIOUS_LIFE_S,
    LONGEST_LIFE_S,
    AppCredential,
    TokenSet,
    read_token_answer,
    refresh_tokens,
)
from tests.fleet.adapters.raw_server import RawServer, hang_up, say


@pytest.mark.parametrize(
    ("raw", "life_s"),
    [
        (3600, 3600),
        ("3600", 3600),
        (3599.9, 3599),
        (0, CAUTIOUS_LIFE_S),
        (0.5, CAUTIOUS_LIFE_S),
        (-1, CAUTIOUS_LIFE_S),
        (None, CAUTIOUS_LIFE_S),
        (True, CAUTIOUS_LIFE_S),
        ("soon", CAUTIOUS_LIFE_S),
        ([3600], CAUTIOUS_LIFE_S),
        (math.nan, CAUTIOUS_LIFE_S),
        (math.inf, CAUTIOUS_LIFE_S),
        (10**400, CAUTIOUS_LIFE_S),
        (10**12, LONGEST_LIFE_S),
    ],
    ids=repr,
)
def test_lifetime_when_it_is_sloppy_then_it_is_made_believable(raw, life_s):
    tokens = read_token_answer({"access_token": "a", "refresh_token": "r", "expires_in": raw})

    assert tokens.expires_in_s == life_s


def test_token_answer_when_only_the_access_token_is_there_then_the_rest_is_unknown():
    assert read_token_answer({"access_token": "a"}) == TokenSet("a", None, CAUTIOUS_LIFE_S, None, None)


def test_token_answer_when_fields_have_wrong_types_then_they_are_unknown():
    answer = {"access_token": "a", "refresh_token": ["r"], "scope": ["lock"], "account_id": 7}

    assert read_token_answer(answer) == TokenSet("a", None, CAUTIOUS_LIFE_S, None, None)


@pytest.mark.parametrize("token", [None, "", 7, ["a"]], ids=repr)
def test_token_answer_when_there_is_no_access_token_then_it_is_an_error(token):
    with pytest.raises(AdapterError, match="upstream_error"):
        read_token_answer({"access_token": token})


def test_tokens_when_they_are_shown_then_the_secrets_are_not():
    shown = repr(TokenSet("access-secret", "refresh-secret", 60, None, None)) + repr(AppCredential({}, "id", "shh"))

    assert not any(secret in shown for secret in ("access-secret", "refresh-secret", "shh"))


def refresh(react):
    async def run(url):
        async with Http() as http:
            app = AppCredential({"token": f"{url}/token"}, "id", "secret")
            return await refresh_tokens(http, app, refresh_token="r")

    with RawServer(react) as server:
        return asyncio.run(run(server.url)), server.requests


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (400, {"error": "invalid_grant"}, GrantRefused, "needs_reconnect"),
        (401, {"error": "invalid_grant"}, GrantRefused, "needs_reconnect"),
        (401, {"error": "invalid_client"}, AdapterError, "setup_required"),
        (400, {"error": "invalid_request"}, AdapterError, "upstream_down"),
        (400, b"<h1>Bad Request</h1>", AdapterError, "upstream_down"),
        (500, {"error": "invalid_grant"}, AdapterError, "upstream_down"),
        (503, b"", AdapterError, "upstream_down"),
        (200, b"<h1>Welcome</h1>", AdapterError, "upstream_down"),
        (200, {"error": "invalid_grant"}, AdapterError, "upstream_error"),
        (302, b"", AdapterError, "upstream_down"),
        (429, b"", AdapterError, "rate_limited"),
    ],
    ids=str,
)
def test_refresh_when_it_is_refused_then_only_a_definite_no_ends_the_grant(status, body, error, code):
    with pytest.raises(AdapterError) as refusal:
        refresh(lambda connection, _: say(connection, status, body))

    assert (type(refusal.value), refusal.value.code) == (error, code)


def test_refresh_when_the_answer_is_lost_then_the_grant_may_still_live():
    with pytest.raises(AdapterError) as refusal:
        refresh(hang_up)

    assert (type(refusal.value), refusal.value.code) == (AdapterError, "upstream_down")


def test_refresh_when_it_works_then_it_is_one_form_with_our_credentials():
    answer = {"access_token": "a2", "refresh_token": "r2", "expires_in": 60, "scope": "lock unlock"}

    tokens, requests = refresh(lambda connection, _: say(connection, 200, json.dumps(answer).encode()))

    assert tokens == TokenSet("a2", "r2", 60, frozenset({"lock", "unlock"}), None)
    assert [request.body for request in requests] == [
        b"grant_type=refresh_token&refresh_token=r&client_id=id&client_secret=secret"
    ]
