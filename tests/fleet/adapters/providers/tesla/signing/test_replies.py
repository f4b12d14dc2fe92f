"""Replies of a car, made by the lab's own end of the protocol: which are believed, and what each means."""

import pytest
from tesla_protocol.command.car_server_pb2 import Response
from tesla_protocol.command.universal_message_pb2 import RoutableMessage
from tesla_protocol.command.vcsec_pb2 import FromVCSECMessage

from fleet.adapters.errors import Done, MaybeExecuted, NotExecuted
from fleet.adapters.providers.tesla.signing.keys import SigningKey, make_signing_key
from fleet.adapters.providers.tesla.signing.messages import INFOTAINMENT, SECURITY, Terms, make_handshake, sign
from fleet.adapters.providers.tesla.signing.replies import (
    NotBelieved,
    NotOurs,
    read_reply,
    read_session,
)
from fleet.adapters.providers.tesla.signing.verdicts import verdict_of_reply
from simulator.dialects.tesla.vehicle_side import VehicleSide

VIN, OTHER_VIN = "LRW3E7FS2RC000001", "LRW3E7FS2RC000002"
KEY = SigningKey.from_pem(make_signing_key())
KEYS = frozenset({KEY.public_key})
NOW = 1_000.0
OK, WAIT, ERROR = range(3)
PAYLOAD = bytes.fromhex("120452020801")


class Rig:
    """A car, and a command to a part of it that the car has accepted."""

    def __init__(self, domain=INFOTAINMENT):
        self.car, self.domain = VehicleSide(VIN, booted_at=0.0), domain
        self.greeting = make_handshake(KEY, vin=VIN, domain=domain)
        self.welcome = self.car.shake_hands(RoutableMessage.FromString(self.greeting.body), NOW, keys=KEYS)
        told = self.told()
        self.sent = self.sign(Terms(told.epoch, told.counter + 1, told.clock_s + 20))

    def told(self):
        return read_session(self.read(self.welcome, self.greeting), self.greeting, KEY)

    def sign(self, terms):
        shared = KEY.share_with(self.told().public_key)
        return sign(KEY, shared, PAYLOAD, vin=VIN, domain=self.domain, terms=terms)

    @property
    def message(self):
        return RoutableMessage.FromString(self.sent.body)

    def read(self, message, sent=None):
        return read_reply(message.SerializeToString(), sent or self.sent)

    def verdict(self, message, kind="start_climate"):
        return verdict_of_reply(self.read(message), domain=self.domain, kind=kind)


def said(result, text=""):
    response = Response()
    response.actionStatus.result = result
    response.actionStatus.result_reason.plain_text = text
    return response.SerializeToString()


def security(**nested):
    message = FromVCSECMessage()
    if "nominal" in nested:
        message.nominalError.genericError = nested["nominal"]
    else:
        message.commandStatus.operationStatus = nested["status"]
    return message.SerializeToString()


@pytest.mark.parametrize("domain", [SECURITY, INFOTAINMENT])
def test_command_when_signed_then_the_car_takes_it_once_and_its_reply_is_read(domain):
    rig = Rig(domain)

    rig.car.verify(rig.message, NOW, keys=KEYS)

    reply = rig.car.reply(rig.message, said(0))
    assert reply.protobuf_message_as_bytes != said(0)  # encrypted
    assert rig.read(reply).payload == said(0)
    with pytest.raises(Exception, match="INVALID_TOKEN_OR_COUNTER"):
        rig.car.verify(rig.message, NOW, keys=KEYS)


def test_command_when_its_time_is_over_then_the_car_does_not_take_it():
    rig = Rig()

    with pytest.raises(Exception, match="TIME_EXPIRED"):
        rig.car.verify(rig.message, NOW + 21, keys=KEYS)


