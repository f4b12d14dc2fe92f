"""What Volvo's API tells of a car, each value with its own time; what the car has not is null or an error object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.signals import read_signals
from simulator.world import World

KM_PER_MILE = 1.609344
TANK_L = 48.0
_WHEELS = {"fl": "frontLeft", "fr": "frontRight", "rl": "rearLeft", "rr": "rearRight"}
_FUELS = {"BEV": "ELECTRIC", "PHEV": "PETROL/ELECTRIC", "HEV": "PETROL", "ICE": "PETROL"}
_LIGHTS = ("brakeLightCenter", "fogLightFront", "lowBeamLeft", "lowBeamRight", "turnIndicationFrontLeft")
_CHARGING = {"charging": "CHARGING", "starting": "CHARGING", "complete": "DONE", "fault": "ERROR"}
_NOT_SUPPORTED = {
    "status": "ERROR",
    "code": "NOT_SUPPORTED",
    "message": "Resource is not supported for this vehicle",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A car as its cloud has it: the values and the time they were read at."""

    car: Car
    state: str
    values: Mapping[str, Any]
    at: float

    def field(self, value: Any, unit: str | None = None) -> dict[str, Any]:
        return {"value": value, "unit": unit, "timestamp": write_time(self.at)}


def read(world: World, car: Car, behaviour: Behaviour) -> Reading:
    """Read a car now, or return what was last known of one that does not answer."""
    state, now = world.look(car, behaviour), world.now()
    if state == "online":
        return Reading(car, state, read_signals(car), now + behaviour.clock_offset_s)
    return Reading(car, state, car.last_known or read_signals(car), car.last_known_at + behaviour.clock_offset_s)


def describe_details(car: Car) -> dict[str, Any]:
    return {
        "vin": car.vin,
        "modelYear": car.year,
        "gearbox": "AUTOMATIC",
        "fuelType": _FUELS[car.powertrain],
        "externalColour": "Crystal White Pearl",
        "batteryCapacityKWH": car.battery_kwh if car.has_traction_battery else None,
        "images": {"exteriorImageUrl": "", "internalImageUrl": ""},
        "descriptions": {"model": car.model, "upholstery": "null", "steering": "LEFT"},
    }


def describe_accessibility(reading: Reading) -> dict[str, Any]:
    reason = {"asleep": "POWER_SAVING_MODE", "offline": "NO_INTERNET"}.get(reading.state)
    if reason is None and reading.values["in_motion"]:
        reason = "CAR_IN_USE"
    value = "AVAILABLE" if reason is None else "UNAVAILABLE"
    return {"availabilityStatus": {**reading.field(value), "unavailableReason": reason}}


def describe_location(reading: Reading) -> dict[str, Any]:
    """GeoJSON: the longitude comes first."""
    place = reading.values["location"]
    return {
        "type": "Feature",
        "properties": {"timestamp": write_time(reading.at), "heading": str(place["heading"])},
        "geometry": {"type": "Point", "coordinates": [place["longitude"], place["latitude"], 0.0]},
    }


def describe_energy(reading: Reading, facts: dict[str, Any]) -> dict[str, Any]:
    """The state of energy v2: no `data` around it; what cannot be told is an object with a code and no value."""
    values, car = reading.values, reading.car
    state = values["charging_state"]
    missing_kwh = max(values["charge_limit_percent"] - values["soc_percent"], 0) / 100 * car.battery_kwh
    power_kw = values["charge_power_kw"]
    range_km = values["range_km"]
    in_miles = facts.get("miles", False)
    properties = {
        "batteryChargeLevel": (values["soc_percent"], "percentage"),
        "electricRange": (round(range_km / KM_PER_MILE) if in_miles else range_km, "mi" if in_miles else "km"),
        "chargerConnectionStatus": ("CONNECTED" if values["plugged_in"] else "DISCONNECTED", None),
        "chargingStatus": (_CHARGING.get(state, "IDLE"), None),
        "chargingType": (("DC" if car.charger_is_dc else "AC") if values["plugged_in"] else "NONE", None),
        "chargerPowerStatus": (_word_power(values["plugged_in"], state), None),
        "estimatedChargingTimeToTargetBatteryChargeLevel": (
            round(60 * missing_kwh / power_kw) if power_kw > 0 else 0,
            "minutes",
        ),
        "chargingCurrentLimit": (16, "ampere"),
        "targetBatteryChargeLevel": (values["charge_limit_percent"], "percentage"),
        "chargingPower": (round(power_kw * 1000), "watts"),
    }
    errors: dict[str, str] = facts.get("errors", {})
    described: dict[str, Any] = {}
    for name, (value, unit) in properties.items():
        if name in errors:
            described[name] = {**_NOT_SUPPORTED, "code": errors[name]}
            continue
        described[name] = {"status": "OK", "value": value, "updatedAt": write_time(reading.at, precise=False)}
        if unit is not None:
            described[name]["unit"] = unit
    return described


