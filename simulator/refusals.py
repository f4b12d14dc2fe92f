"""When a car, as it stands, says no to a command before acting. What it does when it does not say no is commands'."""

from collections.abc import Mapping
from typing import Any

from simulator.cars import Car
from simulator.commands import COMMANDS
from simulator.errors import Refused

_FINE_WHILE_DRIVING = frozenset(
    {
        "lock",
        "climate.start",
        "climate.stop",
        "climate.set_temperature",
        "navigation.send",
        "charge.set_limit",
        "charge.stop",
        "lights.flash",
    }
)


def refuse_if_unable(car: Car, name: str, parameters: Mapping[str, Any]) -> None:
    """Raise Refused when the car, as it stands now, would say no. A car that is already so never refuses."""
    if COMMANDS[name].is_so(car, parameters):
        return
    if car.in_motion and name not in _FINE_WHILE_DRIVING:
        # Which of the two words a maker uses differs; access to the cabin names the motion, the rest asks for parking.
        if name in ("unlock", "trunk.open", "frunk.open"):
            raise Refused("in_motion", "The vehicle is moving.")
        raise Refused("not_parked", "The vehicle is not parked.")
    if name in ("lock", "engine.start") and car.doors_open:
        raise Refused("door_open", "A door is open.")
    if name == "lock" and (car.trunk_open or car.frunk_open):
        raise Refused("trunk_open", "The boot or the bonnet is open.")
    if name == "charge.start":
        _refuse_charge(car)
    if name == "charge_port.close" and car.plugged_in:
        raise Refused("plug_connected", "The plug is in.")
    if name == "climate.start" and car.powertrain == "BEV" and not car.plugged_in and car.soc_percent < 10:
        raise Refused("low_battery", "The battery is too low.")
    if name in ("engine.start", "climate.start", "horn.honk", "lights.flash") and car.battery_12v_v < 11.4:
        raise Refused("low_12v", "The 12 V battery is weak.")
    if car.valet_mode and name in (
        "trunk.open",
        "frunk.open",
        "pin_to_drive.set",
        "pin_to_drive.reset",
        "valet.enable",
    ):
        raise Refused("valet_mode", "Valet mode is on.")
    if name == "valet.disable" and parameters.get("pin") not in (None, car.valet_pin):
        raise Refused("wrong_pin", "The PIN is wrong.")


def _refuse_charge(car: Car) -> None:
    if not car.plugged_in:
        raise Refused("plug_not_connected", "The charging plug is not connected.")
    if car.charging_state in ("fault", "no_power"):
        raise Refused("charge_fault", "The charging point does not deliver.")
    if car.soc_percent >= car.charge_limit_percent:
        raise Refused("fully_charged", "The battery is at its limit.")
