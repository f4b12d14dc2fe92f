"""Smartcar's signals, commands and web-hooks, asked as its adapter would."""

import hashlib
import hmac
import json
import socket
from http.client import RemoteDisconnected
from typing import Any

import pytest

from tests.simulator.cloud import Owner, Simulator
from tests.simulator.dialects.listener import listen
from tests.simulator.dialects.smartcar_calls import BASE, CAR, GOLF, Caller, name_error


@pytest.fixture
def owner(lab: Simulator) -> Owner:
    return lab.add_owner(CAR)


@pytest.fixture
def caller(lab: Simulator, owner: Owner) -> Caller:
    return Caller(lab, owner)


def test_signals_when_read_then_have_units_ages_errors_and_nulls(lab: Simulator) -> None:
    petrol = Caller(
        lab, lab.add_owner({**GOLF, "online": "asleep"}), permissions=["read_odometer", "read_battery", "read_tires"]
    )
    facts = {
        "times": "ms",
        "nulls": ["wheel-tires"],
        "errors": {"odometer-traveleddistance": {"type": "UPSTREAM", "code": "INVALID_DATA"}},
    }
    lab.control("POST", f"cars/{petrol.owner.car}", {"facts": {"smartcar": facts}})

    signals = petrol.signals()
    imperial = petrol.signals(**{"sc-unit-system": "imperial"})

    def error(code: str) -> tuple[str, str]:
        status = signals[code]["attributes"]["status"]
        return status["error"]["type"], status["error"]["code"]

    assert error("odometer-traveleddistance") == ("UPSTREAM", "INVALID_DATA")
    assert error("tractionbattery-stateofcharge") == ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE")
    assert error("location-preciselocation") == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")
    assert signals["wheel-tires"]["attributes"]["body"]["value"] is None
    assert imperial["wheel-tires"]["attributes"]["body"]["unit"] == "psi"
    asleep = signals["connectivitystatus-isasleep"]
    assert asleep["attributes"]["body"] == {"value": True}
    assert asleep["meta"]["oemUpdatedAt"] <= asleep["meta"]["retrievedAt"]
    assert name_error(petrol.ask("GET", f"vehicles/{petrol.vehicle}/signals/odometer-nonsense"))[:3] == (
        404,
        "RESOURCE_NOT_FOUND",
        "SIGNAL_NOT_FOUND",
    )


def test_a_command_when_done_then_is_recorded_once_and_the_ledger_has_our_word(caller: Caller) -> None:
    answers = {
        path: caller.send(path, **attributes)
        for path, attributes in {
            "security/unlock": {},
            "charge/start": {},
            "charge/set-limit": {"percent": 77},
            "navigation/set-destination": {"latitude": 48.1, "longitude": 11.5},
        }.items()
    }

    records = {path: answer.json()["data"]["attributes"] for path, answer in answers.items()}
    assert [answer.status for answer in answers.values()] == [200] * 4
    assert {record["status"]["value"] for record in records.values()} == {"SUCCESS"}
    assert records["charge/set-limit"]["commandType"] == "charge-set-limit"
    assert records["charge/set-limit"]["parameters"] == {"percent": 77}
    entries = caller.lab.entries(caller.owner.car, executed="true")
    assert [entry["command"] for entry in entries] == ["unlock", "charge.start", "charge.set_limit", "navigation.send"]
    truth = caller.owner.truth()
    assert (truth["signals"]["locked"], truth["signals"]["charge_limit_percent"]) == (False, 77)


@pytest.mark.parametrize(
    ("behaviour", "path", "expected"),
    [
        ({"asleep": True}, "security/lock", (409, "VEHICLE_STATE", "ASLEEP", None)),
        ({"offline": True}, "security/lock", (409, "VEHICLE_STATE", "UNREACHABLE", None)),
        ({"refuse": "door_open"}, "security/lock", (409, "VEHICLE_STATE", "DOOR_OPEN", None)),
        ({}, "charge/stop", (409, "VEHICLE_STATE", "NOT_CHARGING", None)),
        (
            {"token_revoked": True},
            "security/lock",
            (400, "CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", "REAUTHENTICATE"),
        ),
        ({"rate_limit": {"retry_after_s": 7}}, "security/lock", (429, "RATE_LIMIT", "SMARTCAR_API", "RETRY_LATER")),
        ({"status_after": {"status": 504}}, "security/unlock", (504, "UPSTREAM", "NO_RESPONSE", "RETRY_LATER")),
        ({"status_before": {"status": 502}}, "security/unlock", (502, "UPSTREAM", "KNOWN_ISSUE", "RETRY_LATER")),
        (
            {"maker_says": {"word": "BILLING/VEHICLE_REQUEST_LIMIT"}},
            "security/lock",
            (430, "BILLING", "VEHICLE_REQUEST_LIMIT", "CONTACT_SUPPORT"),
        ),
        # An error object in an answer that HTTP calls a success: the body decides.
        (
            {"maker_says": {"word": "200 VEHICLE_STATE/HOOD_OPEN"}},
            "security/lock",
            (200, "VEHICLE_STATE", "HOOD_OPEN", None),
        ),
    ],
    ids=lambda value: next(iter(value), "plain") if isinstance(value, dict) else None,
)
def test_a_command_when_it_fails_then_has_the_documented_error(
    caller: Caller, behaviour: dict[str, Any], path: str, expected: tuple[int, str, str | None, str | None]
) -> None:
    caller.lab.behave(caller.owner.car, **behaviour)

    answer = caller.send(path)

    assert name_error(answer) == expected
    acted = "status_after" in behaviour
    assert [entry["executed_at"] is not None for entry in caller.lab.entries(caller.owner.car)] in ([acted], [])


