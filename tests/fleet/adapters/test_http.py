"""What the one outgoing client makes of an answer: its body, its Retry-After, its size."""

import asyncio
from datetime import UTC, datetime

import pytest

from fleet.adapters import http as outgoing
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import MAX_BODY_BYTES, Answer, Http, NoAnswer, prepaid
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


def ask_prepaid(renew, *, times):
    """Pay for two calls and make so many; what the budget was asked, what was left, what reached the maker."""
    taken = []

    async def take(n):
        taken.append(n)

    async def run(url):
        async with Http() as http:
            with prepaid(2, renew) as paid:
                try:
                    for _ in range(times):
                        await http.metered(take).ask("GET", url)
                except AdapterError as error:
                    return error.code, paid.left
                return "", paid.left

    with RawServer(lambda connection, _: say(connection, 200, {})) as server:
        ended = asyncio.run(run(server.url))
    return ended, taken, len(server.requests)


@pytest.mark.parametrize(("soon_s", "renewed"), [(3600.0, 0), (0.0, 2)])
def test_prepaid_call_when_it_leaves_later_than_it_was_paid_for_then_it_is_counted_anew(monkeypatch, soon_s, renewed):
    monkeypatch.setattr(outgoing, "SOON_S", soon_s)
    ages = []

    async def renew(age_s):
        ages.append(age_s)

    assert ask_prepaid(renew, times=3) == (("", 0), [1], 3)
    assert len(ages) == renewed
    assert all(age_s > 0 for age_s in ages)


def test_prepaid_call_when_it_has_run_out_and_there_is_no_room_then_nothing_leaves_nor_is_given_back(monkeypatch):
    monkeypatch.setattr(outgoing, "SOON_S", 0.0)

    async def renew(age_s):
        raise AdapterError("quota_exhausted")

    assert ask_prepaid(renew, times=1) == (("quota_exhausted", 1), [], 0)
