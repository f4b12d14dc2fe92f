"""The read-outs: what a car says about itself, each value with the moment the car observed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CHARGING_STATES = frozenset(
    {
        "disconnected",
        "connected",
        "starting",
        "charging",
        "complete",
        "stopped",
        "no_power",
        "fault",
        "discharging",
        "unknown",
    }
)
ONLINE_STATES = frozenset({"online", "asleep", "offline", "unknown"})


@dataclass(frozen=True)
class Signal:
    """One thing a car can report: its unit, its type, the scope that allows reading it, and its plausible range."""

    unit: str
    type: type
    scope: str
    minimum: float | None = None
    maximum: float | None = None
    # After so many minutes the value may not be shown as the present state without saying its age.
    stale_after_min: int = 60
    # The only values that a text may have.
    words: frozenset[str] | None = None

    def is_plausible(self, value: object) -> bool:
        """Impossible values become absent: a maker's 0 for "no value" must not pass as a reading."""
        if self.type is float:
            return _is_number(value, self.minimum, self.maximum)
        if self.type is dict:
            return _is_place(value)
        return isinstance(value, self.type) and (self.words is None or value in self.words)


def _is_number(value: object, minimum: float | None, maximum: float | None) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return False
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum)


def _is_place(value: object) -> bool:
    if not isinstance(value, dict) or not value.keys() <= {"latitude", "longitude", "heading"}:
        return False
    heading = value.get("heading")
    return (
        _is_number(value.get("latitude"), -90, 90)
        and _is_number(value.get("longitude"), -180, 180)
        and (heading is None or _is_number(heading, -360, 360))
    )


SIGNALS: Mapping[str, Signal] = {
    "odometer_km": Signal("km", float, "read_odometer", 0, 5_000_000, stale_after_min=24 * 60),
    "soc_percent": Signal("%", float, "read_battery", 0, 100),
    "range_km": Signal("km", float, "read_battery", 0, 2_000),
    "fuel_percent": Signal("%", float, "read_fuel", 0, 100),
    "battery_12v_v": Signal("V", float, "read_battery", 5, 20),
    "charging_state": Signal("", str, "read_charge", words=CHARGING_STATES),
    "plugged_in": Signal("", bool, "read_charge"),
    "charge_limit_percent": Signal("%", float, "read_charge", 1, 100),
    "charge_power_kw": Signal("kW", float, "read_charge", 0, 1_000),
    "charge_port_open": Signal("", bool, "read_charge"),
    "location": Signal("", dict, "read_location"),
    "in_motion": Signal("", bool, "read_location"),
    "locked": Signal("", bool, "read_lock_state"),
    "doors_open": Signal("", bool, "read_lock_state"),
    "trunk_open": Signal("", bool, "read_lock_state"),
    "frunk_open": Signal("", bool, "read_lock_state"),
    "valet_mode": Signal("", bool, "read_lock_state", stale_after_min=24 * 60),
    "pin_to_drive": Signal("", bool, "read_lock_state", stale_after_min=24 * 60),
    "engine_running": Signal("", bool, "read_lock_state"),
    "climate_on": Signal("", bool, "read_climate"),
    "cabin_temperature_c": Signal("°C", float, "read_climate", -60, 90),
    "outside_temperature_c": Signal("°C", float, "read_climate", -60, 70),
    "target_temperature_c": Signal("°C", float, "read_climate", 10, 35),
    "online_state": Signal("", str, "read_vin", words=ONLINE_STATES),
}


@dataclass(frozen=True)
class Reading:
    """One value as the car gave it. `observed_at` is the car's own time, corrected for its clock (aware UTC)."""

    value: Any
    observed_at: datetime


@dataclass(frozen=True)
class VehicleSnapshot:
    """What one read brought. A signal that is not in `readings` was not reported; it is never 0 and never "off".

    online_state: how the maker says the car can be reached now. taken_at: our clock at the answer.
    clock_offset: how far the maker's clock runs ahead of ours; already taken off every `observed_at`.
    """

    online_state: str
    taken_at: datetime
    readings: Mapping[str, Reading] = field(default_factory=dict)
    clock_offset: timedelta = timedelta(0)

    def value(self, signal: str) -> Any:
        """Return the value of a signal, or None when it was not reported."""
        reading = self.readings.get(signal)
        return None if reading is None else reading.value