@pytest.mark.parametrize("old", [True, False], ids=["plain", "encrypted"])
@pytest.mark.parametrize(
    ("domain", "payload", "kind", "verdict"),
    [
        (INFOTAINMENT, said(0), "start_climate", Done("vehicle_ack")),
        (INFOTAINMENT, said(1, "is_charging"), "start_charge", Done("already")),
        (INFOTAINMENT, said(1, "is_charging"), "stop_charge", NotExecuted("vehicle_refused", "other")),
        (INFOTAINMENT, said(1, "disconnected"), "start_charge", NotExecuted("vehicle_refused", "plug_not_connected")),
        (INFOTAINMENT, said(1, "already_set"), "set_charge_limit", Done("already")),
        (INFOTAINMENT, said(1), "honk_horn", NotExecuted("vehicle_refused", "other")),
        (INFOTAINMENT, b"", "honk_horn", MaybeExecuted(detail="no action status")),
        (INFOTAINMENT, b"\xff", "honk_horn", MaybeExecuted(detail="unreadable reply")),
        (SECURITY, b"", "unlock", Done("vehicle_ack")),
        (SECURITY, security(nominal=2), "lock", NotExecuted("vehicle_refused", "door_open")),
        (SECURITY, security(nominal=3), "lock", Done("already")),
        (SECURITY, security(nominal=5), "lock", NotExecuted("vehicle_refused", "not_parked")),
        (SECURITY, security(nominal=1), "lock", NotExecuted("vehicle_refused", "other")),
        (SECURITY, security(status=OK), "lock", Done("vehicle_ack")),
        (SECURITY, security(status=WAIT), "lock", NotExecuted("busy", retry_after_s=5)),
        (SECURITY, security(status=ERROR), "lock", MaybeExecuted(detail="security error")),
        (SECURITY, b"\x82\x01\x00", "lock", MaybeExecuted(detail="reply to something else")),
    ],
)  # fmt: skip
def test_reply_when_a_part_of_the_car_has_spoken_then_this_is_known(domain, payload, kind, verdict, old):
    rig = Rig(domain)
    request = rig.message
    request.flags = 0 if old else request.flags  # older firmware knows no encrypted replies

    assert rig.verdict(rig.car.reply(request, payload), kind) == verdict


