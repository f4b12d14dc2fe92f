"""Smartcar's web-hooks, version 4: the handshake, the signature over raw bytes, and the variants seen. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fleet.adapters.errors import AdapterError
from fleet.adapters.providers.smartcar.signals import read_time, snapshot
from fleet.adapters.webhooks import BadSignature, Delivery, InboundEvent

# Smartcar's challenges are UUIDs. The reply is made with the same key as signatures are: whoever could have a whole
# body "challenged" would hold its signature. Hence nothing with a brace, a quotation mark or a space is answered.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
LONGEST_ID = 200


def read_delivery(headers: Mapping[str, str], body: bytes, *, key: str, received_at: datetime) -> Delivery:
    """Check and read one delivery. Raises BadSignature, and AdapterError for what is signed and makes no sense."""
    if not key:
        raise BadSignature("no application management token is kept")
    raw = _object(body)
    challenge = _challenge_in(raw)
    if challenge is not None:
        # The one kind that comes unsigned: it is how Smartcar learns that we hold the token.
        if not _CHALLENGE.fullmatch(challenge):
            raise BadSignature("not a challenge of Smartcar's")
        return Delivery((), {"challenge": sign(key, challenge.encode())})
    if not hmac.compare_digest(sign(key, body).encode(), headers.get("sc-signature", "").strip().lower().encode()):
        raise BadSignature("SC-Signature does not fit the body")
    if raw is None:
        raise AdapterError("upstream_error", detail="not a JSON object")
    return Delivery((_event(raw, body, received_at),))


def sign(key: str, content: bytes) -> str:
    """Return the hexadecimal HMAC-SHA256 that Smartcar sends and expects."""
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) else None


def _part(raw: object, *path: str) -> Any:
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def _challenge_in(raw: dict[str, Any] | None) -> str | None:
    if _part(raw, "eventType") != "VERIFY":
        return None
    challenge = _part(raw, "data", "challenge")
    return challenge if isinstance(challenge, str) else ""


def _id(raw: object) -> str:
    return raw if isinstance(raw, str) and len(raw) <= LONGEST_ID and raw.isprintable() else ""


def _event(raw: dict[str, Any], body: bytes, received_at: datetime) -> InboundEvent:
    told_at = read_time(_part(raw, "meta", "deliveredAt"))
    identity = _id(raw.get("eventId")) or hashlib.sha256(body).hexdigest()
    event_type, mode = raw.get("eventType"), _part(raw, "meta", "mode") or raw.get("mode")
    car = _id(_part(raw, "data", "vehicle", "id")) or _id(raw.get("vehicleId"))
    kind, state = "other", None
    if str(mode).upper() == "TEST":
        kind = "test"
    elif event_type == "VEHICLE_STATE" and car:
        kind, state = "state", snapshot(_part(raw, "data", "signals"), received_at=received_at)
    elif event_type == "VEHICLE_ERROR" and _ends_login(_part(raw, "data", "errors")):
        kind = "login_refused"
    return InboundEvent(
        event_id=identity,
        kind=kind,
        at=min(told_at, received_at) if told_at is not None else received_at,
        account_id=_id(_part(raw, "data", "user", "id")),
        provider_vehicle_id=car,
        snapshot=state,
    )


def _ends_login(raw_errors: object) -> bool:
    """Say whether errors mean that the owner has to sign in again.

    Errors come per signal. One signal of the group VehicleUserAccount that the make does not give was seen to carry
    AUTHENTICATION_FAILED in every delivery while all else worked (wbyoung/smartcar, September 2025): that is no end.
    """
    for raw in raw_errors if isinstance(raw_errors, list) else []:
        if (_part(raw, "type"), _part(raw, "code")) != ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"):
            continue
        if _part(raw, "state") == "RESOLVED":
            continue
        signals = _part(raw, "signals")
        groups = {_group(signal) for signal in signals} if isinstance(signals, list) else set()
        if groups != {"vehicleuseraccount"}:
            return True
    return False


def _group(signal: object) -> str:
    """Return the group of a signal that an error names as an object or as text ("VehicleUserAccount.Role")."""
    named = _part(signal, "group") or _part(signal, "code") or signal
    return re.split(r"[-.]", str(named).casefold())[0]
