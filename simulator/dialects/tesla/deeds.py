"""What a Tesla does with a wish: as every pretend car does, but for its trunk, its PINs and its keyless driving."""

import asyncio
from collections.abc import Callable
from typing import Any

from simulator.behaviours import PLAIN, Behaviour
from simulator.cars import Car
from simulator.commands import COMMANDS, is_capable
from simulator.dialects.frame import Face, Result, carry_out, reach, refuse_as_told
from simulator.dialects.tesla.lab import facts_of, find_lab
from simulator.errors import ApiError, Refused
from simulator.ledger import Entry
from simulator.refusals import refuse_if_unable
from simulator.world import World

KEYLESS_S = 120.0
# How long the cloud waits for a car that has the command and does not say what became of it.
PATIENCE_S = 10.0
_GLANCE_S = 0.02
Parameters = dict[str, Any]


def check_capable(car: Car, command: str) -> None:
    """Raise ApiError when this car does not have the command at all."""
    is_missing = command in car.not_capable
    if command in COMMANDS and command != "engine.start":
        is_missing = not is_capable(car, command)
    if is_missing:
        raise ApiError(501, "not_capable")


def carry_out_as_tesla(
    world: World,
    car: Car,
    command: str,
    parameters: Parameters,
    behaviour: Behaviour,
    entry: Entry,
    is_faulty: bool,
    face: Face,
) -> Result:
    reach(world, car, behaviour)
    if command == "trunk.move":
        # The rear trunk knows one command and turns round where it stands; what was wanted is not said.
        entry.command = command = "trunk.close" if car.trunk_open else "trunk.open"
        check_capable(car, command)
    if command == "climate.set_temperature":
        passenger_c = parameters.pop("passenger_c", None)
        result = carry_out(world, car, command, parameters, behaviour, entry, is_faulty, face)
        if result.kind != "accepted" and passenger_c is not None:
            facts_of(world, car)["passenger_c"] = passenger_c
        return result
    deed = _DEEDS.get(command)
    if deed is None:
        return carry_out(world, car, command, parameters, behaviour, entry, is_faulty, face)
    if is_faulty:
        refuse_as_told(world, car, command, parameters, behaviour, entry)
    reference = world.keep_reference(car, status="pending", entry=entry)
    entry.outcome = "accepted"
    if is_faulty and behaviour.never_acts:
        return Result("accepted", car, command, parameters, behaviour, entry, reference)
    try:
        deed(world, car, parameters)
    except Refused as refusal:
        reference.status, reference.reason = "failed", refusal.reason
        entry.outcome = f"refused:{refusal.reason}"
        raise
    car.idle_s = 0.0
    entry.executed_at, entry.outcome = world.now(), "done"
    reference.status = "done"
    world.changes += 1
    return Result("done", car, command, parameters, behaviour, entry, reference)


async def wait_for_car(world: World, result: Result) -> None:
    """Return when the car has acted. Raises Refused when it could not, ApiError 504 when we waited long enough."""
    reference, patience_s = result.reference, result.behaviour.patience_s
    if reference is None:
        return
    give_up_at = world.now() + (PATIENCE_S if patience_s == PLAIN.patience_s else patience_s)
    while reference.status == "pending":
        if world.now() >= give_up_at:
            raise ApiError(504, "upstream")
        await asyncio.sleep(_GLANCE_S)
    if reference.status == "failed":
        raise Refused(reference.reason or "", "The car could not.")


def _set_pin(_world: World, car: Car, parameters: Parameters) -> None:
    # The trap: a PIN once stored stays, also while the feature is off, and nobody is told.
    refuse_if_unable(car, "pin_to_drive.set", parameters)
    car.pin_to_drive = True
    if car.drive_pin is None:
        car.drive_pin = parameters["pin"]


def _turn_pin_off(_world: World, car: Car, _parameters: Parameters) -> None:
    car.pin_to_drive = False


def _clear_pin(_world: World, car: Car, parameters: Parameters) -> None:
    refuse_if_unable(car, "pin_to_drive.reset", parameters)
    # Also a PIN that is stored while the feature is off.
    car.pin_to_drive, car.drive_pin = False, None


def _forget_pin(_world: World, car: Car, _parameters: Parameters) -> None:
    if car.pin_to_drive:
        raise Refused("pin_to_drive_enabled", "PIN to Drive must be off.")
    car.drive_pin = None


def _enable_valet(_world: World, car: Car, parameters: Parameters) -> None:
    if not car.valet_mode:
        refuse_if_unable(car, "valet.enable", parameters)
        car.valet_mode, car.valet_pin = True, parameters["pin"]
    car.pin_to_drive = False


def _reset_valet_pin(_world: World, car: Car, _parameters: Parameters) -> None:
    car.valet_pin = None


def _go_to_text(_world: World, car: Car, parameters: Parameters) -> None:
    car.destination = dict(parameters)


def _drive_keyless(world: World, car: Car, _parameters: Parameters) -> None:
    if car.doors_open:
        raise Refused("door_open", "A door is open.")
    find_lab(world).keyless_until[car.id] = world.now() + KEYLESS_S


_DEEDS: dict[str, Callable[[World, Car, Parameters], None]] = {
    "pin_to_drive.set": _set_pin,
    "pin_to_drive.turn_off": _turn_pin_off,
    "pin_to_drive.reset": _clear_pin,
    "pin_to_drive.forget": _forget_pin,
    "valet.enable": _enable_valet,
    "valet.reset_pin": _reset_valet_pin,
    "navigation.send_text": _go_to_text,
    "engine.start": _drive_keyless,
}
