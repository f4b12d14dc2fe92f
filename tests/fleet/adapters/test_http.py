"""What the one outgoing client makes of an answer: its body, its Retry-After, its size."""

import asyncio
from datetime import UTC, datetime

import pytest

from fleet.adapters.http import MAX_BODY_BYTES, Answer, Http, NoAnswer
from tests.fleet.adapters.raw_server import RawServer, answer_half, redirect, say

NOW = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1.5", 1.5),
        ("999999999", 86_400.0),
        ("1e400", 86_400.0),
        ("nan", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 10:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:01:00 +0100", 60.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", 0.0),
        ("Sun, 01 Mar 2099 09:00:00 GMT", 86_400.0),
        ("Sun, 01 Mar 2026 10:01:00 -0000", None),
        ("Sun, 99 Mar 2026 10:01:00 GMT", None),
    ],
    ids=repr,
)
def test_retry_after_when_given_in_seconds_or_as_a_date_then_it_is_seconds_from_now(raw, seconds):
    headers = {} if raw is None else {"Retry-After": raw}

    assert Answer(429, headers, b"", NOW).retry_after_s() == seconds


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", None),
        (b"null", None),
        (b"", None),
        (b"<html>", None),
        (b'{"a": ', None),
        (b'{"a": "\xff"}', None),
        (b"[" * 100_000, None),
        (b'{"a": ' + b"9" * 5_000 + b"}", None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_json_when_the_body_is_anything_but_an_object_then_it_is_none(body, value):
    assert Answer(200, {}, body, NOW).json() == value


def ask(react):
    async def run(url):
        async with Http() as http:
            return await http.ask("GET", url)

    with RawServer(react) as server:
        return asyncio.run(run(server.url)), server


def test_body_when_it_has_no_end_then_a_mebibyte_is_read():
    answer, _ = ask(lambda connection, _: say(connection, 200, b"x" * (MAX_BODY_BYTES * 3)))

    assert len(answer.body) == MAX_BODY_BYTES


def test_body_when_it_breaks_off_then_there_is_no_answer():
    with pytest.raises(NoAnswer) as failure:
        ask(answer_half)

    assert (failure.value.detail, failure.value.was_written) == ("ClientPayloadError", True)


def test_redirect_when_it_comes_then_it_is_an_answer_and_not_followed():
    answer, server = ask(redirect)

    assert (answer.status, len(server.requests)) == (307, 1)


def test_cookie_when_a_maker_sets_one_then_it_is_not_sent_back():
    async def run(url):
        async with Http() as http:
            await http.ask("GET", url)
            await http.ask("GET", url)

    def react(connection, request):
        return say(connection, 200, {}, Set_Cookie="session=1")

    with RawServer(react) as server:
        asyncio.run(run(server.url))

    assert ["cookie" in request.headers for request in server.requests] == [False, False]
