"""Smartcar's web-hooks v4, sent when the control API says so: good, replayed or forged. What they carry is signals'."""

import hashlib
import hmac
import secrets
from typing import Any

from aiohttp import web

from simulator.cars import Car
from simulator.control import open_control
from simulator.dialects.brokers import name_anything, name_car
from simulator.dialects.outbox import check_address, post, write_compactly
from simulator.dialects.smartcar.connect import connect_account
from simulator.dialects.smartcar.connections import DIALECT, describe_car, list_connections
from simulator.dialects.smartcar.face import describe_error
from simulator.dialects.smartcar.permissions import PERMISSIONS
from simulator.dialects.smartcar.signals import SIGNALS, read_all
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response
from simulator.secrets_seen import note
from simulator.world import World

MANAGEMENT_TOKEN = note("smartcar-lab-management-token")
EVENTS = ("VERIFY", "VEHICLE_STATE", "VEHICLE_ERROR")
TAMPERINGS = (None, "body", "signature", "unsigned", "other_key")
_KEPT_DELIVERIES = 100


async def create_connections(request: web.Request) -> web.StreamResponse:
    """Connect an account without a browser."""
    world, body = await open_control(request)
    account = world.accounts.find(str(body.get("account_id", "")))
    if account is None:
        raise InvalidParameter("account_id")
    client_id = str(body.get("client_id", ""))
    if client_id not in world.authorizations.clients:
        raise InvalidParameter("client_id")
    permissions = body.get("permissions", [name for name, scopes in PERMISSIONS.items() if scopes])
    if not isinstance(permissions, list) or not all(str(name) in PERMISSIONS for name in permissions):
        raise InvalidParameter("permissions")
    user_id, connections = connect_account(
        world,
        client_id=client_id,
        account_id=account.id,
        permissions=permissions,
        external_id=body.get("external_id"),
        mode=body.get("mode", "live"),
    )
    vehicles = {fields["car_id"]: name_car(DIALECT, fields["car_id"]) for fields in connections}
    return json_response(
        {"user_id": user_id, "connections": [fields["id"] for fields in connections], "vehicles": vehicles}
    )


async def send_webhook(request: web.Request) -> web.StreamResponse:
    """Post one event to `url` and return what was sent and what came back.

    replay: the delivery_id of an earlier one, which then goes out byte for byte; tamper: how it is forged.
    """
    world, body = await open_control(request)
    url, tamper = check_address(body.get("url")), body.get("tamper")
    if tamper not in TAMPERINGS:
        raise InvalidParameter("tamper")
    kept = world.shelf(DIALECT).setdefault("deliveries", {})
    if body.get("replay") is not None:
        earlier = kept.get(str(body["replay"]))
        if earlier is None:
            raise InvalidParameter("replay")
        raw, headers = earlier["raw"].encode(), earlier["headers"]
    else:
        event = _make_event(world, body)
        raw = write_compactly(event)
        headers = {"User-Agent": "Smartcar/4.0"}
        if event["eventType"] != "VERIFY":
            key = str(body.get("management_token", MANAGEMENT_TOKEN))
            headers["SC-Signature"] = sign(raw, key)
            kept[event["meta"]["deliveryId"]] = {"raw": raw.decode(), "headers": headers}
            while len(kept) > _KEPT_DELIVERIES:
                kept.pop(next(iter(kept)))
    raw, headers = _tamper(raw, dict(headers), tamper)
    answer = await post(url, raw, headers)
    return json_response({"sent": {"body": raw.decode(), "headers": headers}, "answer": answer})


def sign(raw: bytes, key: str) -> str:
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()


def _tamper(raw: bytes, headers: dict[str, str], tamper: str | None) -> tuple[bytes, dict[str, str]]:
    if tamper == "body":
        return raw.replace(b'"VEHICLE_', b'"vehicle_', 1), headers
    if tamper == "signature":
        headers["SC-Signature"] = "0" * 64
    elif tamper == "other_key":
        headers["SC-Signature"] = sign(raw, "somebody else's key")
    elif tamper == "unsigned":
        headers.pop("SC-Signature", None)
    return raw, headers


