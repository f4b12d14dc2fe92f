"""The API of the pretend cloud for holders of an access token: vehicles, state, wake and commands."""

import asyncio
import json
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.brands import BRANDS
from simulator.cars import Car
from simulator.commands import COMMANDS, check_parameters, is_capable, list_capabilities
from simulator.errors import ApiError, InvalidParameter, Refused
from simulator.faults import deliver, error_response, gate, json_response, serve
from simulator.keys import WORLD
from simulator.ledger import Entry, format_time
from simulator.oauth import Grant
from simulator.refusals import refuse_if_unable
from simulator.signals import SIGNALS, read_signals
from simulator.world import World

PAGE_SIZE = 10
LONGEST_REQUEST_ID = 200


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
    world, grant = _authorize(request)

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
    world, grant = _authorize(request)
    reference = world.references.get(request.match_info["ref"])
    if reference is None or reference.account_id != grant.account_id:
        raise ApiError(404, "not_found")
    return await serve(
        request,
        world,
        world.behaviours.for_all(),
        lambda: json_response({"ref": reference.ref, "status": reference.status, "reason": reference.reason}),
    )


async def send_command(request: web.Request) -> web.StreamResponse:
    """Take one command. The ledger line is opened before anything can fail; the car acts before any reply is spoilt.

    A client that goes away while we wait does not stop the car: the request has arrived.
    """
    world, grant, car, behaviour = _find_car(request)
    name, parameters = _read_command(await request.read())
    entry = world.ledger.open(
        car=car.id,
        command=name,
        parameters=parameters,
        request_id=request.headers.get("X-Request-Id", "")[:LONGEST_REQUEST_ID] or None,
        now=world.now(),
    )
    is_faulty = behaviour.is_faulty_for(name)

    def note(reply: str) -> None:
        entry.reply = reply
        if reply not in ("lost", "reset", "hung"):
            entry.answered_at = world.now()

    try:
        checked = _check_command(car, grant, name, parameters)
        if is_faulty:
            if behaviour.latency_s is not None:
                await asyncio.sleep(behaviour.latency_s.sample_s(world.chance))
            gate(world, behaviour)
        response = _execute(world, car, behaviour, name, checked, entry, is_faulty=is_faulty)
    except ApiError as error:
        if entry.outcome == "received":
            entry.outcome = f"refused:{error.reason}" if isinstance(error, Refused) else error.code
        response = error_response(error)
    if is_faulty:
        return await deliver(request, behaviour, response, note)
    note("sent")
    return response


def _execute(
    world: World,
    car: Car,
    behaviour: Behaviour,
    name: str,
    parameters: dict[str, Any],
    entry: Entry,
    *,
    is_faulty: bool,
) -> web.Response:
    state = world.look(car, behaviour)
    if state == "offline":
        raise ApiError(503, "vehicle_unreachable")
    if state == "asleep":
        raise ApiError(408, "vehicle_asleep")
    if is_faulty and behaviour.refuse == "busy":
        raise ApiError(409, "busy")
    if is_faulty and behaviour.refuse is not None:
        raise Refused(behaviour.refuse, "The vehicle refused.")
    refuse_if_unable(car, name, parameters)
    is_so = COMMANDS[name].is_so(car, parameters)
    if is_so and behaviour.answer == "ack":
        entry.outcome = "already"
        return json_response({"result": "already"})
    reference = world.keep_reference(car, status="pending", entry=entry)
    entry.outcome = "accepted"
    if is_faulty and behaviour.never_acts:
        pass
    elif behaviour.effect_s > 0 and behaviour.answer == "accept":
        world.act_later(car, name, parameters, reference, behaviour.effect_s)
    else:
        world.act(car, name, parameters, entry)
        reference.status = entry.outcome = "done"
    if behaviour.answer == "ack":
        return json_response({"result": "done", "ref": reference.ref})
    return json_response({"result": "accepted", "ref": reference.ref}, status=202)


def _authorize(request: web.Request) -> tuple[World, Grant]:
    world = request.app[WORLD]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grant = world.authorizations.find_by_access_token(token, now=world.now()) if scheme.lower() == "bearer" else None
    if grant is None or world.behaviours.for_all().token_revoked:
        raise ApiError(401, "unauthorized", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    world.quotas.take(grant.client_id, world.now())
    return world, grant


def _find_car(request: web.Request) -> tuple[World, Grant, Car, Behaviour]:
    world, grant = _authorize(request)
    car = world.garage.find(request.match_info["id"])
    if car is None or car.account_id != grant.account_id:
        raise ApiError(404, "not_found")
    behaviour = world.behaviours.for_car(car.id)
    if behaviour.token_revoked:
        raise ApiError(401, "unauthorized", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return world, grant, car, behaviour


def _read_command(body: bytes) -> tuple[str, Any]:
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(wanted, dict) or not isinstance(wanted.get("command"), str) or wanted["command"] not in COMMANDS:
        raise InvalidParameter("command")
    parameters = wanted.get("parameters")
    return wanted["command"], {} if parameters is None else parameters


def _check_command(car: Car, grant: Grant, name: str, parameters: Any) -> dict[str, Any]:
    command = COMMANDS[name]
    if command.scope not in grant.scopes:
        raise ApiError(403, "insufficient_scope", scope=command.scope)
    if not is_capable(car, name):
        raise ApiError(501, "not_capable")
    if car.is_unpaired:
        raise ApiError(403, "needs_pairing")
    return check_parameters(command, parameters)


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