FAULTS = {
    1: NotExecuted("busy", retry_after_s=5.0),
    2: MaybeExecuted(detail="fault 2"),
    3: NotExecuted("needs_pairing"),
    4: NotExecuted("needs_pairing"),
    5: NotExecuted("upstream_error", retry_after_s=0.0),
    6: NotExecuted("upstream_error", retry_after_s=0.0),
    7: NotExecuted("vehicle_refused", "other"),
    8: NotExecuted("invalid_request"),
    9: NotExecuted("not_capable"),
    10: NotExecuted("invalid_request"),
    11: NotExecuted("upstream_error", retry_after_s=5.0),
    12: NotExecuted("invalid_request"),
    13: NotExecuted("invalid_request"),
    14: MaybeExecuted(detail="fault 14"),
    15: NotExecuted("upstream_error", retry_after_s=0.0),
    16: MaybeExecuted(detail="fault 16"),
    17: NotExecuted("upstream_error", retry_after_s=0.0),
    18: NotExecuted("vehicle_refused", "in_service"),
    19: NotExecuted("upstream_error"),
    20: NotExecuted("upstream_error", retry_after_s=0.0),
    21: NotExecuted("vehicle_refused", "remote_access_disabled"),
    22: MaybeExecuted(detail="fault 22"),
    23: NotExecuted("needs_consent"),
    24: NotExecuted("invalid_request"),
    25: MaybeExecuted(detail="fault 25"),
    26: NotExecuted("upstream_error", retry_after_s=0.0),
    29: NotExecuted("not_capable"),
    99: MaybeExecuted(detail="fault 99"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_reply_when_it_is_a_fault_then_this_is_known(fault):
    rig = Rig()

    assert rig.verdict(rig.car.refuse(rig.message, fault, NOW)) == FAULTS[fault]


def test_reply_when_the_car_is_waiting_then_it_is_busy():
    rig = Rig()

    assert rig.verdict(rig.car.reply(rig.message, b"", is_waiting=True)) == NotExecuted("busy", retry_after_s=5.0)


def test_reply_when_it_is_a_session_then_it_is_no_yes():
    rig = Rig(SECURITY)
    reply = rig.car.refuse(rig.message, 15, NOW)
    reply.ClearField("signedMessageStatus")

    assert rig.verdict(reply) == MaybeExecuted(detail="a session in place of a reply")


def spoil(change):
    """Return a good reply to a command, with one thing changed, and the command."""
    rig = Rig()
    reply = rig.car.reply(rig.message, said(0))
    change(reply)
    return rig, reply


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda reply: setattr(reply, "request_uuid", bytes(16)), "to another message"),
        (lambda reply: setattr(reply.to_destination, "routing_address", bytes(16)), "to another sender"),
        (lambda reply: setattr(reply.from_destination, "domain", SECURITY), "from another part of the car"),
        (lambda reply: setattr(reply, "flags", 1), "cannot be decrypted"),
        (lambda reply: setattr(reply.signedMessageStatus, "signed_message_fault", 1), "cannot be decrypted"),
        (lambda reply: setattr(reply.signature_data.AES_GCM_Response_data, "counter", 9), "cannot be decrypted"),
        (lambda reply: setattr(reply.signature_data.AES_GCM_Response_data, "nonce", b""), "cannot be decrypted"),
        (lambda reply: setattr(reply.signature_data.AES_GCM_Response_data, "tag", bytes(16)), "cannot be decrypted"),
        (lambda reply: setattr(reply, "protobuf_message_as_bytes", b"1234"), "cannot be decrypted"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reply_when_something_of_it_was_changed_then_it_says_nothing(change, why):
    rig, reply = spoil(change)

    with pytest.raises(NotOurs, match=why):
        rig.read(reply)


def test_reply_when_it_is_the_one_to_an_earlier_command_then_it_says_nothing():
    rig = Rig(SECURITY)
    earlier = rig.car.reply(rig.message, b"")
    told = rig.told()
    later = rig.sign(Terms(told.epoch, told.counter + 2, told.clock_s + 20))
    earlier.to_destination.routing_address = later.routing_address

    with pytest.raises(NotOurs, match="cannot be decrypted"):
        rig.read(earlier, later)


def test_reply_when_it_is_no_message_then_it_says_nothing():
    with pytest.raises(NotOurs):
        read_reply(b"\xff\xff", Rig().sent)


@pytest.mark.parametrize(
    "change",
    [
        lambda rig: setattr(rig.welcome.signature_data.session_info_tag, "tag", bytes(32)),
        lambda rig: setattr(rig.welcome.signature_data.session_info_tag, "tag", b""),
        lambda rig: setattr(rig.welcome, "session_info", rig.welcome.session_info + b"\x08\x63"),  # another counter
        lambda rig: setattr(rig.welcome, "session_info", b"\xff"),
        lambda rig: setattr(rig.welcome, "session_info", b""),
        lambda rig: setattr(rig, "greeting", make_handshake(KEY, vin=VIN, domain=INFOTAINMENT)),  # a stale answer
        lambda rig: setattr(rig.car, "vin", OTHER_VIN),
    ],
    ids=["wrong tag", "no tag", "another counter", "nonsense", "empty", "to another question", "from another car"],
)
def test_session_when_nobody_vouches_for_it_then_it_is_thrown_away(change):
    rig = Rig()
    change(rig)
    if rig.car.vin == OTHER_VIN:
        rig.welcome = rig.car.shake_hands(RoutableMessage.FromString(rig.greeting.body), NOW, keys=KEYS)
    rig.welcome.to_destination.routing_address = rig.greeting.routing_address
    rig.welcome.ClearField("request_uuid")

    with pytest.raises(NotBelieved):
        rig.told()


def test_session_when_the_car_does_not_know_our_key_then_it_says_so():
    rig = Rig()
    rig.welcome = rig.car.shake_hands(RoutableMessage.FromString(rig.greeting.body), NOW, keys=frozenset())

    assert rig.told().is_paired is False
