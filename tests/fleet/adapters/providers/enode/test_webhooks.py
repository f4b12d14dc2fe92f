"""Enode's web-hooks: the signature over raw bytes, up to a hundred events, and what each of them means here."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, Verdict
from fleet.adapters.providers.enode.webhooks import read_delivery
from fleet.adapters.webhooks import BadSignature, Delivery

ANSWERS = Path(__file__).parent / "answers"
KEY = "0123456789abcdef"
NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
CREATED_AT = datetime(2026, 11, 20, 10, 5, tzinfo=UTC)


def sign(body: bytes, key: str = KEY) -> str:
    return "sha1=" + hmac.new(key.encode(), body, hashlib.sha1).hexdigest()


def body_of(*events: dict[str, Any]) -> bytes:
    return json.dumps(events).encode()


def deliver(*events: dict[str, Any]) -> Delivery:
    body = body_of(*events)
    return read_delivery({"x-enode-signature": sign(body), "x-enode-delivery": "d"}, body, key=KEY, received_at=NOW)


def event_of(name: str, **more: Any) -> dict[str, Any]:
    return {"event": name, "createdAt": "2026-11-20T10:05:00Z", "version": "2024-10-01"} | more


def fixture(case: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((ANSWERS / f"{case}.json").read_text(encoding="utf-8"))["body"]
    return body


@pytest.mark.parametrize(
    "signature", ["", "sha1=", "sha1=" + "0" * 40, sign(b"[]", "another key"), sign(b"[ ]"), sign(b"[]")[5:], "ä"]
)
def test_delivery_when_the_signature_does_not_fit_then_nothing_of_it_is_believed(signature: str) -> None:
    with pytest.raises(BadSignature):
        read_delivery({"x-enode-signature": signature}, b"[]", key=KEY, received_at=NOW)


def test_delivery_when_no_secret_is_kept_then_not_even_an_empty_key_signs() -> None:
    with pytest.raises(BadSignature):
        read_delivery({"x-enode-signature": sign(b"[]", "")}, b"[]", key="", received_at=NOW)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[", b"\xff"])
def test_delivery_when_it_is_signed_nonsense_then_it_is_a_typed_error(body: bytes) -> None:
    with pytest.raises(AdapterError, match="upstream_error"):
        read_delivery({"x-enode-signature": sign(body)}, body, key=KEY, received_at=NOW)


def test_delivery_when_it_holds_a_hundred_events_then_each_is_read_and_has_a_name_of_its_own() -> None:
    cars = [fixture("state") | {"id": f"car-{number}"} for number in range(100)]

    delivery = deliver(*(event_of("user:vehicle:updated", user={"id": "owner-1"}, vehicle=car) for car in cars))

    assert [event.provider_vehicle_id for event in delivery.events] == [car["id"] for car in cars]
    assert len({event.event_id for event in delivery.events}) == 100
    assert {(event.kind, event.account_id, event.at) for event in delivery.events} == {("state", "owner-1", CREATED_AT)}
    first = delivery.events[0].snapshot
    assert first is not None
    assert (first.value("soc_percent"), first.online_state) == (68, "online")


def test_delivery_when_an_event_comes_again_in_another_one_then_it_has_the_same_name() -> None:
    one, two = event_of("user:vehicle:deleted", vehicle={"id": "car-1"}), event_of("system:heartbeat")

    again = deliver(two, dict(reversed(one.items())))

    assert deliver(one, two).events == again.events[::-1]


@pytest.mark.parametrize("name", ["user:vendor-action:updated", "user:charge-action:updated"])
@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ("accepted", Accepted("act_1")),
        ("confirmed_at_once", Done("provider", "act_1")),
        ("unnecessary", Done("already")),
        ("overtaken", MaybeExecuted(detail="CONFLICT")),
    ],
)
def test_action_when_it_changed_then_the_command_hears_of_it(name: str, case: str, verdict: Verdict) -> None:
    (event,) = deliver(event_of(name, user={"id": "owner-1"}, action=fixture(case))).events

    assert (event.kind, event.ref, event.verdict) == ("command", "act_1", verdict)
    assert (event.account_id, event.provider_vehicle_id) == ("owner-1", "car 1/2")


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (event_of("user:vehicle:discovered", vehicle={"id": "car-1"}), "vehicle_added"),
        (event_of("user:vehicle:deleted", vehicle={"id": "car-1"}), "vehicle_removed"),
        (event_of("user:credentials:invalidated", user={"id": "owner-1"}, vendor="TESLA"), "login_refused"),
        (event_of("enode:webhook:test"), "test"),
        (event_of("system:heartbeat", pendingEvents=0), "other"),
        (event_of("user:charger:updated", charger={"id": "c"}), "other"),
        (event_of("user:vehicle:updated", vehicle="nonsense"), "other"),
        (event_of("user:vendor-action:updated", action={"id": 7, "state": []}), "other"),
        ({"event": ["odd"], "user": [], "vehicle": {"id": {}}}, "other"),
    ],
)
def test_event_when_it_comes_then_it_is_one_of_our_kinds(event: dict[str, Any], kind: str) -> None:
    (found,) = deliver(event).events

    assert (found.kind, found.snapshot, found.verdict, found.ref) == (kind, None, None, "")


def test_event_when_it_is_dated_ahead_or_not_at_all_then_it_is_of_now() -> None:
    ahead = event_of("system:heartbeat") | {"createdAt": "2027-01-01T00:00:00Z"}

    assert [event.at for event in deliver(ahead, {"event": "system:heartbeat"}).events] == [NOW, NOW]