def describe_energy_capabilities(car: Car, facts: dict[str, Any]) -> dict[str, Any]:
    names = (
        "batteryChargeLevel",
        "electricRange",
        "chargerConnectionStatus",
        "chargingSystemStatus",
        "chargingType",
        "chargerPowerStatus",
        "estimatedChargingTimeToTargetBatteryChargeLevel",
        "targetBatteryChargeLevel",
        "chargingCurrentLimit",
        "chargingPower",
    )
    errors: dict[str, str] = facts.get("errors", {})
    return {
        "isSupported": car.has_traction_battery,
        **{name: {"isSupported": car.has_traction_battery and name not in errors} for name in names},
    }


def _doors(reading: Reading) -> dict[str, Any]:
    values = reading.values
    open_or_closed = {True: "OPEN", False: "CLOSED"}
    return {
        "centralLock": reading.field("LOCKED" if values["locked"] else "UNLOCKED"),
        "frontLeftDoor": reading.field(open_or_closed[values["doors_open"]]),
        **{name: reading.field("CLOSED") for name in ("frontRightDoor", "rearLeftDoor", "rearRightDoor")},
        "hood": reading.field(open_or_closed[values["frunk_open"]]),
        "tailgate": reading.field(open_or_closed[values["trunk_open"]]),
        "tankLid": reading.field(open_or_closed[values.get("charge_port_open", False)]),
    }


def _windows(reading: Reading) -> dict[str, Any]:
    names = ("frontLeftWindow", "frontRightWindow", "rearLeftWindow", "rearRightWindow")
    return {**{name: reading.field("CLOSED") for name in names}, "sunroof": reading.field("UNSPECIFIED")}


def _tyres(reading: Reading) -> dict[str, Any]:
    """Warnings alone: Volvo tells no pressures."""
    return {
        _WHEELS[wheel]: reading.field(_word_pressure(pressure))
        for wheel, pressure in reading.values["tyre_pressure_kpa"].items()
    }


def _fuel(reading: Reading) -> dict[str, Any]:
    values = reading.values
    has_fuel, has_battery = "fuel_percent" in values, "soc_percent" in values
    return {
        "fuelAmount": reading.field(round(values["fuel_percent"] / 100 * TANK_L, 1), "l") if has_fuel else None,
        "batteryChargeLevel": reading.field(values["soc_percent"], "%") if has_battery else None,
    }


def _statistics(reading: Reading) -> dict[str, Any]:
    values = reading.values
    by_battery = "soc_percent" in values and "fuel_percent" not in values
    return {
        "averageSpeed": reading.field(53, "km/h"),
        "tripMeterManual": reading.field(round(values["odometer_km"] % 10_000, 1), "km"),
        "tripMeterAutomatic": reading.field(18.2, "km"),
        "distanceToEmptyBattery": reading.field(values["range_km"], "km") if by_battery else None,
        "distanceToEmptyTank": None if by_battery else reading.field(values["range_km"], "km"),
    }


def _diagnostics(reading: Reading) -> dict[str, Any]:
    return {
        "serviceWarning": reading.field("NO_WARNING"),
        "serviceTrigger": None,
        "distanceToService": reading.field(17_670, "km"),
        "timeToService": reading.field(14, "months"),
        "washerFluidLevelWarning": reading.field("NO_WARNING"),
    }


@dataclass(frozen=True, slots=True)
class Resource:
    scopes: tuple[str, ...]
    describe: Callable[[Reading], dict[str, Any]]


# The last part of the path -> scopes and content of `data`.
RESOURCES: dict[str, Resource] = {
    "doors": Resource(("conve:doors_status", "conve:lock_status"), _doors),
    "windows": Resource(("conve:windows_status",), _windows),
    "odometer": Resource(
        ("conve:odometer_status",),
        lambda reading: {"odometer": reading.field(round(reading.values["odometer_km"]), "km")},
    ),
    "tyres": Resource(("conve:tyre_status",), _tyres),
    "fuel": Resource(("conve:fuel_status",), _fuel),
    "engine-status": Resource(
        ("conve:engine_status",),
        lambda reading: {
            "engineStatus": reading.field("RUNNING" if reading.values.get("engine_running") else "STOPPED")
        },
    ),
    "statistics": Resource(("conve:trip_statistics",), _statistics),
    "warnings": Resource(
        ("conve:warnings",),
        lambda reading: {f"{light}Warning": reading.field("NO_WARNING") for light in _LIGHTS},
    ),
    "diagnostics": Resource(("conve:diagnostics_workshop",), _diagnostics),
    "command-accessibility": Resource(("conve:command_accessibility",), describe_accessibility),
}


def write_time(at: float, *, precise: bool = True) -> str:
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds" if precise else "seconds")
    return text.replace("+00:00", "Z")


def _word_power(plugged_in: bool, state: str) -> str:
    if not plugged_in:
        return "NO_POWER_AVAILABLE"
    return {"charging": "PROVIDING_POWER", "no_power": "NO_POWER_AVAILABLE", "fault": "FAULT"}.get(
        state, "POWER_AVAILABLE_BUT_NOT_ACTIVATED"
    )


def _word_pressure(pressure_kpa: float) -> str:
    if pressure_kpa < 150:
        return "VERY_LOW_PRESSURE"
    if pressure_kpa < 200:
        return "LOW_PRESSURE"
    return "HIGH_PRESSURE" if pressure_kpa > 350 else "NO_WARNING"
