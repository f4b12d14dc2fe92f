"""Smartcar's v3 over HTTP: connections, vehicles, signals, commands and the list of compatible cars."""

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

import simulator
from simulator.brands import BRANDS
from simulator.dialects.brokers import authorize_application, name_car
from simulator.dialects.frame import check_plainly, take_command
from simulator.dialects.smartcar.connections import (
    DIALECT,
    as_grant,
    describe_car,
    describe_connection,
    disconnect,
    find_vehicle,
    list_connections,
)
from simulator.dialects.smartcar.face import FACE
from simulator.dialects.smartcar.signals import SIGNALS, read_all
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response, serve

LARGEST_PAGE, USUAL_PAGE = 100, 10
# Path below /commands/ -> the simulator's command and the attributes that the body carries.
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "security/lock": ("lock", ()),
    "security/unlock": ("unlock", ()),
    "charge/start": ("charge.start", ()),
    "charge/stop": ("charge.stop", ()),
    "charge/set-limit": ("charge.set_limit", ("percent",)),
    "charge-port/open": ("charge_port.open", ()),
    "charge-port/close": ("charge_port.close", ()),
    "navigation/set-destination": ("navigation.send", ("latitude", "longitude")),
}


async def show_connections(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)

    def act() -> web.Response:
        query = request.query
        wanted = {
            "user_id": query.get("filter[userId]"),
            "external_id": query.get("filter[user.externalId]"),
            "mode": query.get("filter[vehicle.mode]", "live"),
        }
        vehicle_id = query.get("filter[vehicleId]")
        found = [
            describe_connection(fields, car)
            for fields, car in list_connections(world, token["client_id"])
            if all(value is None or fields[name] == value for name, value in wanted.items())
            and vehicle_id in (None, name_car(DIALECT, car.id))
        ]
        return json_response(_make_page(request, found))

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def show_connection(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    for fields, car in list_connections(world, token["client_id"]):
        if fields["id"] == request.match_info["connection"]:
            return json_response(describe_connection(fields, car))
    raise ApiError(404, "not_found")


async def delete_connection(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    if not disconnect(world, token["client_id"], {"id": request.match_info["connection"]}):
        raise ApiError(404, "not_found")
    return web.Response(status=204)


async def delete_user(request: web.Request) -> web.StreamResponse:
    world, token = authorize_application(request, DIALECT)
    if not disconnect(world, token["client_id"], {"user_id": request.match_info["user"]}):
        raise ApiError(404, "not_found")
    return web.Response(status=204)


async def show_vehicle(request: web.Request) -> web.StreamResponse:
    world, connection, car, behaviour = find_vehicle(request)

    def act() -> web.Response:
        vehicle_id = name_car(DIALECT, car.id)
        # At the top level, without `data`: so the maker's own client reads it.
        return json_response(
            {
                "id": vehicle_id,
                "type": "vehicle",
                "attributes": describe_car(car, connection["mode"]),
                "links": {"self": f"/v3/vehicles/{vehicle_id}"},
            }
        )

    return await serve(request, world, behaviour, act, word_error=FACE.error)


async def show_signals(request: web.Request) -> web.StreamResponse:
    world, connection, car, behaviour = find_vehicle(request)

    def act() -> web.Response:
        signals = read_all(world, car, behaviour, connection["permissions"], is_imperial=_is_imperial(request))
        vehicle_id = name_car(DIALECT, car.id)
        return json_response(
            {
                "data": signals,
                "meta": {"page": 1, "pageSize": len(signals), "totalCount": len(signals)},
                "links": {"self": f"/v3/vehicles/{vehicle_id}/signals", "previous": None, "next": None},
                "included": {
                    "vehicle": {
                        "id": vehicle_id,
                        "type": "vehicle",
                        "attributes": describe_car(car, connection["mode"]),
                        "links": {"self": f"/v3/vehicles/{vehicle_id}"},
                    }
                },
            }
        )

    return await serve(request, world, behaviour, act, word_error=FACE.error)


async def show_signal(request: web.Request) -> web.StreamResponse:
    world, connection, car, behaviour = find_vehicle(request)
    code = request.match_info["code"]
    if code not in SIGNALS:
        raise ApiError(404, "signal_not_found")

    def act() -> web.Response:
        signals = read_all(world, car, behaviour, connection["permissions"], is_imperial=_is_imperial(request))
        return json_response(next(signal for signal in signals if signal["id"] == code))

    return await serve(request, world, behaviour, act, word_error=FACE.error)


async def send_command(request: web.Request) -> web.StreamResponse:
    world, connection, car, behaviour = find_vehicle(request)
    raw = await request.read()
    known = COMMANDS.get(f"{request.match_info['group']}/{request.match_info['verb']}")
    if known is None:
        raise ApiError(404, "not_found")
    command, names = known
    parameters = _read_attributes(raw, names)
    return await take_command(
        request,
        world,
        car,
        FACE,
        command=command,
        parameters=parameters,
        check=lambda: check_plainly(car, as_grant(connection, car), command, parameters, is_stepless=True),
        behaviour=behaviour,
    )


async def list_compatible(request: web.Request) -> web.StreamResponse:
    """The list needs no token, as the public page behind it needs none."""
    query = request.query
    wanted = {
        "make": query.get("filter[make]", "").upper(),
        "region": query.get("filter[region]", "").upper(),
        "powertrainType": query.get("filter[powertrainType]", "").upper(),
    }
    found = [
        item
        for item in _compatible()
        if all(not value or item["attributes"][name].upper() == value for name, value in wanted.items())
    ]
    return json_response(_make_page(request, found))


@cache
def _compatible() -> list[dict[str, Any]]:
    folder = Path(simulator.__file__).parent / "data"
    makes = {brand.name: brand for brand in BRANDS.values()}
    found = []
    with (folder / "models.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["make"] not in makes:
                continue
            make, until = row["make"].upper(), row.get("year_to") or "2026"
            attributes = {
                "make": make,
                "model": row["model"],
                "region": "EUROPE",
                "powertrainType": row["powertrain"],
                "years": {"start": int(row["year_from"]), "end": int(until)},
                "capabilities": _list_capabilities(row["powertrain"]),
            }
            key = f"{make}-{row['model']}-{row['year_from']}-{until}-{row['powertrain']}-EUROPE"
            found.append({"id": key, "type": "vehicle-model-capability", "attributes": attributes})
    return found


def _list_capabilities(powertrain: str) -> list[dict[str, Any]]:
    has_battery, has_engine = powertrain in ("BEV", "PHEV"), powertrain != "BEV"
    capabilities: list[dict[str, Any]] = []
    for code, signal in SIGNALS.items():
        if (signal.group in ("Charge", "TractionBattery") and not has_battery) or (
            signal.group == "InternalCombustionEngine" and not has_engine
        ):
            continue
        capabilities.append(
            {
                "type": "signal",
                "name": signal.name,
                "group": signal.group,
                "code": code,
                "capability": code,
                "permission": signal.permission,
            }
        )
    for path, (command, _) in COMMANDS.items():
        group, _, verb = path.partition("/")
        if command.startswith("charge") and not has_battery:
            continue
        permission = {"security": "control_security", "navigation": "control_navigation"}.get(group, "control_charge")
        capabilities.append(
            {
                "type": "command",
                "name": verb,
                "group": group,
                "code": f"{group}-{verb}",
                "capability": f"{group}-{verb}",
                "permission": permission,
            }
        )
    return capabilities


def _make_page(request: web.Request, found: list[dict[str, Any]]) -> dict[str, Any]:
    size = _read_number(request, "page[size]", USUAL_PAGE, highest=LARGEST_PAGE)
    number = _read_number(request, "page[number]", 1, highest=1_000_000)
    last = max(1, -(-len(found) // size))

    def link(page: int) -> str:
        return str(request.rel_url.update_query({"page[number]": str(page), "page[size]": str(size)}))

    return {
        "data": found[(number - 1) * size : number * size],
        "meta": {
            "pageNumber": number,
            "pageSize": size,
            "totalCount": len(found),
            "orderBy": "createdAt",
            "orderDirection": "desc",
        },
        "links": {
            "self": link(number),
            "first": link(1),
            "prev": link(number - 1) if number > 1 else None,
            "next": link(number + 1) if number < last else None,
            "last": link(last),
        },
    }


def _read_number(request: web.Request, name: str, usual: int, *, highest: int) -> int:
    text = request.query.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= highest):
        raise InvalidParameter(name)
    return int(text)


def _read_attributes(raw: bytes, names: tuple[str, ...]) -> Any:
    """Return the attributes of a JSON:API body. A command without any may come without a body, or with anything."""
    if not names:
        return {}
    try:
        body = json.loads(raw)
        attributes = body["data"]["attributes"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise InvalidParameter("data.attributes") from error
    return attributes


def _is_imperial(request: web.Request) -> bool:
    return request.headers.get("sc-unit-system", "metric").lower() == "imperial"
