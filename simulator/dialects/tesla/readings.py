"""What a Tesla tells about itself, in the maker's sections, names and units: miles, bar, degrees Celsius."""

from collections.abc import Callable
from typing import Any

from simulator.cars import Car
from simulator.dialects.tesla.lab import USUAL_FIRMWARE, facts_of, find_lab
from simulator.signals import read_signals
from simulator.world import World

KM_PER_MILE = 1.609344
KPA_PER_BAR = 100.0
VOLTS = 230
Signals = dict[str, Any]

_CHARGING = {
    "disconnected": "Disconnected",
    "connected": "Stopped",
    "starting": "Starting",
    "charging": "Charging",
    "complete": "Complete",
    "stopped": "Stopped",
    "no_power": "NoPower",
    "fault": "Stopped",
}
_TYPES = {"Model S": "models2", "Model X": "modelx", "Model 3": "model3", "Model Y": "modely"}


def read_sections(world: World, car: Car, asked: list[str], *, with_location: bool) -> dict[str, Any]:
    """Return the sections asked for, or all of them. The place is a part of `drive_state` when it may be told."""
    signals, at_ms = read_signals(car), int(world.now() * 1000)
    wanted = [name for name in SECTIONS if name in asked or not asked]
    if with_location and "drive_state" not in wanted:
        wanted.append("drive_state")
    sections = {name: {**SECTIONS[name](world, car, signals), "timestamp": at_ms} for name in wanted}
    if with_location:
        place = signals["location"]
        sections["drive_state"] |= {
            "latitude": place["latitude"],
            "longitude": place["longitude"],
            "heading": place["heading"],
            "gps_as_of": at_ms // 1000,
            "native_latitude": place["latitude"],
            "native_longitude": place["longitude"],
            "native_location_supported": 1,
            "native_type": "wgs",
        }
    return sections


def _charge(_world: World, car: Car, signals: Signals) -> dict[str, Any]:
    if not car.has_traction_battery:
        return {}
    power_kw = signals["charge_power_kw"]
    range_miles = round(signals["range_km"] / KM_PER_MILE, 2)
    return {
        "battery_level": round(signals["soc_percent"]),
        "usable_battery_level": round(signals["soc_percent"]),
        "battery_range": range_miles,
        "est_battery_range": range_miles,
        "ideal_battery_range": range_miles,
        "charge_limit_soc": signals["charge_limit_percent"],
        "charge_limit_soc_min": 50,
        "charge_limit_soc_max": 100,
        "charge_limit_soc_std": 80,
        "charge_port_door_open": signals["charge_port_open"],
        "charge_port_latch": "Engaged" if signals["plugged_in"] else "Disengaged",
        "charging_state": _CHARGING[signals["charging_state"]],
        "conn_charge_cable": "IEC" if signals["plugged_in"] else "<invalid>",
        "charger_power": round(power_kw),
        "charger_voltage": VOLTS if power_kw else 0,
        "charger_actual_current": round(power_kw * 1000 / VOLTS / 3) if power_kw else 0,
        "fast_charger_present": signals["plugged_in"] and car.charger_is_dc,
        "battery_heater_on": False,
    }


def _climate(world: World, car: Car, signals: Signals) -> dict[str, Any]:
    driver_c = signals["target_temperature_c"]
    return {
        "is_climate_on": signals["climate_on"],
        "is_auto_conditioning_on": signals["climate_on"],
        "is_preconditioning": signals["climate_on"] and not signals["in_motion"],
        "inside_temp": signals["cabin_temperature_c"],
        "outside_temp": signals["outside_temperature_c"],
        "driver_temp_setting": driver_c,
        "passenger_temp_setting": facts_of(world, car).get("passenger_c", driver_c),
        "min_avail_temp": 15.0,
        "max_avail_temp": 28.0,
    }


def _closures(_world: World, _car: Car, signals: Signals) -> dict[str, Any]:
    # A pretend car knows whether a door is open, not which; the driver's stands for it.
    return {
        "locked": signals["locked"],
        "df": int(signals["doors_open"]),
        "dr": 0,
        "pf": 0,
        "pr": 0,
        "ft": int(signals["frunk_open"]),
        "rt": int(signals["trunk_open"]),
    }


def _drive(_world: World, _car: Car, signals: Signals) -> dict[str, Any]:
    is_moving = signals["in_motion"]
    return {
        "shift_state": "D" if is_moving else None,
        "speed": round(signals["speed_kmh"] / KM_PER_MILE) if is_moving else None,
        "power": 0,
    }


def _config(_world: World, car: Car, _signals: Signals) -> dict[str, Any]:
    return {
        "car_type": next((name for model, name in _TYPES.items() if car.model.startswith(model)), "model3"),
        "can_actuate_trunks": "trunk.open" not in car.not_capable,
        "can_accept_navigation_requests": "navigation.send" not in car.not_capable,
        "motorized_charge_port": "charge_port.open" not in car.not_capable,
        "plg": "trunk.close" not in car.not_capable,
        "rhd": False,
    }


def _vehicle(world: World, car: Car, signals: Signals) -> dict[str, Any]:
    pressures = {
        f"tpms_pressure_{wheel}": round(pressure / KPA_PER_BAR, 3)
        for wheel, pressure in signals["tyre_pressure_kpa"].items()
    }
    return {
        **_closures(world, car, signals),
        **pressures,
        "odometer": round(car.odometer_km / KM_PER_MILE, 6),
        "car_version": f"{facts_of(world, car).get('firmware', USUAL_FIRMWARE)} 0123456789ab",
        "vehicle_name": car.display_name,
        "valet_mode": signals["valet_mode"],
        "valet_pin_needed": car.valet_pin is None,
        "remote_start": world.now() < find_lab(world).keyless_until.get(car.id, 0.0),
        "remote_start_enabled": True,
        "remote_start_supported": "engine.start" not in car.not_capable,
        "is_user_present": signals["in_motion"],
        "api_version": 80,
    }


SECTIONS: dict[str, Callable[[World, Car, Signals], dict[str, Any]]] = {
    "charge_state": _charge,
    "climate_state": _climate,
    # What the real one puts here is not known; the same names are in `vehicle_state`.
    "closures_state": _closures,
    "drive_state": _drive,
    "vehicle_config": _config,
    "vehicle_state": _vehicle,
}
