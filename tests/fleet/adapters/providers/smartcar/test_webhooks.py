"""Smartcar's web-hooks: the handshake and what it must not sign, the signature, and every variant seen."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.adapters.errors import AdapterError
from fleet.adapters.providers.smartcar.webhooks import read_delivery
from fleet.adapters.webhooks import BadSignature, Delivery, InboundEvent

KEY = "amt-key"
NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
SENT_AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LOCKED = {"code": "closure-islocked", "status": {"value": "SUCCESS"}, "body": {"value": True}}
SIGN_IN_AGAIN = {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "AUTHENTICATION_FAILED", "state": "ERROR"}


def sign(body: bytes) -> str:
    return hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()


def deliver(event: dict[str, Any], *, signature: str | None = None, key: str = KEY) -> Delivery:
    body = json.dumps(event, separators=(",", ":")).encode()
    headers = {"sc-signature": sign(body) if signature is None else signature}
    return read_delivery(headers, body, key=key, received_at=NOW)


def event_of(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    cars = {"user": {"id": "owner-1"}, "vehicle": {"id": "car-1", "make": "TESLA"}}
    meta = {"deliveryId": "d-1", "deliveredAt": int(SENT_AT.timestamp() * 1000), "mode": "LIVE", "version": "4.0"}
    return {"eventId": "event-1", "eventType": kind, "data": cars | data, "meta": meta} | more


def only(delivery: Delivery) -> InboundEvent:
    (event,) = delivery.events
    assert delivery.reply is None
    return event


def test_verify_when_the_challenge_is_smartcars_then_it_is_answered_unsigned_as_it_came() -> None:
    body = b'{"eventType":"VERIFY","data":{"challenge":"b3c9a1d2-0f6e-4c3b-9b1e-2a4d5e6f7a8b"}}'

    delivery = read_delivery({}, body, key=KEY, received_at=NOW)

    assert delivery == Delivery((), {"challenge": sign(b"b3c9a1d2-0f6e-4c3b-9b1e-2a4d5e6f7a8b")})


@pytest.mark.parametrize(
    "challenge", [json.dumps(event_of("VEHICLE_STATE", {})), "a b", '"x"', "{}", "", "x" * 129, "abc\n", None, 7]
)
def test_verify_when_the_challenge_could_be_a_body_then_nothing_is_signed_for_anybody(challenge: object) -> None:
    body = json.dumps({"eventType": "VERIFY", "data": {"challenge": challenge}}).encode()

    with pytest.raises(BadSignature):
        read_delivery({"sc-signature": sign(body)}, body, key=KEY, received_at=NOW)


@pytest.mark.parametrize("signature", ["", "0" * 64, sign(b"another body"), "ä"])
def test_delivery_when_the_signature_does_not_fit_then_nothing_of_it_is_believed(signature: str) -> None:
    with pytest.raises(BadSignature):
        deliver(event_of("VEHICLE_STATE", {"signals": [LOCKED]}), signature=signature)


def test_delivery_when_no_token_is_kept_then_not_even_an_empty_key_signs() -> None:
    body = json.dumps(event_of("VEHICLE_STATE", {})).encode()
    signature = hmac.new(b"", body, hashlib.sha256).hexdigest()

    with pytest.raises(BadSignature):
        read_delivery({"sc-signature": signature}, body, key="", received_at=NOW)


def test_delivery_when_it_is_signed_nonsense_then_it_is_a_typed_error() -> None:
    for body in (b"", b"[]", b"\xff", b"{"):
        with pytest.raises(AdapterError, match="upstream_error"):
            read_delivery({"sc-signature": sign(body)}, body, key=KEY, received_at=NOW)


@pytest.mark.parametrize("name", ["oemUpdatedAt", "retrievedAt", "fetchedAt"])
def test_state_when_signals_come_then_they_are_readings_of_the_car_with_their_age(name: str) -> None:
    signal = LOCKED | {"meta": {name: "2026-11-20T09:00:00.000Z"}}

    event = only(deliver(event_of("VEHICLE_STATE", {"signals": [signal]})))

    assert event.snapshot is not None
    readings = {key: (one.value, one.observed_at) for key, one in event.snapshot.readings.items()}
    assert readings == {"locked": (True, datetime(2026, 11, 20, 9, tzinfo=UTC))}
    assert (event.event_id, event.kind, event.at) == ("event-1", "state", SENT_AT)
    assert (event.account_id, event.provider_vehicle_id) == ("owner-1", "car-1")


def test_state_when_the_car_is_named_at_the_top_then_it_is_found_there() -> None:
    event = event_of("VEHICLE_STATE", {"vehicle": None, "signals": []}, vehicleId="car-9", version="3.0")

    assert only(deliver(event)).provider_vehicle_id == "car-9"


def test_delivery_when_it_comes_twice_then_the_event_is_the_same_one() -> None:
    event = event_of("VEHICLE_STATE", {"signals": []})
    again = event | {"meta": event["meta"] | {"deliveryId": "d-2"}}

    assert only(deliver(event)).event_id == only(deliver(again)).event_id == "event-1"


def test_delivery_when_it_is_a_test_then_no_car_changes() -> None:
    event = event_of("VEHICLE_STATE", {"signals": [LOCKED]})
    event["meta"]["mode"] = "TEST"

    found = only(deliver(event))

    assert (found.kind, found.snapshot) == ("test", None)


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([SIGN_IN_AGAIN], "login_refused"),
        ([SIGN_IN_AGAIN | {"signals": [{"group": "Closure", "code": "closure-islocked"}]}], "login_refused"),
        ([SIGN_IN_AGAIN | {"signals": ["Odometer.TraveledDistance", "VehicleUserAccount.Role"]}], "login_refused"),
        ([SIGN_IN_AGAIN | {"signals": [{"group": "VehicleUserAccount", "code": "vehicleuseraccount-role"}]}], "other"),
        ([SIGN_IN_AGAIN | {"signals": ["VehicleUserAccount.Role"]}], "other"),
        ([SIGN_IN_AGAIN | {"state": "RESOLVED"}], "other"),
        ([SIGN_IN_AGAIN | {"code": "PERMISSION"}], "other"),
        (["nonsense"], "other"),
        (None, "other"),
    ],
)
def test_error_when_told_then_only_a_login_that_is_over_asks_for_the_owner(errors: object, kind: str) -> None:
    assert only(deliver(event_of("VEHICLE_ERROR", {"errors": errors}))).kind == kind


def test_delivery_when_ids_or_times_are_missing_then_it_is_named_by_its_bytes_and_dated_by_us() -> None:
    event = {"eventType": "SOMETHING_NEW", "data": []}

    found = only(deliver(event))

    body = json.dumps(event, separators=(",", ":")).encode()
    assert found == InboundEvent(hashlib.sha256(body).hexdigest(), "other", NOW)
