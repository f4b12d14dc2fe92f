"""Our words to Enode's and back: links, cars, what they can do, and actions. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.capabilities import Answer as Can
from fleet.adapters.capabilities import Capability
from fleet.adapters.providers.enode.brands import name_of_vendor
from fleet.adapters.signals import SIGNALS, Reading, VehicleSnapshot
from fleet.adapters.values import read_number, read_time

LONGEST_ID = 200

# Theirs -> ours. Enode gives all data of a car together but for its place.
SCOPES = {
    "vehicle:read:data": ("read_vin", "read_odometer", "read_battery", "read_charge"),
    "vehicle:read:location": ("read_location",),
    "vehicle:control:charging": ("control_charge",),
}
ALWAYS_ASKED = "vehicle:read:data"
LANGUAGES = {
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-GB",
    "es": "es-ES",
    "fi": "fi-FI",
    "fr": "fr-FR",
    "it": "it-IT",
    "nb": "nb-NO",
    "nl": "nl-NL",
    "pl": "pl-PL",
    "pt": "pt-PT",
    "sv": "sv-SE",
}
CHARGING_STATES = {
    "UNKNOWN": "unknown",
    "UNPLUGGED": "disconnected",
    "PLUGGED_IN:INITIALIZING": "starting",
    "PLUGGED_IN:CHARGING": "charging",
    "PLUGGED_IN:STOPPED": "stopped",
    "PLUGGED_IN:COMPLETE": "complete",
    "PLUGGED_IN:NO_POWER": "no_power",
    "PLUGGED_IN:FAULT": "fault",
    "PLUGGED_IN:DISCHARGING": "discharging",
}
CAPABILITIES = {"start_charge": "startCharging", "stop_charge": "stopCharging"}


def part(raw: object, *path: str) -> Any:
    """Follow names into an object; None as soon as there is no such thing."""
    for name in path:
        raw = raw.get(name) if isinstance(raw, dict) else None
    return raw


def identifier(raw: object) -> str:
    """Return an id that can be kept and asked about; "" for anything else."""
    return raw if isinstance(raw, str) and len(raw) <= LONGEST_ID and raw.isprintable() else ""


# Joining -----------------------------------------------------------------------------------------------------------


def link_body(*, vendor: str, scopes: Iterable[str], language: str, back: str) -> dict[str, Any]:
    """Return what a link session is asked for with. Enode demands to read data whatever else is wanted."""
    wanted = set(scopes)
    asked = [theirs for theirs, ours in SCOPES.items() if theirs == ALWAYS_ASKED or wanted & set(ours)]
    body = {
        "vendorType": "vehicle",
        "scopes": asked,
        "language": LANGUAGES.get(language.split("-")[0].lower(), "browser"),
        "redirectUri": back,
    }
    return body | ({"vendor": vendor} if vendor else {})


def is_linked(user: Mapping[str, Any], vendor: str) -> bool:
    """Say whether an owner's login at a make is linked and good; at any make where vendor is ""."""
    linked = user.get("linkedVendors")
    return any(
        part(one, "isValid") is True
        and part(one, "vendorType") == "vehicle"
        and (not vendor or part(one, "vendor") == vendor)
        for one in (linked if isinstance(linked, list) else [])
    )


def scopes_of(vehicles: Iterable[Mapping[str, Any]]) -> frozenset[str] | None:
    """Return what the owner allowed for any of the cars, in our words; None where no car says."""
    given = [raw for raw in (vehicle.get("scopes") for vehicle in vehicles) if isinstance(raw, list)]
    if not given:
        return None
    return frozenset(ours for one in given for theirs in one for ours in SCOPES.get(str(theirs), ()))


def remote_vehicle(raw: Mapping[str, Any]) -> RemoteVehicle | None:
    """Read one car of a list; None when it lacks an id."""
    identity, information = identifier(raw.get("id")), raw.get("information")
    if not identity:
        return None
    year = part(information, "year")
    return RemoteVehicle(
        provider_vehicle_id=identity,
        vin=_text(part(information, "vin")) or None,
        make=name_of_vendor(raw.get("vendor")) or _text(part(information, "brand")),
        model=_text(part(information, "model")),
        year=int(year) if read_number(year) is not None and 1980 <= year <= 2100 else None,
        powertrain=None,
        display_name=_text(part(information, "displayName")) or None,
    )


def _text(value: object) -> str:
    return value.strip()[:100] if isinstance(value, str) else ""


# Knowing -----------------------------------------------------------------------------------------------------------


def capabilities(raw: Mapping[str, Any], *, checked_at: datetime) -> dict[str, Capability]:
    """Read what Enode says this car can do. Where an owner could change that (an intervention), the why says so."""
    found: dict[str, Capability] = {}
    for kind, name in CAPABILITIES.items():
        can = part(raw, "capabilities", name, "isCapable")
        if isinstance(can, bool):
            helps = part(raw, "capabilities", name, "interventionIds")
            why = "" if can else "account_action" if helps and isinstance(helps, list) else "not_offered"
            found[kind] = Capability(Can.YES if can else Can.NO, "enode", checked_at, why)
    return found


def snapshot(raw: Mapping[str, Any], *, received_at: datetime) -> VehicleSnapshot:
    """Read a car's state. null means that the make did not say, so it stays absent; a value without a time does too."""
    charge, charged_at = raw.get("chargeState"), _at(raw, "chargeState", received_at)
    readings: dict[str, Reading] = {}

    def keep(name: str, value: object, at: datetime | None) -> None:
        if at is not None and SIGNALS[name].is_plausible(value):
            readings[name] = Reading(value, at)

    keep("soc_percent", read_number(part(charge, "batteryLevel")), charged_at)
    keep("range_km", read_number(part(charge, "range")), charged_at)
    keep("plugged_in", part(charge, "isPluggedIn"), charged_at)
    keep("charging_state", _charging_state(charge), charged_at)
    keep("charge_limit_percent", read_number(part(charge, "chargeLimit")), charged_at)
    # Enode leaves the rate out of a car that does not charge: what it said before must not stay.
    rate = 0.0 if part(charge, "isCharging") is False else read_number(part(charge, "chargeRate"))
    keep("charge_power_kw", rate, charged_at)
    keep("odometer_km", read_number(part(raw, "odometer", "distance")), _at(raw, "odometer", received_at))
    place = {name: read_number(part(raw, "location", name)) for name in ("latitude", "longitude")}
    keep("location", place, _at(raw, "location", received_at))
    is_reachable = raw.get("isReachable")
    state = ("online" if is_reachable else "offline") if isinstance(is_reachable, bool) else "unknown"
    if state != "unknown":
        # Whether it can be reached is Enode's own word of now, not the car's of back then.
        keep("online_state", state, received_at)
    return VehicleSnapshot(state, received_at, readings)


def _at(raw: Mapping[str, Any], name: str, received_at: datetime) -> datetime | None:
    at = read_time(part(raw, name, "lastUpdated"))
    return None if at is None else min(at, received_at)


def _charging_state(charge: object) -> str | None:
    state = CHARGING_STATES.get(str(part(charge, "powerDeliveryState")))
    if state in {None, "unknown"} and part(charge, "isCharging") is True:
        return "charging"
    return state
