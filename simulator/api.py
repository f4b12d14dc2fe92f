"""The API of the pretend cloud for holders of an access token: vehicles, state, wake and commands."""

import json
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.brands import BRANDS
from simulator.cars import Car
from simulator.commands import COMMANDS, list_capabilities
from simulator.dialects.frame import Result, authorize, behave_for, check_plainly, take_command
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import error_response, json_response, serve
from simulator.ledger import format_time
from simulator.oauth import Grant
from simulator.signals import SIGNALS, read_signals
from simulator.world import World

PAGE_SIZE = 10


async def list_brands(_request: web.Request) -> web.StreamResponse:
    return json_response(
        {
            "brands": [
                {"key": brand.key, "name": brand.name, "countries": list(brand.countries)} for brand in BRANDS.values()
            ]
        }
    )


async def check_health(_request: web.Request) -> web.StreamResponse:
    return json_response({"status": "ok"})


async def list_vehicles(request: web.Request) -> web.StreamResponse:
    world, grant = authorize(request)

    def act() -> web.Response:
        cars = world.cars_of(grant.account_id)
        start = _read_cursor(request.query.get("cursor", ""))
        more = start + PAGE_SIZE < len(cars)
        return json_response(
            {
                "vehicles": [_describe(car) for car in cars[start : start + PAGE_SIZE]],
                "next_cursor": f"p{start + PAGE_SIZE}" if more else None,
            }
        )

    return await serve(request, world, world.behaviours.for_all(), act)


async def show_vehicle(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = _find_car(request)
    return await serve(
        request, world, behaviour, lambda: json_response({**_describe(car), "state": world.look(car, behaviour)})
    )


async def show_capabilities(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = _find_car(request)
    return await serve(request, world, behaviour, lambda: json_response({"commands": list_capabilities(car)}))


async def show_state(request: web.Request) -> web.StreamResponse:
    world, grant, car, behaviour = _find_car(request)

    def act() -> web.Response:
        state = world.look(car, behaviour)
        now = world.now()
        values, read_at = (read_signals(car), now) if state == "online" else (car.last_known or {}, car.last_known_at)
        observed_at = format_time(read_at + behaviour.clock_offset_s)
        signals: dict[str, Any] = {}
        for name, value in values.items():
            unit, scopes = SIGNALS[name]
            if not any(scope in grant.scopes for scope in scopes):
                continue
            signals[name] = {"value": value, "observed_at": observed_at}
            if unit is not None:
                signals[name]["unit"] = unit
        return json_response({"state": state, "server_time": format_time(now), "signals": signals})

    return await serve(request, world, behaviour, act)


async def wake_vehicle(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = _find_car(request)
    entry = world.ledger.open(
        car=car.id, command="wake", parameters=None, request_id=request.headers.get("X-Request-Id"), now=world.now()
    )

    def act() -> web.Response:
        entry.outcome = state = world.look(car, behaviour)
        if state == "offline":
            return error_response(ApiError(503, "vehicle_unreachable"))
        entry.answered_at = world.now()
        if state == "online":
            car.idle_s = 0.0
            return json_response({"state": "online"})
        world.begin_wake(car, behaviour)
        return json_response({"state": "waking"}, status=202)

    return await serve(request, world, behaviour, act)


async def show_command(request: web.Request) -> web.StreamResponse:
    world, grant = authorize(request)
    reference = world.references.get(request.match_info["ref"])
    if reference is None or reference.account_id != grant.account_id:
        raise ApiError(404, "not_found")
    return await serve(
        request,
        world,
        world.behaviours.for_all(),
        lambda: json_response({"ref": reference.ref, "status": reference.status, "reason": reference.reason}),
    )


class _PlainFace:
    """The simulator's own words."""

    tells_already = False

    def error(self, error: ApiError) -> web.Response:
        return error_response(error)

    async def word(self, result: Result) -> web.Response:
        if result.kind == "already":
            return json_response({"result": "already"})
        ref = result.reference.ref if result.reference else None
        if result.behaviour.answer == "ack":
            return json_response({"result": "done", "ref": ref})
        return json_response({"result": "accepted", "ref": ref}, status=202)


PLAIN_FACE = _PlainFace()


async def send_command(request: web.Request) -> web.StreamResponse:
    world, grant, car, behaviour = _find_car(request)
    name, parameters = _read_command(await request.read())
    return await take_command(
        request,
        world,
        car,
        PLAIN_FACE,
        command=name,
        parameters=parameters,
        check=lambda: check_plainly(car, grant, name, parameters),
        behaviour=behaviour,
    )


def _find_car(request: web.Request) -> tuple[World, Grant, Car, Behaviour]:
    world, grant = authorize(request)
    car = world.garage.find(request.match_info["id"])
    if car is None or car.account_id != grant.account_id:
        raise ApiError(404, "not_found")
    return world, grant, car, behave_for(world, car)


def _read_command(body: bytes) -> tuple[str, Any]:
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(wanted, dict) or not isinstance(wanted.get("command"), str) or wanted["command"] not in COMMANDS:
        raise InvalidParameter("command")
    parameters = wanted.get("parameters")
    return wanted["command"], {} if parameters is None else parameters


def _describe(car: Car) -> dict[str, Any]:
    return {
        "id": car.id,
        "vin": car.vin,
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "powertrain": car.powertrain,
        "display_name": car.display_name,
        "license_plate": car.license_plate,
    }


def _read_cursor(cursor: str) -> int:
    if cursor == "":
        return 0
    if not (cursor.startswith("p") and cursor[1:].isascii() and cursor[1:].isdigit() and len(cursor) < 9):
        raise InvalidParameter("cursor")
    return int(cursor[1:])
