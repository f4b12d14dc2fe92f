"""Signed commands when the way to the car goes wrong: nothing leaves before its time, nothing is claimed unknown."""

import base64
import json
import socket
import time
from dataclasses import replace

import pytest
from tesla_protocol.command.universal_message_pb2 import RoutableMessage

from fleet.adapters.commands import Lock, Unlock
from fleet.adapters.errors import AdapterError, Done, MaybeExecuted, NotExecuted
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.signing.keys import SigningKey
from fleet.adapters.sessions import SessionsInMemory
from simulator.dialects.tesla.vehicle_side import VehicleSide
from tests.fleet.adapters.providers.tesla import test_adapter as plain
from tests.fleet.adapters.raw_server import RawServer, Request, hang_up, say
from tests.fleet.adapters.rig import Permit

VIN = plain.VIN
KEYS = frozenset({SigningKey.from_pem(plain.KEY).public_key})
CASES = plain.TestTeslaAdapter()
START = 1_000.0


class Car:
    """A car behind a cloud that does what it is told to; `on_handshake` and `on_command` react in its place."""

    def __init__(self, *, on_handshake=None, on_command=None):
        self.side = VehicleSide(VIN, booted_at=time.time() - START)
        self.store, self.keys = SessionsInMemory(), KEYS
        self.on_handshake, self.on_command = on_handshake, on_command
        self.obeyed = 0

    def react(self, connection: socket.socket, request: Request) -> bool:
        if request.path.endswith("fleet_status"):
            return say(connection, 200, CASES.answer("must_sign_and_paired")["body"])
        if not request.path.endswith("signed_command"):
            return say(connection, 200, CASES.answer("accepted")["body"])
        message = RoutableMessage.FromString(base64.b64decode(request.json()["routable_message"]))
        is_handshake = message.WhichOneof("payload") == "session_info_request"
        react = self.on_handshake if is_handshake else self.on_command
        if react is not None:
            return react(connection, message if isinstance(react, Twist) else request)
        return self.answer(connection, message)

    def answer(self, connection, message, change=id):
        if message.WhichOneof("payload") == "session_info_request":
            reply = self.side.shake_hands(message, time.time(), keys=self.keys)
        else:
            self.side.verify(message, time.time(), keys=KEYS)
            self.obeyed += 1
            reply = self.side.reply(message, b"")
        change(reply)
        return say(connection, 200, {"response": base64.b64encode(reply.SerializeToString()).decode()})

    def send(self, *orders):
        """Return verdicts or error codes, how often the permit was asked for, and the requests."""
        permits = [Permit() for _ in orders]

        async def each(adapter):
            adapter = TeslaAdapter(adapter.app, adapter.http, self.store)
            return [await _send(adapter, *pair) for pair in zip(orders, permits, strict=True)]

        with RawServer(self.react) as server:
            found = CASES.call(server.url, each)
        return found, [permit.asked for permit in permits], server.requests


class Twist:
    """Let the car answer, and change its answer."""

    def __init__(self, change):
        self.car, self.change = None, change

    def __call__(self, connection, message):
        return self.car.answer(connection, message, self.change)


def twisted_car(part, change):
    twist = Twist(change)
    twist.car = Car(**{part: twist})
    return twist.car


async def _send(adapter, order, permit):
    try:
        return await adapter.send(CASES.access, order, permit=permit, request_id="r")
    except AdapterError as error:
        return error.code


def says(case):
    given = CASES.answer(case)
    return lambda connection, _: say(connection, given["status"], given["body"])


def says_html(connection, _):
    return say(connection, 200, b"<h1>Welcome</h1>")


def says_nothing_readable(connection, _):
    return say(connection, 200, {"response": "!!!"})


@pytest.mark.parametrize(
    ("on_handshake", "found"),
    [
        (says("asleep"), "vehicle_asleep"),
        (says("unauthorized"), "needs_reconnect"),
        (says("down"), "upstream_down"),
        (hang_up, "upstream_down"),
        (says_html, "upstream_error"),
        (says_nothing_readable, "upstream_error"),
    ],
)
def test_handshake_when_it_does_not_come_about_then_no_command_leaves(on_handshake, found):
    car = Car(on_handshake=on_handshake)

    assert car.send(Unlock())[:2] == ([found], [0])
    assert car.obeyed == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: setattr(reply.signature_data.session_info_tag, "tag", bytes(32)),
        lambda reply: setattr(reply, "request_uuid", bytes(16)),
        lambda reply: setattr(reply.to_destination, "routing_address", bytes(16)),
        lambda reply: reply.ClearField("session_info"),
    ],
    ids=["wrong tag", "another question's", "another sender's", "no session"],
)
def test_handshake_when_nobody_vouches_for_it_then_no_command_is_signed_with_it(change):
    car = twisted_car("on_handshake", change)

    assert car.send(Unlock())[:2] == (["upstream_error"], [0])


@pytest.mark.parametrize(
    ("fault", "found"),
    [(1, "busy"), (3, NotExecuted("needs_pairing", written=False)), (11, "upstream_error"), (2, "upstream_error")],
)
def test_handshake_when_the_car_refuses_it_then_it_is_said_why(fault, found):
    def refuse(reply):
        reply.ClearField("session_info")
        reply.signedMessageStatus.signed_message_fault = fault

    car = twisted_car("on_handshake", refuse)

    assert car.send(Unlock())[:2] == ([found], [0])