def test_a_request_when_it_is_not_allowed_then_nothing_reaches_the_car(lab: Simulator, caller: Caller) -> None:
    stranger = Caller(lab, lab.add_owner(GOLF), permissions=["read_odometer"])

    without_user = caller.ask("GET", f"vehicles/{caller.vehicle}/signals", **{"sc-user-id": ""})
    foreign = caller.ask("GET", f"vehicles/{stranger.vehicle}")
    without_permission = stranger.send("security/lock")
    wrong_percent = caller.send("charge/set-limit", percent=49)
    unknown = caller.send("climate/start")
    caller.token = "expired"
    without_token = caller.send("security/lock")

    assert name_error(without_user)[:3] == (400, "VALIDATION", "MISSING_PARAMETER")
    assert name_error(foreign)[:3] == (404, "RESOURCE_NOT_FOUND", "PATH")
    assert name_error(without_permission)[:3] == (403, "AUTHENTICATION", "ACCESS_DENIED")
    assert name_error(wrong_percent)[:3] == (400, "VALIDATION", "PARAMETER")
    assert name_error(unknown)[:3] == (404, "RESOURCE_NOT_FOUND", "PATH")
    assert name_error(without_token)[:3] == (401, "AUTHENTICATION", "INVALID_TOKEN")
    assert lab.entries(caller.owner.car, executed="true") == lab.entries(stranger.owner.car, executed="true") == []


def test_a_slow_car_when_within_the_makers_patience_then_is_waited_for_else_the_body_comes_late(caller: Caller) -> None:
    caller.lab.behave(caller.owner.car, effect_s=0.3)
    waited = caller.send("security/unlock")

    caller.lab.behave(caller.owner.car, effect_s=0.5, patience_s=0.05)
    head, late = _watch_the_answer(caller, "security/lock")

    assert (waited.status, waited.json()["data"]["attributes"]["status"]["value"]) == (200, "SUCCESS")
    assert head.startswith(b"HTTP/1.1 202")
    assert b"Content-Length" not in head
    assert b"data" not in head
    assert b'"value":"SUCCESS"' in late
    caller.lab.behave(caller.owner.car, effect_s=None, never_acts=True)
    pending = caller.send("security/unlock").json()["data"]
    assert (pending["attributes"]["status"]["value"], pending["meta"]["completedAt"]) == ("PENDING", None)


def _watch_the_answer(caller: Caller, path: str) -> tuple[bytes, bytes]:
    """Send a command over a bare socket; return what came first and what came after it."""
    request = (
        f"POST {BASE}/v3/vehicles/{caller.vehicle}/commands/{path} HTTP/1.1\r\nHost: lab\r\n"
        f"Authorization: Bearer {caller.token}\r\nsc-user-id: {caller.user_id}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(caller.lab.host, timeout=10) as connection:
        connection.sendall(request.encode())
        first = connection.recv(65536)
        rest = b""
        while chunk := connection.recv(65536):
            rest += chunk
    return first, rest


def test_a_lost_reply_when_the_car_acted_then_the_ledger_says_both(caller: Caller) -> None:
    caller.lab.behave(caller.owner.car, lose_reply=1)

    with pytest.raises(RemoteDisconnected):
        caller.send("security/unlock")

    entry = caller.owner.entry()
    assert (entry["command"], entry["outcome"], entry["reply"]) == ("unlock", "done", "lost")


def test_webhooks_when_sent_then_are_verified_signed_and_can_be_replayed_or_forged(
    lab: Simulator, caller: Caller
) -> None:
    key = "smartcar-lab-management-token"

    def send(**fields: Any) -> dict[str, Any]:
        return lab.request("POST", f"{BASE}/_control/webhooks", json.dumps({"url": to.address, **fields})).json()

    with listen() as to:
        to.answer = lambda received: (200, received.body)
        verify = send(event="VERIFY", challenge="please")
        state = send(event="VEHICLE_STATE", car=caller.owner.car, signals=["odometer-traveleddistance"])
        replayed = send(replay=json.loads(state["sent"]["body"])["meta"]["deliveryId"])
        forged = send(event="VEHICLE_ERROR", car=caller.owner.car, tamper="body")

    first, second, third, fourth = to.received
    assert json.loads(first.body)["data"] == {"challenge": "please"}
    assert "sc-signature" not in first.headers
    assert verify["answer"]["body"] == verify["sent"]["body"]
    assert second.headers["sc-signature"] == hmac.new(key.encode(), second.body, hashlib.sha256).hexdigest()
    event = json.loads(second.body)
    assert event["data"]["user"]["id"] == caller.user_id
    assert event["data"]["signals"][0]["body"] == {"value": 12000, "unit": "kilometers"}
    assert (second.body, second.headers["sc-signature"]) == (third.body, third.headers["sc-signature"])
    assert replayed["sent"]["body"] == state["sent"]["body"]
    assert fourth.headers["sc-signature"] != hmac.new(key.encode(), fourth.body, hashlib.sha256).hexdigest()
    assert forged["answer"]["status"] == 200
    elsewhere = lab.request(
        "POST", f"{BASE}/_control/webhooks", json.dumps({"url": "https://example.org/", "event": "VERIFY"})
    )
    assert elsewhere.status == 400
