"""Smartcar's signals as our readings: units, ages and the variants of each body. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.adapters.signals import SIGNALS, Reading, VehicleSnapshot
from fleet.adapters.values import believable, read_number

# Seconds grow so large in the year 5138 only, milliseconds were in 1973.
MILLISECONDS_FROM = 100_000_000_000
KM_PER_MILE = 1.609344

# Smartcar publishes no list of these words, only the example CHARGING; the others are makers' own. Letters only.
CHARGING_WORDS = {
    "charging": "charging",
    "fullycharged": "complete",
    "chargecomplete": "complete",
    "complete": "complete",
    "completed": "complete",
    "stopped": "stopped",
    "paused": "stopped",
    "interrupted": "stopped",
    "starting": "starting",
    "initializing": "starting",
    "connected": "connected",
    "pluggedin": "connected",
    "readytocharge": "connected",
    "disconnected": "disconnected",
    "unplugged": "disconnected",
    "nopower": "no_power",
    "fault": "fault",
    "error": "fault",
    "chargefault": "fault",
    "discharging": "discharging",
}


@dataclass(frozen=True)
class Given:
    """One signal with a value: its body, and when the maker saw it."""

    body: Mapping[str, Any]
    at: datetime


def read_time(raw: object) -> datetime | None:
    """Read a time as ISO text with a zone, or as milliseconds or seconds since 1970; None for anything else.

    All three were seen: text in live answers, milliseconds in Smartcar's own clients, seconds in its reference.
    """
    try:
        if isinstance(raw, str):
            return believable(datetime.fromisoformat(raw))
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return believable(datetime.fromtimestamp(raw / 1000 if raw >= MILLISECONDS_FROM else raw, UTC))
    except (ValueError, OverflowError, OSError):
        return None
    return None


def attributes_of(raw: object) -> Mapping[str, Any]:
    """Return what a signal says of itself: under "attributes" over HTTP, at the top in a web-hook."""
    if not isinstance(raw, dict):
        return {}
    attributes = raw.get("attributes")
    return attributes if isinstance(attributes, dict) else raw


def code_of(raw: object) -> str:
    """Return the code of a signal in lower case, e.g. "charge-ischarging"; "" where it has none."""
    code = attributes_of(raw).get("code")
    return code.casefold() if isinstance(code, str) else ""


def error_of_signal(raw: object) -> tuple[str, str]:
    """Return type and code of the error that stands in place of a value; ("", "") where there is none."""
    status = attributes_of(raw).get("status")
    error = status.get("error") if isinstance(status, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type") or ""), str(error.get("code") or "")


def given_signals(raw_signals: object, *, received_at: datetime) -> dict[str, Given]:
    """Return the signals that have a value, by code. Errors, what is unavailable and what has no age stay absent."""
    found: dict[str, Given] = {}
    for raw in raw_signals if isinstance(raw_signals, list) else []:
        attributes = attributes_of(raw)
        status, body = attributes.get("status"), attributes.get("body")
        value = status.get("value") if isinstance(status, dict) else status
        # A tuple: what cannot be hashed is asked for too.
        if value not in ("SUCCESS", None) or not isinstance(body, dict):
            continue
        at = _age(raw, received_at)
        if at is not None:
            found[code_of(raw)] = Given(body, at)
    return found


def _age(raw: Mapping[str, Any], received_at: datetime) -> datetime | None:
    """Return when the car saw it, as far as it is known: some makers give no time, then it is when Smartcar asked."""
    meta = raw.get("meta")
    for name in ("oemUpdatedAt", "retrievedAt", "fetchedAt"):
        at = read_time(meta.get(name)) if isinstance(meta, dict) else None
        if at is not None:
            return min(at, received_at)
    return None


# From a body to a value in our unit; None says nothing -------------------------------------------------------------


def _value(body: Mapping[str, Any], factors: Mapping[str, float], default: float) -> float | None:
    """Return body.value in our unit. A unit that is not known makes the value worthless."""
    value, unit = read_number(body.get("value")), body.get("unit")
    factor = default if unit is None else factors.get(str(unit).casefold())
    return None if value is None or factor is None else round(value * factor, 3)


def _percent(body: Mapping[str, Any], raw: object) -> float | None:
    """Return a share in per cent. Version 3 says 0 to 100, but webhooks with 0 to 1 were seen (September 2025)."""
    value, unit = read_number(raw), str(body.get("unit", "")).casefold()
    if value is None:
        return None
    if unit in {"fraction", "ratio"}:
        return round(value * 100, 3)
    # Between 0 and 1 it is a share or an empty battery, and nobody can tell which: better no value than a wrong one.
    return None if 0 < value < 1 or (value == 1 and unit == "") else value


def _km(body: Mapping[str, Any]) -> float | None:
    return _value(body, {"km": 1, "kilometers": 1, "mi": KM_PER_MILE, "miles": KM_PER_MILE}, 1)


def _kw(body: Mapping[str, Any]) -> float | None:
    return _value(body, {"kw": 1, "kilowatts": 1, "w": 0.001, "watts": 0.001, "watt": 0.001}, 0.001)


def _celsius(body: Mapping[str, Any]) -> float | None:
    value, unit = read_number(body.get("value")), str(body.get("unit", "c")).casefold().lstrip("°")
    if value is None or unit not in {"c", "celsius", "f", "fahrenheit"}:
        return None
    return round((value - 32) / 1.8, 2) if unit in {"f", "fahrenheit"} else value


def _flag(body: Mapping[str, Any]) -> bool | None:
    value = body.get("value")
    return value if isinstance(value, bool) else None


def _is_open(body: Mapping[str, Any]) -> bool | None:
    value = body.get("isOpen")
    return value if isinstance(value, bool) else None


def _any_door_open(body: Mapping[str, Any]) -> bool | None:
    # The specification's schema says "values", its example on the same page "doors".
    doors = body.get("values", body.get("doors"))
    states = [_is_open(door) if isinstance(door, dict) else None for door in doors] if isinstance(doors, list) else []
    if True in states:
        return True
    return False if states and None not in states else None


def _charge_limit(body: Mapping[str, Any]) -> float | None:
    limit: object = body.get("activeLimit")
    if limit is None:
        limits = body.get("values")
        common = [
            one.get("limit")
            for one in (limits if isinstance(limits, list) else [])
            if isinstance(one, dict) and str(one.get("type")).upper() == "GLOBAL"
        ]
        limit = common[0] if len(common) == 1 else None
    return _percent(body, limit)


def _place(body: Mapping[str, Any]) -> dict[str, float] | None:
    place = {name: read_number(body.get(name)) for name in ("latitude", "longitude", "heading")}
    if place["latitude"] is None or place["longitude"] is None:
        return None
    return {name: value for name, value in place.items() if value is not None}


_PLAIN = {
    "odometer_km": ("odometer-traveleddistance", _km),
    "soc_percent": ("tractionbattery-stateofcharge", lambda body: _percent(body, body.get("value"))),
    "range_km": ("tractionbattery-range", _km),
    "fuel_percent": ("internalcombustionengine-fuellevel", lambda body: _percent(body, body.get("value"))),
    "plugged_in": ("charge-ischargingcableconnected", _flag),
    "charge_limit_percent": ("charge-chargelimits", _charge_limit),
    "charge_power_kw": ("charge-wattage", _kw),
    "charge_port_open": ("charge-ischargingportflapopen", _flag),
    "location": ("location-preciselocation", _place),
    "locked": ("closure-islocked", _flag),
    "doors_open": ("closure-doors", _any_door_open),
    "trunk_open": ("closure-reartrunk", _is_open),
    "frunk_open": ("closure-fronttrunk", _is_open),
    "climate_on": ("hvac-iscabinhvacactive", _flag),
    "cabin_temperature_c": ("climate-internaltemperature", _celsius),
    "outside_temperature_c": ("climate-externaltemperature", _celsius),
    "target_temperature_c": ("hvac-cabintargettemperature", _celsius),
}


def _charging_state(given: Mapping[str, Given]) -> Reading | None:
    """Put together what several signals say of charging; the newer one wins where two disagree."""
    told, flag, cable = (
        given.get(f"charge-{name}") for name in ("detailedchargingstatus", "ischarging", "ischargingcableconnected")
    )
    is_charging = _flag(flag.body) if flag is not None else None
    is_plugged = _flag(cable.body) if cable is not None else None
    if told is not None:
        word = "".join(letter for letter in str(told.body.get("value", "")).casefold() if letter.isalnum())
        state = CHARGING_WORDS.get(word)
        is_overtaken = flag is not None and is_charging is not None and flag.at > told.at
        if state is not None and not (is_overtaken and is_charging is not (state == "charging")):
            return Reading(state, told.at)
        if word == "notcharging" and is_charging is None:
            is_charging, flag = False, told
    if flag is None or is_charging is None:
        return None
    if is_charging:
        return Reading("charging", flag.at)
    return Reading({True: "connected", False: "disconnected", None: "stopped"}[is_plugged], flag.at)


def _online(given: Mapping[str, Given]) -> Reading | None:
    asleep, online = given.get("connectivitystatus-isasleep"), given.get("connectivitystatus-isonline")
    if asleep is not None and _flag(asleep.body) is True:
        return Reading("asleep", asleep.at)
    if online is None or (is_online := _flag(online.body)) is None:
        return None
    return Reading("online" if is_online else "offline", online.at)


def readings_of(given: Mapping[str, Given]) -> dict[str, Reading]:
    """Return every reading that the signals hold, in our units; impossible values stay absent."""
    found: dict[str, Reading | None] = {
        name: Reading(take(given[code].body), given[code].at) for name, (code, take) in _PLAIN.items() if code in given
    }
    found |= {"charging_state": _charging_state(given), "online_state": _online(given)}
    return {
        name: reading
        for name, reading in found.items()
        if reading is not None and SIGNALS[name].is_plausible(reading.value)
    }


def snapshot(raw_signals: Iterable[object] | object, *, received_at: datetime) -> VehicleSnapshot:
    """Read a car's signals. Whether it can be reached is unknown for the many makes that do not report it."""
    readings = readings_of(given_signals(raw_signals, received_at=received_at))
    online = readings.get("online_state")
    return VehicleSnapshot("unknown" if online is None else online.value, received_at, readings)
