"""Whatever a maker's server does to a connection: one acting request for a command of class B, C or D, by its count."""

from contextlib import contextmanager

import pytest

from fleet.adapters.commands import HonkHorn, Lock, SetPin, Unlock
from tests.commands.rig import carry, known, may_be_tried_again, point_maker_at, press, reconcile
from tests.factories import join_simulated_car
from tests.fleet.adapters.raw_server import (
    RawServer,
    answer_half,
    fail_503,
    hang_up,
    never_answer,
    redirect,
    reset_after_first_byte,
    say,
)

STATE = {"state": "online", "signals": {}}
ONCE = [Unlock(), HonkHorn(), SetPin(pin="4711")]


def maker(act, after_read=None):
    """Enough of a maker: it tells a state that shows nothing, keeps connections alive, and acts as told."""

    def react(connection, request):
        if request.method == "POST":
            return act(connection, request)
        goes_on = say(connection, 200, STATE)
        return goes_on if after_read is None else after_read(connection, request)

    return RawServer(react)


def accept(connection, request):
    return say(connection, 202, {"result": "accepted", "ref": "r1"})


@pytest.fixture
def links(membership, simulator, impatient):
    """Three cars, joined in the ordinary way; from here on their maker is the raw one."""
    return [join_simulated_car(membership, simulator) for _ in ONCE]


@contextmanager
def carried(server, links, orders=ONCE):
    """Press one command per car, carry them, try everything that might send again, and hand the commands over."""
    with server:
        point_maker_at(server.url)
        commands = [press(link, order) for link, order in zip(links, orders, strict=True)]
        carry(commands[-1], until={"sent", "unknown", "refused", "confirmed"})
        for command in commands:
            may_be_tried_again(command)
        reconcile(*commands)
        carry()
        yield commands


@pytest.mark.parametrize(
    "act",
    [hang_up, reset_after_first_byte, answer_half, never_answer, redirect, fail_503],
    ids=lambda act: act.__name__,
)
def test_command_when_the_maker_answers_badly_then_one_acting_request_was_made_and_nothing_is_claimed(links, act):
    server = maker(act)

    with carried(server, links) as commands:
        states = [known(command) for command in commands]

    assert states == [("unknown", "", "outcome_unknown", "")] * 3
    assert sorted(request.json()["command"] for request in server.acting) == [
        "horn.honk",
        "pin_to_drive.set",
        "unlock",
    ]
    assert len({request.headers["x-request-id"] for request in server.acting}) == 3


def test_command_when_kept_connections_are_dead_then_it_goes_once_on_a_fresh_one(links):
    # The maker closes right after a read: what the client still keeps for the next call is dead.
    server = maker(accept, after_read=hang_up)

    with carried(server, links) as commands:
        states = [known(command)[0] for command in commands]

    assert states == ["sent", "sent", "sent"]
    assert [request.number for request in server.acting] == [1, 1, 1]


def test_command_when_the_reads_connection_is_alive_then_it_still_goes_on_one_of_its_own(links):
    server = maker(accept)

    with carried(server, links):
        acting = server.acting

    assert [request.number for request in acting] == [1, 1, 1]
    assert not {request.connection for request in acting} & {
        request.connection for request in server.requests if request.method == "GET"
    }


def test_command_when_we_gave_up_on_a_slow_maker_then_the_connection_was_reset(links):
    server = maker(never_answer)

    with carried(server, links):
        pass

    used = {request.connection for request in server.acting}
    assert [server.connections[number].ended for number in used] == ["reset"] * 3


def test_lock_when_the_outcome_is_unknown_then_class_a_is_not_sent_again_either(links):
    server = maker(hang_up)

    with carried(server, links[:1], [Lock()]) as commands:
        states = [known(command)[0] for command in commands]

    assert (states, len(server.acting)) == (["unknown"], 1)


def test_redirect_when_it_comes_then_neither_command_nor_token_is_taken_elsewhere(links):
    server = maker(redirect)

    with carried(server, links):
        pass

    assert {request.path for request in server.requests if "elsewhere" in request.path} == set()


@pytest.mark.parametrize("ref", ["\x00", "\ud83d", "a\nb", "x" * 5000])
def test_results_when_one_maker_gives_a_poisonous_reference_then_no_command_is_lost_by_it(links, ref):
    def act(connection, request):
        mine = ref if request.json()["command"] == "unlock" else "r1"
        return say(connection, 202, {"result": "accepted", "ref": mine})

    with carried(maker(act), links) as commands:
        states = [known(command)[0] for command in commands]

    assert states == ["sent", "sent", "sent"]


def state(value, observed_at="2026-01-01T00:00:00Z", *, signal="locked", **more):
    return {"state": "online", "signals": {signal: {"value": value, "observed_at": observed_at}}} | more


SICK = {
    "state of a wrong type": {"state": {}, "signals": []},
    "word with a NUL": state("\x00", signal="charging_state"),
    "place that is no number": state({"latitude": float("nan"), "longitude": 0}, signal="location"),
    "time before all times": state(True, "0001-01-01T00:00:00+14:00"),
    "clock of the year 9999": state(True, server_time="9999-12-31T23:59:59Z"),
    "depth without end": b"[" * 100_000,
}


@pytest.mark.parametrize("sick", SICK.values(), ids=SICK)
def test_search_for_evidence_when_one_car_answers_nonsense_then_the_others_are_still_looked_at(links, sick):
    sick_car = links[0].provider_vehicle_id
    is_sick = []

    def react(connection, request):
        if request.method == "POST":
            return accept(connection, request)
        if is_sick and sick_car in request.path:
            return say(connection, 200, sick)
        return say(connection, 200, {"status": "done"} if is_sick and "/commands/" in request.path else STATE)

    server = RawServer(react)
    with carried(server, links) as commands:
        sent = [known(command)[0] for command in commands]
        is_sick.append(True)
        looked_at = reconcile(*commands)
        after = [known(command)[0] for command in commands]

    assert (sent, looked_at) == (["sent"] * 3, 3)
    # The horn has no reading of its own, so the maker's word ends it.
    assert after == ["sent", "confirmed", "sent"]


def test_second_command_of_a_car_when_the_firsts_connection_is_still_good_then_it_gets_its_own_all_the_same(links):
    with maker(accept) as server:
        point_maker_at(server.url)
        press(links[0], HonkHorn())
        last = press(links[0], Unlock())
        carry(last, until={"sent"})

    assert [(request.json()["command"], request.number) for request in server.acting] == [
        ("horn.honk", 1),
        ("unlock", 1),
    ]
