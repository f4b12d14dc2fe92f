"""Our words to Smartcar's and back: sign-in, orders, cars and what they can do. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.capabilities import Answer as Can
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.providers.smartcar.brands import name_of_make, plain
from fleet.adapters.providers.smartcar.signals import code_of, error_of_signal

PATHS = {
    "lock": "security/lock",
    "unlock": "security/unlock",
    "start_charge": "charge/start",
    "stop_charge": "charge/stop",
    "set_charge_limit": "charge/set-limit",
    "open_charge_port": "charge-port/open",
    "close_charge_port": "charge-port/close",
    "send_destination": "navigation/set-destination",
}
# Signals that Smartcar files under the permission to control: where it says that the make or the car is incapable of
# one, it offers no command either. The other way round nothing follows: a car may report a lock that nobody can turn.
SIGNAL_OF_COMMAND = {
    "lock": "closure-islocked",
    "unlock": "closure-islocked",
    "start_charge": "charge-ischarging",
    "stop_charge": "charge-ischarging",
    "set_charge_limit": "charge-chargelimits",
}
# How the list of compatible cars may name a command, letters only: its code, its name, and the column of its export.
NAMES = {
    "lock": ("securitylock", "lock", "lockdoors"),
    "unlock": ("securityunlock", "unlock", "unlockdoors"),
    "start_charge": ("chargestart", "startcharge", "startcharging"),
    "stop_charge": ("chargestop", "stopcharge", "stopcharging"),
    "set_charge_limit": ("chargesetlimit", "setchargelimit"),
    "open_charge_port": ("chargeportopen", "openchargeport", "openchargeportdoor"),
    "close_charge_port": ("chargeportclose", "closechargeport", "closechargeportdoor"),
    "send_destination": ("navigationsetdestination", "setdestination", "controlnavigation"),
}
POWERTRAINS = ("BEV", "PHEV", "HEV", "ICE")


def connect_url(
    base: str,
    *,
    client: Mapping[str, str],
    redirect_uri: str,
    permissions: Iterable[str],
    state: str,
    mode: str,
    make: str,
) -> str:
    """Return the address of Smartcar's consent pages. client: one pair, by which of two ids it knows the application.

    No external id is sent: it would be the owner's name with us, and before the sign-in there is no such owner yet.
    """
    query = {
        "response_type": "code",
        **client,
        "redirect_uri": redirect_uri,
        "scope": " ".join(permissions),
        "state": state,
        # Asked every time: an owner who comes again may want to allow more, or less.
        "approval_prompt": "force",
        "mode": mode,
        "single_select": "false",
    }
    return f"{base}?{urlencode(query | ({'make': make} if make else {}))}"


def command_body(command: Command) -> dict[str, Any] | None:
    """Return the JSON body of an order; None for those that have none. A label of a destination has no place in it."""
    values = command.parameters()
    match command.kind:
        case "set_charge_limit":
            return {"data": {"attributes": {"percent": values["limit_percent"]}}}
        case "send_destination":
            place = {name: values[name] for name in ("latitude", "longitude")}
            return {"data": {"attributes": place}}
    return None


def related_id(connection: Mapping[str, Any], kind: str) -> str:
    """Return the id of the "vehicle" or "user" of a connection; "" where it names none."""
    relationships = connection.get("relationships")
    related = relationships.get(kind) if isinstance(relationships, dict) else None
    data = related.get("data") if isinstance(related, dict) else None
    identity = data.get("id") if isinstance(data, dict) else None
    return identity if isinstance(identity, str) else ""


def permissions_of(connection: Mapping[str, Any]) -> list[str]:
    """Return the permissions of a connection, in Smartcar's words."""
    attributes = connection.get("attributes")
    raw = attributes.get("permissions") if isinstance(attributes, dict) else None
    return [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else []


def remote_vehicle(connection: Mapping[str, Any]) -> RemoteVehicle | None:
    """Read the car of a connection; None when it has no id. The VIN stands elsewhere."""
    identity = related_id(connection, "vehicle")
    attributes = connection.get("attributes")
    raw = attributes.get("vehicle") if isinstance(attributes, dict) else None
    raw = raw if isinstance(raw, dict) else {}
    if not identity:
        return None
    year, powertrain = raw.get("year"), str(raw.get("powertrainType") or "").upper()
    return RemoteVehicle(
        provider_vehicle_id=identity,
        vin=None,
        make=name_of_make(raw.get("make")),
        model=_text(raw.get("model")),
        year=year if isinstance(year, int) and not isinstance(year, bool) and 1980 <= year <= 2100 else None,
        powertrain=powertrain if powertrain in POWERTRAINS else None,
    )


def _text(value: object) -> str:
    return value.strip()[:100] if isinstance(value, str) else ""


def vin_of(body: Mapping[str, Any]) -> str | None:
    """Read the answer of the signal with the VIN; None where it holds none."""
    data = body.get("data", body)
    attributes = data.get("attributes") if isinstance(data, dict) else None
    value = attributes.get("body") if isinstance(attributes, dict) else None
    vin = value.get("value") if isinstance(value, dict) else None
    return _text(vin) or None


def included_vehicle(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return id and attributes of the car that an answer is about; ("", {}) where it does not say."""
    included = body.get("included")
    vehicle = included.get("vehicle") if isinstance(included, dict) else None
    if not isinstance(vehicle, dict):
        return "", {}
    identity, attributes = vehicle.get("id"), vehicle.get("attributes")
    return (identity if isinstance(identity, str) else ""), (attributes if isinstance(attributes, dict) else {})


# What a car can do -------------------------------------------------------------------------------------------------


def said_by_signals(raw_signals: object, *, checked_at: datetime) -> dict[str, Capability]:
    """Read what the car's own signals say it cannot do: only an error of the type COMPATIBILITY means that."""
    faults = {code_of(raw): error_of_signal(raw) for raw in (raw_signals if isinstance(raw_signals, list) else [])}
    found: dict[str, Capability] = {}
    for kind, signal in SIGNAL_OF_COMMAND.items():
        fault, code = faults.get(signal, ("", ""))
        if fault == "COMPATIBILITY":
            why = "not_equipped" if code == "VEHICLE_NOT_CAPABLE" else "not_offered"
            found[kind] = Capability(Can.NO, "smartcar signals", checked_at, why)
    return found


def said_by_models(rows: Iterable[object], car: Mapping[str, Any], *, checked_at: datetime) -> dict[str, Capability]:
    """Read what the list of compatible cars says of cars like this one; nothing where its rows contradict each other.

    It differs by region, and Smartcar does not tell where a car is at home: only what all regions agree on counts.
    """
    fitting = [names for names in (_commands_of(row, car) for row in rows) if names is not None]
    found: dict[str, Capability] = {}
    for kind, names in NAMES.items() if fitting else ():
        answers = {bool(offered & set(names)) for offered in fitting}
        if len(answers) == 1:
            can = answers.pop()
            source = "smartcar compatible vehicles"
            found[kind] = Capability(Can.YES if can else Can.NO, source, checked_at, "" if can else "not_offered")
    return found


def _commands_of(row: object, car: Mapping[str, Any]) -> set[str] | None:
    """Return the commands that a row offers, letters only; None when the row is about other cars."""
    attributes = row.get("attributes") if isinstance(row, dict) else None
    if not isinstance(attributes, dict) or not isinstance(attributes.get("capabilities"), list):
        return None
    for name in ("make", "model"):
        if plain(str(attributes.get(name))) != plain(str(car.get(name))):
            return None
    engine, wanted = attributes.get("powertrainType"), car.get("powertrainType")
    if engine and wanted and engine != wanted:
        return None
    years, year = attributes.get("years"), car.get("year")
    if isinstance(years, dict) and isinstance(year, int):
        start, end = years.get("start"), years.get("end")
        if (isinstance(start, int) and year < start) or (isinstance(end, int) and year > end):
            return None
    commands = [one for one in attributes["capabilities"] if isinstance(one, dict) and one.get("type") == "command"]
    return {plain(str(one[name])) for one in commands for name in ("code", "name", "capability") if one.get(name)}
