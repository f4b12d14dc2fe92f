"""The commands on the wire: parameters, scope, who has them and what each does to the car. No HTTP."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.cars import Car
from simulator.errors import InvalidParameter
from simulator.physics import start_charging, stop_charging

CONTROL_SCOPES = (
    "control_security",
    "control_charge",
    "control_climate",
    "control_navigation",
    "control_pin",
    "control_trunk",
    "control_engine",
)
_PIN = re.compile(r"\A[0-9]{4}\Z")
SECRET_PARAMETERS = frozenset({"pin"})


@dataclass(frozen=True, slots=True)
class Range:
    """A number with its limits and its step."""

    minimum: float
    maximum: float
    step: float | None = None

    def accepts(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.minimum <= value <= self.maximum:
            return False
        return self.step is None or float(value / self.step).is_integer()


@dataclass(frozen=True, slots=True)
class Words:
    longest: int

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and len(value) <= self.longest


@dataclass(frozen=True, slots=True)
class Pin:
    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and _PIN.match(value) is not None


Parameter = Range | Words | Pin


@dataclass(frozen=True, slots=True)
class WireCommand:
    scope: str
    act: Callable[[Car, Mapping[str, Any]], None]
    is_so: Callable[[Car, Mapping[str, Any]], bool] = lambda _car, _parameters: False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    needs: str = ""  # "battery", "engine" or nothing


def _honk(car: Car, _parameters: Mapping[str, Any]) -> None:
    car.horn_honks += 1


def _flash(car: Car, _parameters: Mapping[str, Any]) -> None:
    car.light_flashes += 1


def _set_limit(car: Car, parameters: Mapping[str, Any]) -> None:
    car.charge_limit_percent = float(parameters["percent"])
    if car.charging_state in ("charging", "complete"):
        start_charging(car)


def _stop_charge(car: Car, _parameters: Mapping[str, Any]) -> None:
    if car.charging_state == "charging":
        stop_charging(car, state="stopped")


def _start_climate(car: Car, parameters: Mapping[str, Any]) -> None:
    car.climate_on, car.climate_left_s = True, 1800.0
    car.target_temperature_c = float(parameters.get("temperature_c", car.target_temperature_c))


def _start_engine(car: Car, parameters: Mapping[str, Any]) -> None:
    car.engine_running, car.engine_left_s = True, 60.0 * parameters.get("duration_min", 10)


def _set_drive_pin(car: Car, parameters: Mapping[str, Any]) -> None:
    car.pin_to_drive, car.drive_pin = True, parameters["pin"]


def _reset_drive_pin(car: Car, _parameters: Mapping[str, Any]) -> None:
    car.pin_to_drive, car.drive_pin = False, None


def _enable_valet(car: Car, parameters: Mapping[str, Any]) -> None:
    car.valet_mode, car.valet_pin = True, parameters["pin"]


def _disable_valet(car: Car, _parameters: Mapping[str, Any]) -> None:
    car.valet_mode, car.valet_pin = False, None


def _set(name: str, value: Any, *, scope: str, needs: str = "") -> WireCommand:
    """A command that does no more than set one signal."""
    return WireCommand(
        scope,
        act=lambda car, _: setattr(car, name, value),
        is_so=lambda car, _: getattr(car, name) == value,
        needs=needs,
    )


_TEMPERATURE: dict[str, Parameter] = {"temperature_c": Range(15, 28, 0.5)}
_PLACE: dict[str, Parameter] = {"latitude": Range(-90, 90), "longitude": Range(-180, 180), "label": Words(200)}

COMMANDS: dict[str, WireCommand] = {
    "lock": _set("locked", True, scope="control_security"),
    "unlock": _set("locked", False, scope="control_security"),
    "lights.flash": WireCommand("control_security", act=_flash),
    "horn.honk": WireCommand("control_security", act=_honk),
    "charge.start": WireCommand(
        "control_charge",
        act=lambda car, _: start_charging(car),
        is_so=lambda car, _: car.charging_state == "charging",
        needs="battery",
    ),
    "charge.stop": WireCommand(
        "control_charge",
        act=_stop_charge,
        is_so=lambda car, _: car.charging_state not in ("charging", "starting"),
        needs="battery",
    ),
    "charge.set_limit": WireCommand(
        "control_charge",
        act=_set_limit,
        is_so=lambda car, parameters: car.charge_limit_percent == parameters["percent"],
        parameters={"percent": Range(50, 100, 5)},
        needs="battery",
    ),
    "charge_port.open": _set("charge_port_open", True, scope="control_charge", needs="battery"),
    "charge_port.close": _set("charge_port_open", False, scope="control_charge", needs="battery"),
    "climate.start": WireCommand(
        "control_climate",
        act=_start_climate,
        is_so=lambda car, parameters: (
            car.climate_on and parameters.get("temperature_c", car.target_temperature_c) == car.target_temperature_c
        ),
        parameters=_TEMPERATURE,
        optional=frozenset({"temperature_c"}),
    ),
    "climate.stop": _set("climate_on", False, scope="control_climate"),
    "climate.set_temperature": WireCommand(
        "control_climate",
        act=lambda car, parameters: setattr(car, "target_temperature_c", float(parameters["temperature_c"])),
        is_so=lambda car, parameters: car.target_temperature_c == parameters["temperature_c"],
        parameters=_TEMPERATURE,
    ),
    "trunk.open": _set("trunk_open", True, scope="control_trunk"),
    "trunk.close": _set("trunk_open", False, scope="control_trunk"),
    "frunk.open": _set("frunk_open", True, scope="control_trunk"),
    "frunk.close": _set("frunk_open", False, scope="control_trunk"),
    "navigation.send": WireCommand(
        "control_navigation",
        act=lambda car, parameters: setattr(car, "destination", dict(parameters)),
        parameters=_PLACE,
        optional=frozenset({"label"}),
    ),
    "pin_to_drive.set": WireCommand(
        "control_pin",
        act=_set_drive_pin,
        is_so=lambda car, parameters: car.drive_pin == parameters["pin"],
        parameters={"pin": Pin()},
    ),
    "pin_to_drive.reset": WireCommand("control_pin", act=_reset_drive_pin, is_so=lambda car, _: not car.pin_to_drive),
    "valet.enable": WireCommand(
        "control_pin",
        act=_enable_valet,
        is_so=lambda car, parameters: car.valet_mode and car.valet_pin == parameters["pin"],
        parameters={"pin": Pin()},
    ),
    "valet.disable": WireCommand(
        "control_pin",
        act=_disable_valet,
        is_so=lambda car, _: not car.valet_mode,
        parameters={"pin": Pin()},
        optional=frozenset({"pin"}),
    ),
    "engine.start": WireCommand(
        "control_engine",
        act=_start_engine,
        is_so=lambda car, _: car.engine_running,
        parameters={"duration_min": Range(1, 15, 1)},
        optional=frozenset({"duration_min"}),
        needs="engine",
    ),
    "engine.stop": _set("engine_running", False, scope="control_engine", needs="engine"),
}


def check_parameters(command: WireCommand, parameters: Any, *, is_stepless: bool = False) -> dict[str, Any]:
    """Return the parameters when every one is known, present where it must be, and in range; raise InvalidParameter.

    is_stepless: numbers may lie between the steps, as makers have it who name a range alone.
    """
    if not isinstance(parameters, dict):
        raise InvalidParameter("parameters")
    for name in parameters:
        if name not in command.parameters:
            raise InvalidParameter(name)
    for name, kind in command.parameters.items():
        if parameters.get(name) is None:
            if name not in command.optional:
                raise InvalidParameter(name)
        elif not (_without_step(kind) if is_stepless else kind).accepts(parameters[name]):
            raise InvalidParameter(name)
    return {name: value for name, value in parameters.items() if value is not None}


def _without_step(kind: Parameter) -> Parameter:
    return replace(kind, step=None) if isinstance(kind, Range) else kind


def is_capable(car: Car, name: str) -> bool:
    command = COMMANDS[name]
    if name in car.not_capable:
        return False
    return {"battery": car.has_traction_battery, "engine": car.has_engine}.get(command.needs, True)


def list_capabilities(car: Car) -> dict[str, dict[str, Any]]:
    capabilities: dict[str, dict[str, Any]] = {}
    for name, command in COMMANDS.items():
        if not is_capable(car, name):
            capabilities[name] = {"capable": False, "reason": "not_equipped"}
            continue
        if car.is_unpaired:
            capabilities[name] = {"capable": False, "reason": "needs_pairing"}
            continue
        capabilities[name] = {"capable": True}
        for parameter, kind in command.parameters.items():
            if isinstance(kind, Range) and kind.step is not None:
                capabilities[name][parameter] = {"min": kind.minimum, "max": kind.maximum, "step": kind.step}
    return capabilities