def test_handshake_when_the_car_lets_our_key_in_to_nothing_then_the_owner_has_to_pair_it():
    car = Car()
    car.keys = frozenset()  # and fleet_status has not heard of it yet

    verdicts, asked, requests = car.send(Unlock(), Unlock())

    assert (verdicts, asked) == ([NotExecuted("needs_pairing", written=False)] * 2, [0, 0])
    assert [request.path.rpartition("/")[2] for request in requests] == ["fleet_status", "signed_command"] * 2
    assert car.store._sessions == {}


@pytest.mark.parametrize(
    ("on_command", "verdict"),
    [
        (says("asleep"), NotExecuted("vehicle_asleep", retry_after_s=1.0)),
        (says("insufficient_scope"), NotExecuted("needs_consent")),
        (says("unauthorized"), NotExecuted("needs_reconnect", retry_after_s=0.0)),
        (says("vehicle_error"), MaybeExecuted(detail="HTTP 540")),
        (hang_up, MaybeExecuted(detail="ServerDisconnectedError")),
        (says_html, MaybeExecuted(detail="HTTP 200")),
        (says_nothing_readable, MaybeExecuted(detail="HTTP 200")),
        (says("error_within_200"), MaybeExecuted(detail="HTTP 200")),
    ],
)
def test_command_when_its_answer_goes_wrong_then_no_more_is_claimed_than_is_known(on_command, verdict):
    assert Car(on_command=on_command).send(Unlock())[:2] == ([verdict], [1])


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: setattr(reply.to_destination, "routing_address", bytes(16)),
        lambda reply: setattr(reply.signature_data.AES_GCM_Response_data, "tag", bytes(16)),
        lambda reply: setattr(reply.from_destination, "domain", 3),
    ],
    ids=["to another", "not the car's", "another part's"],
)
def test_command_when_the_reply_is_not_the_cars_to_it_then_nothing_is_claimed(change):
    car = twisted_car("on_command", change)

    assert car.send(Unlock())[:2] == ([MaybeExecuted(detail="HTTP 200")], [1])
    assert car.obeyed == 1


def test_command_when_the_reply_to_the_one_before_comes_again_then_it_counts_for_nothing():
    kept = []
    car = twisted_car("on_command", lambda reply: kept.append(reply) or reply.CopyFrom(kept[0]))

    assert car.send(Lock(), Unlock())[0] == [Done("vehicle_ack"), MaybeExecuted(detail="HTTP 200")]


def test_session_when_the_cars_clock_goes_back_within_an_epoch_then_the_news_is_not_believed():
    car = Car()
    car.send(Lock())
    before = car.store._sessions[VIN, "2"]

    # A session of the same epoch, well signed, in which the car's clock stands earlier than it was seen to stand.
    def expire(connection, request):
        message = RoutableMessage.FromString(base64.b64decode(request.json()["routable_message"]))
        at = time.time() if car.refused == 0 else time.time() - 500
        car.refused += 1
        reply = car.side.refuse(message, 17, at)
        return say(connection, 200, {"response": base64.b64encode(reply.SerializeToString()).decode()})

    car.refused, car.on_command = 0, expire
    verdicts, _, _ = car.send(Lock(), Lock())

    after = car.store._sessions[VIN, "2"]
    assert verdicts == [NotExecuted("upstream_error", retry_after_s=0.0)] * 2
    assert after.clock_zero_s == pytest.approx(before.clock_zero_s, abs=2)
    assert (after.epoch, after.counter) == (before.epoch, before.counter + 2)


def test_session_when_what_is_stored_makes_no_sense_then_it_begins_anew():
    car = Car()
    car.send(Unlock())
    stored = car.store._sessions[VIN, "2"]
    car.store._sessions[VIN, "2"] = replace(stored, clock_zero_s=time.time() + 10**6)

    assert car.send(Lock())[0] == [Done("vehicle_ack")]


def test_car_when_it_turns_out_not_to_know_signatures_then_the_next_command_is_plain():
    given = {"response": None, "error": "vehicle does not support signed commands", "error_description": ""}
    car = Car(on_command=lambda connection, _: say(connection, 422, given))

    verdicts, _, requests = car.send(Lock(), Lock())

    assert verdicts == [NotExecuted("upstream_error", retry_after_s=0.0), Done("vehicle_ack")]
    assert requests[-1].path.endswith("/command/door_lock")


def test_car_when_it_turns_out_to_want_signatures_then_the_next_command_is_signed():
    car = Car()
    signed = car.react

    def react(connection, request):
        if request.path.endswith("fleet_status"):
            body = json.loads(json.dumps(CASES.answer("must_sign_and_paired")["body"]).replace("true", "false"))
            return say(connection, 200, body)
        if "/command/" in request.path:
            return says("must_be_signed")(connection, request)
        return signed(connection, request)

    car.react = react

    assert car.send(Lock(), Lock())[0] == [NotExecuted("upstream_error", retry_after_s=0.0), Done("vehicle_ack")]
    assert car.obeyed == 1


def test_command_when_signed_then_it_dies_in_the_car_before_we_stop_waiting():
    seen = []

    def keep(connection, request):
        message = RoutableMessage.FromString(base64.b64decode(request.json()["routable_message"]))
        seen.append(message.signature_data.HMAC_Personalized_data.expires_at - car.side.computers[2].clock(time.time()))
        return car.answer(connection, message)

    car = Car(on_command=keep)
    car.send(Unlock())

    assert 22 <= seen[0] <= 25