def _make_event(world: World, body: dict[str, Any]) -> dict[str, Any]:
    kind = body.get("event", "VEHICLE_STATE")
    if kind not in EVENTS:
        raise InvalidParameter("event")
    if kind == "VERIFY":
        return {
            "eventId": secrets.token_hex(16),
            "eventType": kind,
            "data": {"challenge": str(body.get("challenge") or secrets.token_hex(16))},
            "meta": {"version": "4.0", "webhookId": "webhook_lab", "deliveredAt": _now_ms(world)},
        }
    car = world.garage.find(str(body.get("car", "")))
    if car is None:
        raise ApiError(404, "not_found")
    age_s, errors = body.get("age_s", 0), body.get("errors", [{}])
    if isinstance(age_s, bool) or not isinstance(age_s, int | float) or not 0 <= age_s < 1e9:
        raise InvalidParameter("age_s")
    if not isinstance(errors, list) or not all(isinstance(error, dict) for error in errors):
        raise InvalidParameter("errors")
    connection = _find_connection(world, car, body.get("client_id"))
    data: dict[str, Any] = {
        "user": {"id": connection["user_id"], "externalId": connection["external_id"]},
        "vehicle": {"id": name_car(DIALECT, car.id), **describe_car(car, connection["mode"])},
    }
    event = {
        "eventId": str(body.get("event_id") or name_anything("event", secrets.token_hex(8))),
        "eventType": kind,
        "data": data,
        "triggers": [],
        "meta": {
            "version": "4.0",
            "applicationId": connection["client_id"],
            "webhookId": "webhook_lab",
            "webhookName": "Lab",
            "deliveryId": name_anything("delivery", secrets.token_hex(8)),
            "deliveredAt": _now_ms(world) - int(1000 * age_s),
            "mode": str(body.get("mode", "LIVE")),
            "sequence": 1,
            "signalCount": 0,
        },
    }
    if kind == "VEHICLE_STATE":
        _add_signals(world, car, connection, body, event)
    else:
        data["errors"] = [_describe_vehicle_error(error) for error in errors]
    return event


def _add_signals(
    world: World, car: Car, connection: dict[str, Any], body: dict[str, Any], event: dict[str, Any]
) -> None:
    wanted = body.get("signals") or list(SIGNALS)
    behaviour = world.behaviours.for_car(car.id)
    signals = [
        {**signal["attributes"], "meta": signal["meta"]}
        for signal in read_all(world, car, behaviour, connection["permissions"], is_imperial=False)
        if signal["id"] in wanted
    ]
    event["data"]["signals"] = signals
    event["meta"]["signalCount"] = len(signals)
    event["triggers"] = [
        {"type": "SIGNAL_UPDATED", "signal": {name: signal[name] for name in ("name", "code", "group")}}
        for signal in signals[:1]
    ]


def _describe_vehicle_error(wanted: dict[str, Any]) -> dict[str, Any]:
    kind = str(wanted.get("type", "CONNECTED_SERVICES_ACCOUNT"))
    error = describe_error(kind, str(wanted.get("code", "AUTHENTICATION_FAILED")))
    signals = [
        {"name": SIGNALS[code].name, "group": SIGNALS[code].group, "code": code}
        for code in wanted.get("signals", [])
        if code in SIGNALS
    ]
    return {
        "type": error["type"],
        "code": error["code"],
        "description": error["detail"],
        "docURL": error["links"]["about"],
        "resolution": error["resolution"],
        "suggestedUserMessage": error["suggestedUserMessage"],
        "state": wanted.get("state", "ERROR"),
        "signals": signals,
    }


def _find_connection(world: World, car: Car, client_id: Any) -> dict[str, Any]:
    for client in [str(client_id)] if client_id else world.authorizations.clients:
        for fields, connected in list_connections(world, client):
            if connected is car:
                return fields
    raise InvalidParameter("car")


def _now_ms(world: World) -> int:
    return int(world.now() * 1000)
