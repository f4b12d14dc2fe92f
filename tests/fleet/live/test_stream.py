"""The live stream and the health page, over HTTP against the running product."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from http.cookiejar import CookieJar
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from commands.services import request_command
from fleet.adapters.commands import Lock
from fleet.members.services import change_member, remove
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.models import User
from fleet.teams.roles import Permission, Rights, Role
from fleet.teams.settings import change_team, settings_of
from fleet.vehicles.groups import save_group
from tests.factories import join_simulated_car, make_member, make_simulator_app, make_team
from tests.fleet.teams.factors import give_app
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

    def has_ended(self, *, within_s: float) -> bool:
        self.thread.join(within_s)
        return not self.thread.is_alive()

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


ENDS_WITHIN_S = 1.0


@pytest.mark.parametrize("follows", ["vehicle", "team"])
def test_stream_when_its_person_is_removed_then_it_ends_within_a_second_and_no_other_does(
    stack: Stack, cast: dict[str, Any], follows: str
) -> None:
    owner, car = cast["membership"], cast["cars"][0]
    path = f"/live/?vehicle={car.vehicle_id}" if follows == "vehicle" else f"/live/?team={owner.team_id}"
    with stack.orm():
        member, colleague = make_member(owner.team, Role.OPERATOR), make_member(owner.team, Role.OPERATOR)
        sessions = [session_of(one.user) for one in (member, colleague)]
    # A second page of theirs, which hears of commands: when it does, all three are listened to.
    watched = f"/live/?vehicle={car.vehicle_id}"
    theirs, other, page = (
        Listener(stack, path, sessions[0]),
        Listener(stack, path, sessions[1]),
        Listener(stack, watched, sessions[0]),
    )
    with stack.orm():
        wait_until_listening(page, car.vehicle, owner)
        remove(membership=owner, target=member)

    assert theirs.has_ended(within_s=ENDS_WITHIN_S)
    assert theirs.told[-1] == {"left": True}
    assert not other.has_ended(within_s=0.2)
    assert {"left": True} not in other.told
    assert ask(stack, path, sessions[0]).status == 204


@pytest.mark.parametrize("change", ["member", "role", "group"])
def test_stream_when_the_right_changes_then_it_ends_and_the_page_looks_again(
    stack: Stack, cast: dict[str, Any], change: str
) -> None:
    owner, car = cast["membership"], cast["cars"][0]
    with stack.orm():
        role = save_role(membership=owner, name=f"Yard {car.vehicle_id}", rights=Rights(frozenset({Permission.VIEW})))
        group = save_group(membership=owner, name=f"Yard {car.vehicle_id}", vehicle_ids=[car.vehicle_id])
        member = make_member(owner.team, Role.VIEWER)
        limited = Grant(Role.CUSTOM, role, reaches_all=False, group_ids=[group.id])
        change_member(membership=owner, target=member, grant=limited)
        session = session_of(member.user)
    listener = Listener(stack, f"/live/?vehicle={car.vehicle_id}", session)
    with stack.orm():
        wait_until_listening(listener, car.vehicle, owner)

        if change == "member":
            change_member(membership=owner, target=member, grant=Grant(Role.OPERATOR))
        elif change == "role":
            save_role(membership=owner, name=role.name, rights=Rights(frozenset({Permission.AUDIT})), role=role)
        else:
            save_group(membership=owner, name=group.name, vehicle_ids=[], group=group)

    assert listener.has_ended(within_s=ENDS_WITHIN_S)
    assert listener.told[-1] == {"left": False}


def test_stream_when_the_team_demands_a_second_factor_then_it_ends_for_who_gave_none_and_stays_shut(
    stack: Stack, cast: dict[str, Any]
) -> None:
    owner, car = cast["membership"], cast["cars"][0]
    path = f"/live/?vehicle={car.vehicle_id}"
    with stack.orm():
        operator, viewer = make_member(owner.team, Role.OPERATOR), make_member(owner.team, Role.VIEWER)
        sessions = [session_of(one.user) for one in (operator, viewer)]
        give_app(owner.user)
    theirs, viewers = (Listener(stack, path, session) for session in sessions)
    with stack.orm():
        for listener in (theirs, viewers):
            wait_until_listening(listener, car.vehicle, owner)

        change_team(membership=owner, wanted=replace(settings_of(owner.team), requires_second_factor=True))

    assert theirs.has_ended(within_s=ENDS_WITHIN_S)
    assert not viewers.has_ended(within_s=0.2)
    assert [ask(stack, path, session).status for session in sessions] == [204, 200]


def wait_until_listening(listener: Listener, vehicle: Any, membership: Any) -> None:
    """Press, and wait until the page hears of it: then its process listens."""
    request_command(vehicle=vehicle, membership=membership, order=Lock())
    assert listener.wait_for(lambda told: any("command" in message for message in told))


def test_stream_when_the_team_is_foreign_then_there_is_none(stack: Stack, cast: dict[str, Any]) -> None:
    path = f"/live/?team={cast['membership'].team_id}"

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
