"""What Volvo's cars report, in our words and units. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from fleet.adapters.signals import SIGNALS, Reading, VehicleSnapshot
from fleet.adapters.values import read_number, read_time

KM_OF = {"km": 1.0, "kilometers": 1.0, "mi": 1.609344, "miles": 1.609344}
KW_OF = {"kw": 1.0, "kilowatts": 1.0, "w": 0.001, "watts": 0.001}
PERCENT_OF = {"percentage": 1.0, "%": 1.0}
DOORS = ("frontLeftDoor", "frontRightDoor", "rearLeftDoor", "rearRightDoor")
IS_OPEN = {"OPEN": True, "AJAR": True, "CLOSED": False}
CHARGING = {
    "CHARGING": "charging",
    "DONE": "complete",
    "DISCHARGING": "discharging",
    "ERROR": "fault",
    "FAULT": "fault",
}

Found = tuple[str, Any, datetime]


def snapshot(parts: Mapping[str, Mapping[str, Any]], *, received_at: datetime) -> VehicleSnapshot:
    """Lay together what the calls brought, by the name of the resource; what is missing was not answered."""
    readings: dict[str, Reading] = {}
    for name, part in parts.items():
        for signal, value, at in _READERS[name](part):
            if SIGNALS[signal].is_plausible(value):
                readings[signal] = Reading(value, min(at, received_at))
    state = online_state(parts.get("command-accessibility", {}))
    readings["online_state"] = Reading(state, received_at)
    return VehicleSnapshot(online_state=state, taken_at=received_at, readings=readings)


def online_state(data: Mapping[str, Any]) -> str:
    """Say whether commands reach the car now."""
    status = data.get("availabilityStatus")
    status = status if isinstance(status, dict) else {}
    match status.get("value"), status.get("unavailableReason"):
        case "AVAILABLE", _:
            return "online"
        case "UNAVAILABLE", "POWER_SAVING_MODE":
            return "asleep"
        case "UNAVAILABLE", _:
            return "offline"
    return "unknown"


def _doors(data: Mapping[str, Any]) -> Iterator[Found]:
    if (lock := _value(data.get("centralLock"))) and lock[0] in ("LOCKED", "UNLOCKED"):
        yield "locked", lock[0] == "LOCKED", lock[1]
    for signal, name in (("trunk_open", "tailgate"), ("frunk_open", "hood")):
        if (lid := _value(data.get(name))) and isinstance(lid[0], str) and lid[0] in IS_OPEN:
            yield signal, IS_OPEN[lid[0]], lid[1]
    doors = [door for door in (_value(data.get(name)) for name in DOORS) if door and door[0] in tuple(IS_OPEN)]
    is_open = any(IS_OPEN[word] for word, _ in doors)
    # One door that says nothing may be the open one.
    if is_open or len(doors) == len(DOORS):
        yield "doors_open", is_open, min(at for _, at in doors)


def _engine(data: Mapping[str, Any]) -> Iterator[Found]:
    if (engine := _value(data.get("engineStatus"))) and engine[0] in ("RUNNING", "STOPPED"):
        yield "engine_running", engine[0] == "RUNNING", engine[1]


def _odometer(data: Mapping[str, Any]) -> Iterator[Found]:
    yield from _quantity("odometer_km", data.get("odometer"), KM_OF)


def _energy(data: Mapping[str, Any]) -> Iterator[Found]:
    """Each property is {status: OK, value, unit, updatedAt}, or {status: ERROR, code, message} and has no value."""
    for signal, name, factors in (
        ("soc_percent", "batteryChargeLevel", PERCENT_OF),
        ("range_km", "electricRange", KM_OF),
        ("charge_limit_percent", "targetBatteryChargeLevel", PERCENT_OF),
        ("charge_power_kw", "chargingPower", KW_OF),
    ):
        yield from _quantity(signal, data.get(name), factors)
    plug = _value(data.get("chargerConnectionStatus"))
    is_plugged = {"CONNECTED": True, "DISCONNECTED": False}.get(str(plug[0])) if plug else None
    if plug and is_plugged is not None:
        yield "plugged_in", is_plugged, plug[1]
    if charging := _value(data.get("chargingStatus")):
        word, at = charging
        if state := CHARGING.get(str(word)):
            yield "charging_state", state, at
        elif word in ("IDLE", "SCHEDULED") and plug and is_plugged is not None:
            yield "charging_state", "connected" if is_plugged else "disconnected", min(at, plug[1])


def _location(data: Mapping[str, Any]) -> Iterator[Found]:
    """GeoJSON: the longitude comes first."""
    geometry, properties = data.get("geometry"), data.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    at = read_time(properties.get("timestamp"))
    if not isinstance(coordinates, list) or len(coordinates) < 2 or at is None:
        return
    place: dict[str, Any] = {"latitude": coordinates[1], "longitude": coordinates[0]}
    heading = properties.get("heading")
    if (degrees := _number(heading)) is not None and 0 <= degrees <= 360:
        place["heading"] = degrees
    yield "location", place, at


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Found]]] = {
    "command-accessibility": lambda _: iter(()),
    "doors": _doors,
    "engine-status": _engine,
    "odometer": _odometer,
    "state": _energy,
    "location": _location,
}


def _value(raw: object) -> tuple[Any, datetime] | None:
    """Read one property: its value and the car's time; None for an error, and for a value of unknown age."""
    if not isinstance(raw, dict) or raw.get("status", "OK") != "OK":
        return None
    at = read_time(raw.get("timestamp") or raw.get("updatedAt"))
    value = raw.get("value")
    return None if at is None or isinstance(value, dict | list) else (value, at)


def _quantity(signal: str, raw: object, factors: Mapping[str, float]) -> Iterator[Found]:
    found = _value(raw)
    if found is None or not isinstance(raw, dict):
        return
    number, factor = _number(found[0]), factors.get(str(raw.get("unit", "")).lower())
    if number is not None and factor is not None:
        yield signal, round(number * factor, 6), found[1]


def _number(raw: object) -> float | None:
    """Read a number, which the makers' interfaces write as text at times."""
    if isinstance(raw, str) and len(raw) <= 20:
        try:
            raw = float(raw)
        except ValueError:
            return None
    return read_number(raw)
