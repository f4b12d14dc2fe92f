"""Enode's web-hooks: the signature over raw bytes, and up to a hundred events in one body. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fleet.adapters.errors import AdapterError, Verdict
from fleet.adapters.providers.enode.actions import verdict_of_action
from fleet.adapters.providers.enode.payloads import identifier, part, snapshot
from fleet.adapters.signals import VehicleSnapshot
from fleet.adapters.values import read_time
from fleet.adapters.webhooks import BadSignature, Delivery, InboundEvent

KINDS = {
    "user:vehicle:updated": "state",
    "user:vehicle:discovered": "vehicle_added",
    "user:vehicle:deleted": "vehicle_removed",
    "user:vendor-action:updated": "command",
    # Sent besides the one above until it is gone.
    "user:charge-action:updated": "command",
    "user:credentials:invalidated": "login_refused",
    "enode:webhook:test": "test",
}


def read_delivery(headers: Mapping[str, str], body: bytes, *, key: str, received_at: datetime) -> Delivery:
    """Check and read one delivery. Raises BadSignature, and AdapterError for what is signed and makes no sense."""
    if not key:
        raise BadSignature("no secret of the web-hook is kept")
    given = headers.get("x-enode-signature", "").strip().lower()
    if not hmac.compare_digest(sign(key, body).encode(), given.encode()):
        raise BadSignature("x-enode-signature does not fit the body")
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise AdapterError("upstream_error", detail="not JSON") from None
    if not isinstance(raw, list):
        raise AdapterError("upstream_error", detail="not a list of events")
    return Delivery(tuple(_event(one, received_at) for one in raw if isinstance(one, dict)))


def sign(key: str, body: bytes) -> str:
    """Return the signature that Enode sends; it is SHA-1 because Enode says so."""
    return "sha1=" + hmac.new(key.encode(), body, hashlib.sha1).hexdigest()


def _event(raw: dict[str, Any], received_at: datetime) -> InboundEvent:
    told_at, kind = read_time(raw.get("createdAt")), KINDS.get(str(raw.get("event")), "other")
    vehicle, action = raw.get("vehicle"), _action(raw)
    state: VehicleSnapshot | None = None
    verdict: Verdict | None = None
    if kind == "state":
        state = snapshot(vehicle, received_at=received_at) if isinstance(vehicle, dict) else None
    if kind == "command":
        verdict = verdict_of_action(action)
    if (kind == "state" and state is None) or (kind == "command" and verdict is None):
        kind = "other"
    return InboundEvent(
        event_id=_name(raw),
        kind=kind,
        at=min(told_at, received_at) if told_at is not None else received_at,
        account_id=identifier(part(raw, "user", "id")) or identifier(part(vehicle, "userId")),
        provider_vehicle_id=identifier(part(vehicle, "id")) or identifier(part(action, "targetId")),
        snapshot=state,
        ref=identifier(part(action, "id")) if kind == "command" else "",
        verdict=verdict,
    )


def _action(raw: dict[str, Any]) -> dict[str, Any] | None:
    """Return the action of an event, under the name of either of its two kinds."""
    for name in ("action", "vendorAction", "chargeAction"):
        if isinstance(raw.get(name), dict):
            found: dict[str, Any] = raw[name]
            return found
    return None


def _name(raw: dict[str, Any]) -> str:
    """Name an event by all it says: Enode gives events no id, and may put the same one into another delivery."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
