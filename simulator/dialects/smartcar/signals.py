"""Smartcar's signals of a car: code, name, group, body with its unit, age, or the error that stands in its place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.behaviours import Behaviour
from simulator.cars import Car
from simulator.dialects.brokers import name_car
from simulator.dialects.smartcar.face import describe_error
from simulator.signals import read_signals
from simulator.world import World

KM_PER_MILE = 1.609344
KPA_PER_PSI = 6.894757
_DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
Values = Mapping[str, Any]
Body = dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Signal:
    """One of Smartcar's signals. `body` gets the simulator's readings and returns None for what the car has not."""

    name: str
    group: str
    permission: str
    body: Callable[[Values, bool], Body]


def _value(of: str, unit: str | None = None) -> Callable[[Values, bool], Body]:
    def read(values: Values, _imperial: bool) -> Body:
        if of not in values:
            return None
        return {"value": values[of], "unit": unit} if unit else {"value": values[of]}

    return read


def _distance(of: str, needs: str | None = None) -> Callable[[Values, bool], Body]:
    def read(values: Values, imperial: bool) -> Body:
        if of not in values or (needs is not None and needs not in values):
            return None
        if imperial:
            return {"value": round(values[of] / KM_PER_MILE, 2), "unit": "miles"}
        return {"value": values[of], "unit": "kilometers"}

    return read


def _read_doors(values: Values, _imperial: bool) -> Body:
    # The simulator knows one door; it is the driver's.
    doors = [
        {
            "row": row,
            "column": column,
            "isOpen": values["doors_open"] and row + column == 0,
            "isLocked": values["locked"],
        }
        for row in (0, 1)
        for column in (0, 1)
    ]
    return {"values": doors, "rowCount": 2, "columnCount": 2}


def _read_location(values: Values, _imperial: bool) -> Body:
    place = values["location"]
    return {
        "latitude": place["latitude"],
        "longitude": place["longitude"],
        "heading": place["heading"],
        "direction": _DIRECTIONS[round(place["heading"] / 45) % 8],
        "locationType": "CURRENT" if values["in_motion"] else "LAST_PARKED",
    }


def _read_limits(values: Values, _imperial: bool) -> Body:
    if "charge_limit_percent" not in values:
        return None
    limit = values["charge_limit_percent"]
    active = limit if values["charging_state"] in ("charging", "complete", "starting") else None
    return {"values": [{"type": "GLOBAL", "limit": limit, "condition": None}], "activeLimit": active, "unit": "percent"}


def _read_charging_status(values: Values, _imperial: bool) -> Body:
    if "charging_state" not in values:
        return None
    word = {"charging": "CHARGING", "complete": "FULLY_CHARGED"}.get(values["charging_state"], "NOT_CHARGING")
    return {"value": word}


def _read_is_charging(values: Values, _imperial: bool) -> Body:
    return {"value": values["charging_state"] == "charging"} if "charging_state" in values else None


def _read_wattage(values: Values, _imperial: bool) -> Body:
    return {"value": values["charge_power_kw"] * 1000, "unit": "watts"} if "charge_power_kw" in values else None


def _read_trunk(of: str) -> Callable[[Values, bool], Body]:
    return lambda values, _imperial: {"isOpen": values[of], "isLocked": values["locked"]}


def _read_tires(values: Values, imperial: bool) -> Body:
    # The unit is not in Smartcar's description of this signal; its own simulator labels the older form so.
    pressures = values["tyre_pressure_kpa"]
    places = {"fl": (0, 0), "fr": (0, 1), "rl": (1, 0), "rr": (1, 1)}
    tires = [
        {
            "row": row,
            "column": column,
            "tirePressure": round(pressures[wheel] / KPA_PER_PSI, 1) if imperial else pressures[wheel],
        }
        for wheel, (row, column) in places.items()
    ]
    return {"values": tires, "rowCount": 2, "columnCount": 2, "unit": "psi" if imperial else "kPa"}


SIGNALS: dict[str, Signal] = {
    "odometer-traveleddistance": Signal("TraveledDistance", "Odometer", "read_odometer", _distance("odometer_km")),
    "tractionbattery-stateofcharge": Signal(
        "StateOfCharge", "TractionBattery", "read_battery", _value("soc_percent", "percent")
    ),
    "tractionbattery-range": Signal("Range", "TractionBattery", "read_battery", _distance("range_km", "soc_percent")),
    "internalcombustionengine-range": Signal(
        "Range", "InternalCombustionEngine", "read_fuel", _distance("range_km", "fuel_percent")
    ),
    "internalcombustionengine-fuellevel": Signal(
        "FuelLevel", "InternalCombustionEngine", "read_fuel", _value("fuel_percent", "percent")
    ),
    "location-preciselocation": Signal("PreciseLocation", "Location", "read_location", _read_location),
    "motion-currentspeed": Signal("CurrentSpeed", "Motion", "read_speedometer", _value("speed_kmh", "km/h")),
    "closure-islocked": Signal("IsLocked", "Closure", "read_security", _value("locked")),
    "closure-doors": Signal("Doors", "Closure", "read_security", _read_doors),
    "closure-reartrunk": Signal("RearTrunk", "Closure", "read_security", _read_trunk("trunk_open")),
    "closure-fronttrunk": Signal("FrontTrunk", "Closure", "read_security", _read_trunk("frunk_open")),
    "charge-ischarging": Signal("IsCharging", "Charge", "read_charge", _read_is_charging),
    "charge-detailedchargingstatus": Signal("DetailedChargingStatus", "Charge", "read_charge", _read_charging_status),
    "charge-ischargingcableconnected": Signal(
        "IsChargingCableConnected", "Charge", "read_charge", _value("plugged_in")
    ),
    "charge-ischargingportflapopen": Signal(
        "IsChargingPortFlapOpen", "Charge", "read_charge", _value("charge_port_open")
    ),
    "charge-chargelimits": Signal("ChargeLimits", "Charge", "read_charge", _read_limits),
    "charge-wattage": Signal("Wattage", "Charge", "read_charge", _read_wattage),
    "climate-externaltemperature": Signal(
        "ExternalTemperature", "Climate", "read_thermometer", _value("outside_temperature_c", "celsius")
    ),
    "climate-internaltemperature": Signal(
        "InternalTemperature", "Climate", "read_thermometer", _value("cabin_temperature_c", "celsius")
    ),
    "hvac-iscabinhvacactive": Signal("IsCabinHVACActive", "HVAC", "read_climate", _value("climate_on")),
    "hvac-cabintargettemperature": Signal(
        "CabinTargetTemperature", "HVAC", "read_climate", _value("target_temperature_c", "celsius")
    ),
    "wheel-tires": Signal("Tires", "Wheel", "read_tires", _read_tires),
    "vehicleidentification-vin": Signal("VIN", "VehicleIdentification", "read_vin", _value("vin")),
    "connectivitystatus-isonline": Signal("IsOnline", "ConnectivityStatus", "read_vehicle_info", _value("is_online")),
    "connectivitystatus-isasleep": Signal("IsAsleep", "ConnectivityStatus", "read_vehicle_info", _value("is_asleep")),
}
# Read whatever was granted: without them nothing could be said about the connection at all.
_FOR_ALL = frozenset({"read_vehicle_info"})


def read_all(
    world: World, car: Car, behaviour: Behaviour, permissions: list[str], *, is_imperial: bool
) -> list[dict[str, Any]]:
    """Return every signal of the car as the resource of the wire, read now or as last known."""
    state, now = world.look(car, behaviour), world.now()
    is_live = state == "online"
    values = {
        **(read_signals(car) if is_live else car.last_known or {}),
        "vin": car.vin,
        "is_online": state != "offline",
        "is_asleep": state == "asleep",
    }
    facts = car.facts.get("smartcar", {})
    updated_at = (now if is_live else car.last_known_at) + behaviour.clock_offset_s
    write = _TIMES[facts.get("times", "iso")]
    times = {"retrievedAt": write(now), "oemUpdatedAt": write(updated_at), "ingestedAt": write(now)}
    return [
        _describe(code, signal, car, values, permissions, facts, times, is_imperial=is_imperial)
        for code, signal in SIGNALS.items()
    ]


def _describe(
    code: str,
    signal: Signal,
    car: Car,
    values: Values,
    permissions: list[str],
    facts: dict[str, Any],
    times: dict[str, Any],
    *,
    is_imperial: bool,
) -> dict[str, Any]:
    error = facts.get("errors", {}).get(code)
    body: Body = None
    if error is None and signal.permission not in permissions and signal.permission not in _FOR_ALL:
        error = {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "PERMISSION"}
    if error is None:
        body = signal.body(values, is_imperial)
        if body is None:
            error = {"type": "COMPATIBILITY", "code": "VEHICLE_NOT_CAPABLE"}
    if error is None and code in facts.get("nulls", ()):
        body = {**(body or {}), "value": None}
    status: dict[str, Any] = {"value": "SUCCESS"}
    if error is not None:
        status = {"value": "ERROR", "error": describe_error(error["type"], error.get("code"))}
    attributes = {"code": code, "name": signal.name, "group": signal.group, "status": status}
    if body is not None:
        attributes["body"] = body
    vehicle = f"/v3/vehicles/{name_car('smartcar', car.id)}"
    return {
        "id": code,
        "type": "signal",
        "attributes": attributes,
        "meta": times,
        "links": {"self": f"{vehicle}/signals/{code}", "vehicle": vehicle},
    }


def _write_iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# All three forms were seen: ISO in live answers, milliseconds in the SDKs' own fixtures, seconds in the reference.
_TIMES: dict[str, Callable[[float], Any]] = {"iso": _write_iso, "ms": lambda at: int(at * 1000), "s": int}
