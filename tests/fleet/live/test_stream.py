"""The live stream and the health page, over HTTP against the running product."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from commands.services import request_command
from fleet.adapters.commands import Lock
from fleet.teams.models import User
from tests.factories import join_simulated_car, make_simulator_app, make_team
from tests.infrastructure.stack import CLIENT_ID, Stack

ARRIVES_WITHIN_S = 10.0


def session_of(user: User) -> str:
    """A signed-in session, as the browser's cookie names it."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return str(store.session_key)


def ask(stack: Stack, path: str, session: str = "") -> Any:
    request = urllib.request.Request(stack.url + path)
    if session:
        request.add_header("Cookie", f"{settings.SESSION_COOKIE_NAME}={session}")
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())).open(request, timeout=20)


class Listener:
    """Reads one stream in a thread and keeps what it was told."""

    def __init__(self, stack: Stack, path: str, session: str) -> None:
        self.told: list[dict[str, str]] = []
        self.answer = ask(stack, path, session)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        for line in self.answer:
            if line.startswith(b"data: "):
                self.told.append(json.loads(line[6:]))

    def wait_for(self, is_there: Callable[[list[dict[str, str]]], bool]) -> bool:
        until = time.monotonic() + ARRIVES_WITHIN_S
        while time.monotonic() < until:
            if is_there(self.told):
                return True
            threading.Event().wait(0.02)
        return False


@pytest.fixture
def cast(stack: Stack) -> dict[str, Any]:
    with stack.orm():
        membership = make_team()
        app = make_simulator_app(CLIENT_ID)
        cars = [join_simulated_car(membership, stack.simulator, app=app) for _ in range(2)]
        outsider = make_team()
        return {
            "membership": membership,
            "cars": cars,
            "session": session_of(membership.user),
            "outsider": session_of(outsider.user),
        }


def test_stream_when_a_command_moves_then_only_the_pages_of_that_car_hear_of_it(
    stack: Stack, cast: dict[str, Any]
) -> None:
    watched, other = cast["cars"]
    listener = Listener(stack, f"/live/?vehicle={watched.vehicle_id}", cast["session"])
    # The first message says "look": by then the stream listens.
    assert listener.wait_for(lambda told: bool(told))

    with stack.orm():
        request_command(vehicle=other.vehicle, membership=cast["membership"], order=Lock())
        command = request_command(vehicle=watched.vehicle, membership=cast["membership"], order=Lock())

    expected = {"vehicle": str(watched.vehicle_id), "command": str(command.id)}
    assert listener.wait_for(lambda told: any(expected.items() <= message.items() for message in told))
    assert {message["vehicle"] for message in listener.told} == {str(watched.vehicle_id)}
    assert {key for message in listener.told for key in message} <= {"vehicle", "command", "state", "buttons"}


def test_stream_when_many_pages_are_open_then_they_keep_no_connection_from_the_others(
    stack: Stack, cast: dict[str, Any]
) -> None:
    path = f"/live/?vehicle={cast['cars'][0].vehicle_id}"
    more_than_the_pool_has = 3 * int(stack.env.get("FLEETWELL_DB_POOL", "12"))

    streams = [ask(stack, path, cast["session"]) for _ in range(more_than_the_pool_has)]

    assert ask(stack, "/vehicles/", cast["session"]).status == 200
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("query", ["", "?vehicle=nonsense", "?vehicle=00000000-0000-4000-8000-000000000000"])
def test_stream_when_there_is_nothing_to_follow_then_it_sends_the_page_away(
    stack: Stack, cast: dict[str, Any], query: str
) -> None:
    answer = ask(stack, f"/live/{query}", cast["session"])

    assert (answer.status, answer.read()) == (204, b"")


def test_stream_when_the_car_is_foreign_or_nobody_is_signed_in_then_there_is_none(
    stack: Stack, cast: dict[str, Any]
) -> None:
    path = f"/live/?vehicle={cast['cars'][0].vehicle_id}"

    assert ask(stack, path, cast["outsider"]).status == 204
    assert ask(stack, path).status == 204


def test_healthz_when_all_parts_run_then_it_says_so(stack: Stack) -> None:
    until = time.monotonic() + 20
    status, report = 0, {}
    while time.monotonic() < until and status != 200:
        try:
            answer = ask(stack, "/healthz")
            status, report = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            status, report = error.code, json.load(error)

    assert {key: report[key] for key in ("status", "database", "broker", "workers", "beat")} == {
        "status": "ok",
        "database": "ok",
        "broker": "ok",
        "workers": "ok",
        "beat": "ok",
    }
