"""Enode's web-hooks over HTTP: the client's own endpoints, and the control API's for links and events at will."""

import re
import secrets
from typing import Any

from aiohttp import web

from simulator.cars import Car
from simulator.control import open_control
from simulator.dialects.brokers import authorize_application, name_car
from simulator.dialects.enode.description import describe_vehicle
from simulator.dialects.enode.links import (
    DIALECT,
    VEHICLE_SCOPES,
    link,
    list_cars,
    list_links,
    parse_scopes,
)
from simulator.dialects.enode.vehicles import make_page, read_json
from simulator.dialects.enode.webhooks import (
    EVENTS,
    LARGEST_DELIVERY,
    Webhook,
    deliver,
    list_webhooks,
    make_event,
    shelf,
    sign,
    tell_of_link,
    write_time,
)
from simulator.dialects.outbox import check_address, write_compactly
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response
from simulator.secrets_seen import note
from simulator.world import World

SHORTEST_SECRET_BYTES = 16
_HEADER = re.compile(r"\A[A-Za-z0-9-]{1,100}\Z")
TAMPERINGS = (None, "body", "signature", "unsigned", "other_key")


async def create_webhook(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    body = await read_json(request)
    secret = _read_secret(body)
    webhook_id = secrets.token_hex(12)
    now = world.now()
    webhook: Webhook = {
        "id": webhook_id,
        "client_id": token["client_id"],
        "url": check_address(body.get("url")),
        "secret": note(secret),
        "events": _read_events(body),
        "authentication": _read_authentication(body),
        "api_version": body.get("apiVersion"),
        "is_active": True,
        "created_at": now,
        "last_success": now,
    }
    shelf(world)[webhook_id] = webhook
    world.changes += 1
    return json_response(_describe(webhook))


async def list_all(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    found = [_describe(webhook) for webhook in list_webhooks(world, token["client_id"])]
    return json_response(make_page(request, found))


async def show_webhook(request: web.Request) -> web.StreamResponse:
    _, webhook = _find(request)
    return json_response(_describe(webhook))


async def update_webhook(request: web.Request) -> web.StreamResponse:
    world, webhook = _find(request)
    body = await read_json(request)
    if "url" in body:
        webhook["url"] = check_address(body["url"])
    if "secret" in body:
        webhook["secret"] = note(_read_secret(body))
    if "events" in body:
        webhook["events"] = _read_events(body)
    webhook["is_active"] = True
    world.changes += 1
    return json_response(_describe(webhook))


async def delete_webhook(request: web.Request) -> web.StreamResponse:
    world, webhook = _find(request)
    del shelf(world)[webhook["id"]]
    world.changes += 1
    return web.Response(status=204)


async def test_webhook(request: web.Request) -> web.StreamResponse:
    world, webhook = _find(request)
    answer = await deliver(webhook, write_compactly([make_event(world, "enode:webhook:test", None)]))
    reached = answer["status"] == 200
    if reached:
        webhook["is_active"], webhook["last_success"] = True, world.now()
    response = {"code": answer["status"], "body": answer["body"], "headers": None}
    return json_response(
        {
            "status": "SUCCESS" if reached else "FAILURE",
            "description": "The web-hook was delivered." if reached else "The web-hook could not be delivered.",
            "response": None if answer["status"] is None else response,
        }
    )


async def create_link(request: web.Request) -> web.StreamResponse:
    """Control API: link an account to a user without a browser."""
    world, body = await open_control(request)
    account = world.accounts.find(str(body.get("account_id", "")))
    if account is None:
        raise InvalidParameter("account_id")
    for name in ("client_id", "user_id"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidParameter(name)
    if body["client_id"] not in world.authorizations.clients:
        raise InvalidParameter("client_id")
    scopes = parse_scopes(body.get("scopes", list(VEHICLE_SCOPES)))
    fields = link(world, client_id=body["client_id"], user_id=body["user_id"], account=account, scopes=scopes)
    tell_of_link(world, fields)
    vehicles = {car.id: name_car(DIALECT, car.id) for _, car in list_cars(world, [fields])}
    return json_response({"user_id": body["user_id"], "vendor": fields["vendor"], "vehicles": vehicles})


async def send_events(request: web.Request) -> web.StreamResponse:
    """Control API: send one delivery now and return what was sent and what came back.

    To a registered `webhook`, or to `url` with `secret`. `event` and `car` (`copies` of it), or `events` as they are.
    """
    world, body = await open_control(request)
    webhook = _choose_webhook(world, body)
    tamper = body.get("tamper")
    if tamper not in TAMPERINGS:
        raise InvalidParameter("tamper")
    events = body.get("events") or _make_events(world, body)
    if not isinstance(events, list) or len(events) > LARGEST_DELIVERY:
        raise InvalidParameter("events")
    raw = write_compactly(events)
    headers = {"x-enode-signature": sign(raw, webhook["secret"])}
    if tamper == "body":
        raw = raw.replace(b'"version"', b'"Version"')
    elif tamper == "signature":
        headers["x-enode-signature"] = "sha1=" + "0" * 40
    elif tamper == "other_key":
        headers["x-enode-signature"] = sign(raw, "somebody else's secret")
    elif tamper == "unsigned":
        headers["x-enode-signature"] = ""
    if body.get("delivery"):
        headers["x-enode-delivery"] = str(body["delivery"])
    answer = await deliver(webhook, raw, headers)
    return json_response({"sent": {"body": raw.decode(), "headers": headers}, "answer": answer})


def _make_events(world: World, body: dict[str, Any]) -> list[dict[str, Any]]:
    kind = body.get("event", "user:vehicle:updated")
    if kind not in EVENTS:
        raise InvalidParameter("event")
    if kind in ("system:heartbeat", "enode:webhook:test"):
        return [make_event(world, kind, None, **({"pendingEvents": 0} if kind == "system:heartbeat" else {}))]
    fields, car = _find_link(world, str(body.get("car", "")))
    if kind == "user:credentials:invalidated":
        return [make_event(world, kind, fields["user_id"], vendor=fields["vendor"])]
    vehicle = describe_vehicle(world, fields, car)
    updated = body.get("updated_fields", ["chargeState.batteryLevel"])
    event = make_event(world, kind, fields["user_id"], vehicle=vehicle, updatedFields=updated)
    if isinstance(body.get("age_s"), int | float):
        event["createdAt"] = write_time(world.now() - body["age_s"])
    copies = body.get("copies", 1)
    if isinstance(copies, bool) or not isinstance(copies, int) or not 1 <= copies <= LARGEST_DELIVERY:
        raise InvalidParameter("copies")
    return [event] * copies


def _find_link(world: World, car_id: str) -> tuple[dict[str, Any], Car]:
    for client_id in world.authorizations.clients:
        for fields, car in list_cars(world, list_links(world, client_id)):
            if car.id == car_id:
                return fields, car
    raise InvalidParameter("car")


def _choose_webhook(world: World, body: dict[str, Any]) -> Webhook:
    if body.get("webhook") is not None:
        webhook = shelf(world).get(str(body["webhook"]))
        if webhook is None:
            raise InvalidParameter("webhook")
        return webhook
    if not isinstance(body.get("secret"), str):
        raise InvalidParameter("secret")
    return {"url": check_address(body.get("url")), "secret": body["secret"], "authentication": None}


def _find(request: web.Request) -> tuple[World, Webhook]:
    world, token = authorize_application(request, DIALECT)
    webhook = shelf(world).get(request.match_info["webhook"])
    if webhook is None or webhook["client_id"] != token["client_id"]:
        raise ApiError(404, "not_found")
    return world, webhook


def _read_secret(body: dict[str, Any]) -> str:
    secret = body.get("secret")
    if not isinstance(secret, str) or len(secret.encode()) < SHORTEST_SECRET_BYTES:
        raise InvalidParameter("secret")
    return secret


def _read_authentication(body: dict[str, Any]) -> dict[str, str] | None:
    """Return the header that the client wants to see with every delivery."""
    wanted = body.get("authentication")
    if wanted is None:
        return None
    if not isinstance(wanted, dict) or not _HEADER.match(str(wanted.get("headerName", ""))):
        raise InvalidParameter("authentication")
    value = wanted.get("headerValue")
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise InvalidParameter("authentication")
    return {"headerName": wanted["headerName"], "headerValue": value}


def _read_events(body: dict[str, Any]) -> list[str]:
    events = body.get("events") or ["*"]
    if not isinstance(events, list) or not all(isinstance(name, str) for name in events):
        raise InvalidParameter("events")
    return events


def _describe(webhook: Webhook) -> dict[str, Any]:
    """Never with its secret."""
    authentication = webhook["authentication"]
    return {
        "id": webhook["id"],
        "url": webhook["url"],
        "events": webhook["events"],
        "lastSuccess": write_time(webhook["last_success"]),
        "isActive": webhook["is_active"],
        "createdAt": write_time(webhook["created_at"]),
        "apiVersion": webhook["api_version"],
        "authentication": {"headerName": authentication["headerName"]} if authentication else None,
    }
