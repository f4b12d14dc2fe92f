"""Signed commands on the wire of Tesla's dialect: what a car verifies, and that it does nothing when it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from tesla_protocol.command.car_server_pb2 import Action
from tesla_protocol.command.signatures_pb2 import SessionInfo
from tesla_protocol.command.universal_message_pb2 import RoutableMessage
from tesla_protocol.command.vcsec_pb2 import FromVCSECMessage, UnsignedMessage

from tests.simulator.cloud import Simulator, wait_until
from tests.simulator.dialects.tesla_wire import (
    INFOTAINMENT,
    MODEL_3,
    OLD_MODEL_S,
    UNLOCK,
    VCSEC,
    Signer,
    TeslaApp,
    fault_of,
    make_limit,
    read_infotainment,
    read_security,
)


@pytest.fixture
def app(lab: Simulator) -> TeslaApp:
    return TeslaApp(lab, MODEL_3)


@pytest.fixture
def signer(app: TeslaApp) -> Signer:
    return Signer(app).pair()


def test_signed_command_when_everything_is_right_then_the_car_acts_and_says_so(app: TeslaApp, signer: Signer) -> None:
    unlocked = signer.command(VCSEC, UNLOCK)
    limited = signer.command(INFOTAINMENT, make_limit(90))
    again = signer.command(INFOTAINMENT, make_limit(90))

    assert (fault_of(unlocked), read_security(unlocked)) == (0, FromVCSECMessage())
    assert [read_infotainment(reply) for reply in (limited, again)] == [(0, ""), (1, "already_set")]
    assert app.did() == [
        ("unlock", "done", True),
        ("charge.set_limit", "done", True),
        ("charge.set_limit", "already", False),
    ]
    truth = app.owner.truth()["signals"]
    assert (truth["locked"], truth["charge_limit_percent"]) == (False, 90)


def test_signed_command_when_its_flags_ask_for_it_then_only_the_sender_can_read_the_reply(
    app: TeslaApp, signer: Signer
) -> None:
    plain = {}
    for domain, payload in ((VCSEC, UNLOCK), (INFOTAINMENT, make_limit(70)), (INFOTAINMENT, make_limit(30))):
        request = signer.sign(domain, payload, flags=2)
        reply = signer.send(request)
        assert reply.signature_data.WhichOneof("sig_type") == "AES_GCM_Response_data"
        plain[payload] = reply.protobuf_message_as_bytes, signer.open_reply(request, reply)

    assert [opened for _, opened in plain.values()] == [
        b"",
        b"\x0a\x00",
        b"\x0a\x1a\x08\x01\x12\x16\x0a\x14invalid_charge_limit",
    ]
    assert all(sealed != opened or opened == b"" for sealed, opened in plain.values())


# Each is one thing wrong with a command to unlock, and the maker's number for it.
WRONG: dict[str, tuple[dict[str, Any], int]] = {
    "wrong tag": ({"change_tag": True}, 5),
    "another car's": ({"vin": "5YJ30123456789ABC"}, 5),
    "signed for the other domain": ({"signed_domain": INFOTAINMENT}, 5),
    "of another boot": ({"epoch": bytes(16)}, 15),
    "expired": ({"expires_in_s": -60}, 17),
    "from beyond the epoch": ({"expires_in_s": 2**31}, 13),
}


@pytest.mark.parametrize(("wrong", "fault"), WRONG.values(), ids=WRONG.keys())
def test_signed_command_when_one_thing_is_wrong_then_it_is_refused_and_the_client_can_mend_it(
    app: TeslaApp, signer: Signer, wrong: dict[str, Any], fault: int
) -> None:
    request = signer.sign(VCSEC, UNLOCK, **wrong)
    reply = signer.send(request)

    assert fault_of(reply) == fault
    assert app.did() == [("unlock", f"fault_{fault}", False)]
    assert app.owner.truth()["signals"]["locked"] is True
    if fault != 13:
        # Whoever was only out of step gets a tagged way back, and nobody without the key can use counters up.
        assert signer.adopt(VCSEC, reply, request.uuid).counter == 0
        assert fault_of(signer.command(VCSEC, UNLOCK)) == 0
        assert app.owner.truth()["signals"]["locked"] is False


def test_signed_command_when_replayed_or_out_of_order_then_locks_refuse_it_and_the_rest_takes_it_late_once(
    app: TeslaApp, signer: Signer
) -> None:
    first = signer.sign(VCSEC, UNLOCK)
    faults = [fault_of(signer.send(message)) for message in (first, first)]
    early, late = signer.sign(VCSEC, UNLOCK), signer.sign(VCSEC, UNLOCK)
    faults += [fault_of(signer.send(message)) for message in (late, early)]
    assert faults == [0, 6, 0, 6]

    early, late = signer.sign(INFOTAINMENT, make_limit(60)), signer.sign(INFOTAINMENT, make_limit(70))
    long = signer.sign(INFOTAINMENT, make_limit(75), expires_in_s=600)
    last = signer.sign(INFOTAINMENT, make_limit(80), expires_in_s=600)
    faults = [fault_of(signer.send(message)) for message in (late, early, early, last, long)]
    assert faults == [0, 0, 6, 0, 20]

    assert [outcome for _, outcome, _ in app.did()] == [
        "done",
        "fault_6",
        "already",
        "fault_6",
        "done",
        "done",
        "fault_6",
        "done",
        "fault_20",
    ]
    assert app.owner.truth()["signals"]["charge_limit_percent"] == 80


def test_signed_command_when_the_car_does_not_know_the_key_then_neither_handshake_nor_command_is_taken(
    app: TeslaApp, signer: Signer
) -> None:
    stranger = Signer(app)
    greeting = stranger.shake_hands(VCSEC)
    reply = stranger.command(VCSEC, UNLOCK)
    app.control("POST", f"cars/{app.owner.car}", {"unpair": signer.pem})
    after = signer.shake_hands(VCSEC)

    session = SessionInfo.FromString(greeting.session_info)
    assert (session.status, fault_of(greeting), fault_of(reply), fault_of(after)) == (1, 3, 3, 3)
    assert app.did() == [("unlock", "fault_3", False)]


def test_signed_command_when_it_is_not_for_this_computer_then_it_does_not_know_it(
    app: TeslaApp, signer: Signer
) -> None:
    signer.shake_hands(VCSEC)
    signer.shake_hands(INFOTAINMENT)
    wake = UnsignedMessage(InformationRequest={})
    unknown = Action(vehicleAction={"boomboxAction": {}})
    nowhere = Action(vehicleAction={"navigationGpsRequest": {"lat": float("nan"), "lon": 11.5}})
    stray = signer.sign(VCSEC, UNLOCK)
    stray.to_destination.domain = 7
    wordy = signer.sign(VCSEC, UNLOCK)
    wordy.uuid = bytes(300)

    faults = [
        fault_of(signer.command(VCSEC, make_limit(90))),
        fault_of(signer.command(INFOTAINMENT, unknown.SerializeToString())),
        fault_of(signer.command(VCSEC, wake.SerializeToString())),
        fault_of(signer.command(INFOTAINMENT, b"\xff\xff")),
        fault_of(signer.send(stray)),
        fault_of(signer.send(wordy)),
    ]

    assert faults == [9, 9, 9, 10, 8, 13]
    assert read_infotainment(signer.command(INFOTAINMENT, nowhere.SerializeToString())) == (1, "invalid_coordinates")
    assert {executed for _, _, executed in app.did()} == {False}


def test_session_when_the_car_boots_again_then_a_client_is_back_with_what_the_fault_brought(
    app: TeslaApp, signer: Signer
) -> None:
    signer.command(VCSEC, UNLOCK)
    old = signer.sessions[VCSEC]
    app.control("POST", f"cars/{app.owner.car}", {"reboot": "vcsec"})

    request = signer.sign(VCSEC, UNLOCK)
    fault = signer.send(request)
    new = signer.adopt(VCSEC, fault, request.uuid)
    signer.counters[VCSEC] = new.counter
    reply = signer.command(VCSEC, UNLOCK)

    assert (fault_of(fault), fault_of(reply)) == (15, 0)
    assert (new.publicKey == old.publicKey, new.epoch == old.epoch, new.counter) == (True, False, 0)
    assert new.clock_time <= 5


def test_session_when_two_clients_have_keys_then_their_counters_are_their_own(app: TeslaApp, signer: Signer) -> None:
    other = Signer(app).pair()
    for _ in range(3):
        signer.command(VCSEC, UNLOCK)

    assert fault_of(other.command(VCSEC, UNLOCK)) == 0
    assert SessionInfo.FromString(signer.shake_hands(VCSEC).session_info).counter == 3
    assert SessionInfo.FromString(other.shake_hands(VCSEC).session_info).counter == 1


def test_signed_command_when_the_cloud_stops_it_then_the_car_never_hears_of_it(lab: Simulator) -> None:
    app = TeslaApp(lab, MODEL_3, scopes=["vehicle_device_data", "vehicle_charging_cmds"])
    signer = Signer(app).pair()
    unlock, limit, encrypted = signer.sign(VCSEC, UNLOCK), signer.sign(INFOTAINMENT, make_limit(90)), signer.begin(2)
    encrypted.signature_data.AES_GCM_Personalized_data.counter = 9

    answers = [signer.post(unlock), signer.post(encrypted), post_raw(app, "no base64!"), post_raw(app, "")]
    app.owner.set(online="asleep")
    answers += [signer.post(limit), post_handshake(signer)]
    app.owner.set(online="online")

    assert [app.refuse_of(answer) for answer in answers] == [
        (403, "Unauthorized missing scopes"),
        (403, "command must not be encrypted"),
        (400, "invalid_request"),
        (400, "invalid_request"),
        (408, "vehicle unavailable: vehicle is offline or asleep"),
        (408, "vehicle unavailable: vehicle is offline or asleep"),
    ]
    assert app.did() == [("unlock", "insufficient_scope", False), ("charge.set_limit", "vehicle_asleep", False)]
    assert fault_of(signer.send(limit)) == 0


def post_raw(app: TeslaApp, words: str) -> Any:
    return app.ask("POST", f"vehicles/{app.vins[0]}/signed_command", {"routable_message": words})


def post_handshake(signer: Signer) -> Any:
    message = signer.begin(VCSEC)
    message.session_info_request.public_key = signer.public_key
    return signer.post(message)


def test_signed_command_when_the_car_is_too_old_for_them_then_422_says_so(lab: Simulator) -> None:
    app = TeslaApp(lab, OLD_MODEL_S)

    answer = post_handshake(Signer(app))

    assert app.refuse_of(answer) == (422, "vehicle does not support signed commands")


REFUSALS: dict[str, tuple[Callable[[TeslaApp], None], int, bytes, Callable[[RoutableMessage], Any], Any]] = {
    "busy": (lambda app: behave(app, refuse="busy"), VCSEC, UNLOCK, fault_of, 1),
    "remote access off": (lambda app: behave(app, refuse="remote_access_disabled"), VCSEC, UNLOCK, fault_of, 21),
    "a word of the lab": (
        lambda app: behave(app, maker_says={"word": "fault_11"}),
        INFOTAINMENT,
        make_limit(90),
        fault_of,
        11,
    ),
    "no answer from the car": (
        lambda app: behave(app, never_acts=True, patience_s=0.05),
        INFOTAINMENT,
        make_limit(90),
        fault_of,
        2,
    ),
    "security computer waits": (
        lambda app: behave(app, maker_says={"word": "wait"}),
        VCSEC,
        UNLOCK,
        lambda reply: read_security(reply).commandStatus.operationStatus,
        1,
    ),
    "driving": (
        lambda app: app.owner.set(in_motion=True),
        VCSEC,
        UNLOCK,
        lambda reply: read_security(reply).nominalError.genericError,
        5,
    ),
    "no limit of this car's": (
        lambda _app: None,
        INFOTAINMENT,
        make_limit(30),
        read_infotainment,
        (1, "invalid_charge_limit"),
    ),
    "in its own words": (
        lambda app: behave(app, maker_says={"word": "could_not_wake_buses"}),
        INFOTAINMENT,
        make_limit(90),
        read_infotainment,
        (1, "could_not_wake_buses"),
    ),
}


def behave(app: TeslaApp, **fields: Any) -> None:
    app.lab.behave(app.owner.car, **fields)


@pytest.mark.parametrize(("prepare", "domain", "payload", "read", "said"), REFUSALS.values(), ids=REFUSALS.keys())
def test_signed_command_when_the_car_says_no_then_the_reply_says_why_and_nothing_happens(
    app: TeslaApp,
    signer: Signer,
    prepare: Callable[[TeslaApp], None],
    domain: int,
    payload: bytes,
    read: Callable[[RoutableMessage], Any],
    said: Any,
) -> None:
    prepare(app)

    assert read(signer.command(domain, payload)) == said
    assert [executed for _, _, executed in app.did()] == [False]


def test_signed_command_when_its_reply_is_lost_then_the_car_has_acted_and_the_counter_is_spent(
    app: TeslaApp, signer: Signer
) -> None:
    request = signer.sign(VCSEC, UNLOCK)
    behave(app, lose_reply=1)

    with pytest.raises(ConnectionError):
        signer.post(request)

    assert wait_until(lambda: app.did() == [("unlock", "done", True)])
    assert fault_of(signer.send(request)) == 6
    assert app.owner.truth()["signals"]["locked"] is False
