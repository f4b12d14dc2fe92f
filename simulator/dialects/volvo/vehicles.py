"""Volvo's three APIs over HTTP: connected vehicle v2 with its commands, energy v2, location v1."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.commands import is_capable
from simulator.dialects.frame import Execute, Face, Result, carry_out, check_plainly, reach, take_command
from simulator.dialects.volvo.face import FACE, CommandFace
from simulator.dialects.volvo.readings import (
    RESOURCES,
    describe_details,
    describe_energy,
    describe_energy_capabilities,
    describe_location,
    read,
)
from simulator.dialects.volvo.requests import enter, enter_for_car
from simulator.dialects.volvo.scopes import DIALECT
from simulator.errors import ApiError, InvalidParameter
from simulator.faults import json_response, serve
from simulator.ledger import Entry
from simulator.world import World

LAST_CLASSIC_YEAR = 2020


@dataclass(frozen=True, slots=True)
class VolvoCommand:
    """One of Volvo's commands: its name in the list, the simulator's word for it and the scope it needs."""

    name: str
    command: str
    scope: str
    also_flashes: bool = False


COMMANDS: dict[str, VolvoCommand] = {
    "lock": VolvoCommand("LOCK", "lock", "conve:lock"),
    "lock-reduced-guard": VolvoCommand("LOCK_REDUCED_GUARD", "lock", "conve:lock"),
    "unlock": VolvoCommand("UNLOCK", "unlock", "conve:unlock"),
    "climatization-start": VolvoCommand("CLIMATIZATION_START", "climate.start", "conve:climatization_start_stop"),
    "climatization-stop": VolvoCommand("CLIMATIZATION_STOP", "climate.stop", "conve:climatization_start_stop"),
    "honk": VolvoCommand("HONK", "horn.honk", "conve:honk_flash"),
    "flash": VolvoCommand("FLASH", "lights.flash", "conve:honk_flash"),
    "honk-flash": VolvoCommand("HONK_AND_FLASH", "horn.honk", "conve:honk_flash", also_flashes=True),
    "engine-start": VolvoCommand("ENGINE_START", "engine.start", "conve:engine_start_stop"),
    "engine-stop": VolvoCommand("ENGINE_STOP", "engine.stop", "conve:engine_start_stop"),
}


async def list_vehicles(request: web.Request) -> web.StreamResponse:
    world, grant = enter(request, "conve:vehicle_relation")

    def act() -> web.Response:
        return json_response({"data": [{"vin": car.vin} for car in world.cars_of(grant.account_id)]})

    return await serve(request, world, world.behaviours.for_all(), act, word_error=FACE.error)


async def show_vehicle(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request, "conve:vehicle_relation")
    return await serve(
        request, world, behaviour, lambda: json_response({"data": describe_details(car)}), word_error=FACE.error
    )


async def list_commands(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request, "conve:commands")

    def act() -> web.Response:
        known = [
            {"command": command.name, "href": f"/v2/vehicles/{car.vin}/commands/{path}"}
            for path, command in COMMANDS.items()
            if _is_offered(car, command)
        ]
        return json_response({"data": known})

    return await serve(request, world, behaviour, act, word_error=FACE.error)


async def show_resource(request: web.Request) -> web.StreamResponse:
    resource = RESOURCES.get(request.match_info["resource"])
    if resource is None:
        raise ApiError(404, "not_found")
    world, _, car, behaviour = enter_for_car(request, *resource.scopes)
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response({"data": resource.describe(read(world, car, behaviour))}),
        word_error=FACE.error,
    )


async def show_location(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request, "location:read")
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response({"data": describe_location(read(world, car, behaviour))}),
        word_error=FACE.error,
    )


async def show_energy(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request, "energy:state:read")
    if not car.has_traction_battery:
        raise ApiError(404, "not_found")
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response(describe_energy(read(world, car, behaviour), car.facts.get(DIALECT, {}))),
        word_error=FACE.error,
    )


async def show_energy_capabilities(request: web.Request) -> web.StreamResponse:
    world, _, car, behaviour = enter_for_car(request, "energy:capability:read")
    return await serve(
        request,
        world,
        behaviour,
        lambda: json_response(describe_energy_capabilities(car, car.facts.get(DIALECT, {}))),
        word_error=FACE.error,
    )


async def send_command(request: web.Request) -> web.StreamResponse:
    wanted = COMMANDS.get(request.match_info["command"])
    if wanted is None:
        raise ApiError(404, "not_found")
    world, grant, car, behaviour = enter_for_car(request, wanted.scope, is_command=True)
    if request.headers.get("Content-Type") != "application/json":
        raise ApiError(415, "wrong_content_type")
    parameters = _read_parameters(wanted, await request.read())
    window_s = car.facts.get(DIALECT, {}).get("unlock_window_s") if wanted.command == "unlock" else None
    armed_until = None if window_s is None else world.now() + float(window_s)
    face = CommandFace(car.vin, unlocks=wanted.command == "unlock", armed_until=armed_until)

    def check() -> dict[str, Any]:
        if not _is_offered(car, wanted):
            raise ApiError(404, "not_capable")
        return check_plainly(car, grant, wanted.command, parameters)

    return await take_command(
        request,
        world,
        car,
        face,
        command=wanted.command,
        parameters=parameters,
        check=check,
        behaviour=behaviour,
        execute=_choose_execute(wanted, is_armed_only=armed_until is not None),
    )


def _choose_execute(wanted: VolvoCommand, *, is_armed_only: bool) -> Execute:
    def arm(
        world: World,
        car: Car,
        command: str,
        parameters: dict[str, Any],
        behaviour: Behaviour,
        entry: Entry,
        _is_faulty: bool,
        _face: Face,
    ) -> Result:
        """Some cars only make ready: the owner has to touch a handle within the time."""
        reach(world, car, behaviour)
        entry.outcome = "armed"
        return Result("done", car, command, parameters, behaviour, entry)

    def honk_and_flash(
        world: World,
        car: Car,
        command: str,
        parameters: dict[str, Any],
        behaviour: Behaviour,
        entry: Entry,
        is_faulty: bool,
        face: Face,
    ) -> Result:
        result = carry_out(world, car, command, parameters, behaviour, entry, is_faulty, face)
        if result.kind == "done":
            car.light_flashes += 1
        return result

    if is_armed_only:
        return arm
    return honk_and_flash if wanted.also_flashes else carry_out


def _is_offered(car: Car, wanted: VolvoCommand) -> bool:
    """Whether the car has the command; the engine starts only in cars with the older screen."""
    if not is_capable(car, wanted.command):
        return False
    if not wanted.command.startswith("engine."):
        return True
    is_classic = car.facts.get(DIALECT, {}).get("classic", car.year <= LAST_CLASSIC_YEAR)
    return bool(is_classic)


def _read_parameters(wanted: VolvoCommand, raw: bytes) -> dict[str, Any]:
    """Return what the body asks for: minutes to run for an engine; the others take no body, or an empty object."""
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise InvalidParameter("body") from error
    if not isinstance(body, dict):
        raise InvalidParameter("body")
    if wanted.command != "engine.start":
        return {}
    if "runtimeMinutes" not in body:
        raise InvalidParameter("runtimeMinutes")
    return {"duration_min": body["runtimeMinutes"]}
