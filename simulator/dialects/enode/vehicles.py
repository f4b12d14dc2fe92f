"""Enode's vehicles, users and service health over HTTP. Charging is actions'."""

import base64
import json
from typing import Any

from aiohttp import web

from simulator.brands import BRANDS
from simulator.dialects.brokers import authorize_application, write_make
from simulator.dialects.enode.description import describe_vehicle
from simulator.dialects.enode.face import FACE
from simulator.dialects.enode.links import (
    DIALECT,
    VEHICLE_SCOPES,
    begin_session,
    find_linked_car,
    is_valid,
    list_cars,
    list_links,
    parse_scopes,
    unlink,
)
from simulator.dialects.enode.webhooks import tell_of_unlink
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response, serve
from simulator.ledger import format_time

USUAL_PAGE, LARGEST_PAGE = 50, 200


async def begin_link(request: web.Request) -> web.StreamResponse:
    """Open a link session for a user of the client's own naming."""
    world, token = authorize_application(request, DIALECT)
    body = await read_json(request)
    scopes = parse_scopes(body.get("scopes"))
    for name in ("language", "redirectUri"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvalidParameter(name)
    vendor = body.get("vendor")
    if vendor is not None and str(vendor).lower() not in BRANDS:
        raise InvalidParameter("vendor")
    if body.get("vendorType", "vehicle") != "vehicle":
        raise InvalidParameter("vendorType")
    # Enode takes any address; the lab sends people only where the client is known to be at home. What a client wants to
    # know on the way back, such as its state, it carries in the query.
    if body["redirectUri"].partition("?")[0] not in world.authorizations.clients[token["client_id"]].redirect_uris:
        raise InvalidParameter("redirectUri")
    session = begin_session(
        world,
        client_id=token["client_id"],
        user_id=request.match_info["user"],
        vendor=vendor,
        scopes=scopes,
        language=body["language"],
        redirect_uri=body["redirectUri"],
    )
    origin = f"{request.scheme}://{request.host}"
    return json_response({"linkUrl": f"{origin}/dialects/enode/link/{session}", "linkToken": session})


async def list_users(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    by_user: dict[str, float] = {}
    for fields in list_links(world, token["client_id"]):
        by_user.setdefault(fields["user_id"], fields["created_at"])
    found = [
        {"id": user_id, "createdAt": format_time(created_at), "scopes": []} for user_id, created_at in by_user.items()
    ]
    return json_response(make_page(request, found))


async def show_user(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    links = list_links(world, token["client_id"], request.match_info["user"])
    if not links:
        raise ApiError(404, "not_found")

    def act() -> web.Response:
        linked = [
            {"vendor": fields["vendor"], "vendorType": "vehicle", "isValid": is_valid(world, fields)}
            for fields in links
        ]
        return json_response({"id": request.match_info["user"], "linkedVendors": linked})

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def delete_user(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    gone = unlink(world, token["client_id"], request.match_info["user"])
    if not gone:
        raise ApiError(404, "not_found")
    tell_of_unlink(world, gone)
    return web.Response(status=204)


async def list_vehicles(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)

    def act() -> web.Response:
        links = list_links(world, token["client_id"], request.match_info.get("user"))
        found = [describe_vehicle(world, fields, car) for fields, car in list_cars(world, links)]
        return json_response(make_page(request, found))

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def show_vehicle(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    fields, car, behaviour = find_linked_car(world, token["client_id"], request.match_info["id"])
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response(describe_vehicle(world, fields, car)),
        word_error=FACE.error,
    )


async def take_refresh_hint(request: web.Request) -> web.StreamResponse:
    """Nothing to do: what is asked for is always read now."""
    world, token = authorize_application(request, DIALECT)
    find_linked_car(world, token["client_id"], request.match_info["id"])
    return web.Response(status=204)


async def show_health(_request: web.Request) -> web.StreamResponse:
    """Public: the maker's own client asks without a token."""
    return json_response([_describe_vendor(key) for key in BRANDS])


async def list_integrations(_request: web.Request) -> web.StreamResponse:
    return json_response(
        [{**_describe_vendor(key), "assetTypes": ["vehicle"], "scopes": list(VEHICLE_SCOPES)} for key in BRANDS]
    )


def _describe_vendor(key: str) -> dict[str, Any]:
    brand = BRANDS[key]
    return {
        "vendor": write_make(key),
        "displayName": brand.name,
        "status": "READY",
        "portalName": brand.account_name,
        "linkingStatus": "READY",
    }


def make_page(request: web.Request, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one page with its cursors, which only this endpoint can read."""
    text = request.query.get("pageSize", str(USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LARGEST_PAGE):
        raise InvalidParameter("pageSize")
    size, start = int(text), 0
    if "after" in request.query:
        start = _read_cursor(request.query["after"], "after")
    elif "before" in request.query:
        start = max(_read_cursor(request.query["before"], "before") - size, 0)
    return {
        "data": found[start : start + size],
        "pagination": {
            "after": _write_cursor(start + size) if start + size < len(found) else None,
            "before": _write_cursor(start) if start > 0 else None,
        },
    }


async def read_json(request: web.Request) -> dict[str, Any]:
    """Return the object that the body holds. Raises InvalidParameter."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(body, dict):
        raise InvalidParameter("body")
    return body


def _write_cursor(start: int) -> str:
    return base64.urlsafe_b64encode(f"at:{start}".encode()).decode()


def _read_cursor(cursor: str, name: str) -> int:
    try:
        words = base64.urlsafe_b64decode(cursor.encode()).decode()
        return max(int(words.removeprefix("at:")), 0)
    except ValueError as error:
        raise InvalidParameter(name) from error
