"""What a car of Tesla's reports, in our words and units: miles become kilometres, numbers become yes or no. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fleet.adapters.signals import SIGNALS, Reading, VehicleSnapshot

KM_PER_MILE = 1.609344
# New firmware calls a sleeping car "offline" too (Tesla's users, 2026): taken for asleep, for a wake-up may reach it,
# and one that is out of reach does not wake.
ONLINE_STATES = {"online": "online", "asleep": "asleep", "offline": "asleep", "waking": "asleep"}
CHARGING_STATES = {
    "Disconnected": "disconnected",
    "Stopped": "stopped",
    "Complete": "complete",
    "Charging": "charging",
    "Starting": "starting",
    "NoPower": "no_power",
}
MOVING = frozenset({"D", "R", "N"})
DOORS = ("df", "pf", "dr", "pr")
# A clock that was never set says 1970; whatever lies outside of these years is no time of a reading.
EARLIEST, LATEST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

Section = Mapping[str, Any]
Read = Callable[[Section], Any]


def endpoints(*, with_location: bool) -> str:
    """Return the parts of vehicle_data to ask for. location_data makes the car show a sign, and needs its own scope."""
    parts = ["charge_state", "climate_state", "closures_state", "drive_state", "vehicle_state"]
    return ";".join([*parts, "location_data"] if with_location else parts)


def online_state(raw: Any) -> str:
    """Return how a car can be reached, from what GET /vehicles/{vin} says."""
    state = raw.get("state") if isinstance(raw, dict) else None
    return ONLINE_STATES.get(state, "unknown") if isinstance(state, str) else "unknown"


def _number(section: Section, name: str) -> float | None:
    value = section.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _km(name: str) -> Read:
    def read(section: Section) -> float | None:
        miles = _number(section, name)
        return None if miles is None else round(miles * KM_PER_MILE, 1)

    return read


def _plain(name: str) -> Read:
    return lambda section: section.get(name)


def _is_open(names: Iterable[str]) -> Read:
    """A closure reports 0 for closed and else which way it is open. Open is certain with one; closed, only with all."""

    def read(section: Section) -> bool | None:
        values = [_number(section, name) for name in names]
        if any(value for value in values if value is not None):
            return True
        return None if None in values else False

    return read


def _charging(section: Section) -> str | None:
    state = section.get("charging_state")
    return CHARGING_STATES.get(state) if isinstance(state, str) else None


def _plugged_in(section: Section) -> bool | None:
    state = _charging(section)
    return None if state is None else state != "disconnected"


def _place(section: Section) -> dict[str, float] | None:
    latitude, longitude, heading = (_number(section, name) for name in ("latitude", "longitude", "heading"))
    if latitude is None or longitude is None:
        return None
    place = {"latitude": latitude, "longitude": longitude}
    return place if heading is None else place | {"heading": heading}


def _in_motion(section: Section) -> bool | None:
    """A car that was parked long ago reports no gear at all, so "no gear" says nothing."""
    gear, speed = section.get("shift_state"), _number(section, "speed")
    if speed is not None and speed > 0:
        return True
    if gear == "P":
        return False
    return None if gear not in MOVING else speed != 0


def _millis(raw: Any) -> datetime | None:
    return _seconds(raw / 1000) if isinstance(raw, int | float) and not isinstance(raw, bool) else None


def _seconds(raw: Any) -> datetime | None:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        return None
    try:
        moment = datetime.fromtimestamp(raw, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if EARLIEST <= moment < LATEST else None


# signal -> part of the answer, and how it is read there. PIN to Drive is missing: only telemetry tells it.
WHERE: Mapping[str, tuple[str, Read]] = {
    "odometer_km": ("vehicle_state", _km("odometer")),
    "locked": ("vehicle_state", _plain("locked")),
    "doors_open": ("vehicle_state", _is_open(DOORS)),
    "trunk_open": ("vehicle_state", _is_open(("rt",))),
    "frunk_open": ("vehicle_state", _is_open(("ft",))),
    "valet_mode": ("vehicle_state", _plain("valet_mode")),
    "soc_percent": ("charge_state", _plain("battery_level")),
    "range_km": ("charge_state", _km("battery_range")),
    "charging_state": ("charge_state", _charging),
    "plugged_in": ("charge_state", _plugged_in),
    "charge_limit_percent": ("charge_state", _plain("charge_limit_soc")),
    "charge_power_kw": ("charge_state", _plain("charger_power")),
    "charge_port_open": ("charge_state", _plain("charge_port_door_open")),
    "climate_on": ("climate_state", _plain("is_climate_on")),
    "cabin_temperature_c": ("climate_state", _plain("inside_temp")),
    "outside_temperature_c": ("climate_state", _plain("outside_temp")),
    "target_temperature_c": ("climate_state", _plain("driver_temp_setting")),
    "location": ("drive_state", _place),
    "in_motion": ("drive_state", _in_motion),
}


def snapshot(body: Mapping[str, Any], *, online: str, received_at: datetime, with_location: bool) -> VehicleSnapshot:
    """Read vehicle_data. Each part has the car's own time; without one, nothing in it is a reading."""
    readings = {"online_state": Reading(online, received_at)}
    for name, (part, read) in WHERE.items():
        if SIGNALS[name].scope == "read_location" and not with_location:
            continue
        section = body.get(part)
        if not isinstance(section, dict):
            continue
        value, observed_at = read(section), _observed_at(section, name)
        if observed_at is not None and SIGNALS[name].is_plausible(value):
            readings[name] = Reading(value, min(observed_at, received_at))
    return VehicleSnapshot(online_state=online, taken_at=received_at, readings=readings)


def _observed_at(section: Section, name: str) -> datetime | None:
    at = _millis(section.get("timestamp"))
    if name == "location":
        return _seconds(section.get("gps_as_of")) or at
    return at
