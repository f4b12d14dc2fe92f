"""Our words to the simulator's and back. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.capabilities import Answer as Can
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import KINDS, Command
from fleet.adapters.errors import REFUSAL_REASONS, Accepted, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer
from fleet.adapters.rules import Number
from fleet.adapters.signals import ONLINE_STATES, SIGNALS, Reading, VehicleSnapshot
from fleet.adapters.values import read_number, read_time

WORDS = {
    "lock": "lock",
    "unlock": "unlock",
    "start_charge": "charge.start",
    "stop_charge": "charge.stop",
    "set_charge_limit": "charge.set_limit",
    "open_charge_port": "charge_port.open",
    "close_charge_port": "charge_port.close",
    "start_climate": "climate.start",
    "stop_climate": "climate.stop",
    "set_temperature": "climate.set_temperature",
    "open_trunk": "trunk.open",
    "close_trunk": "trunk.close",
    "open_frunk": "frunk.open",
    "close_frunk": "frunk.close",
    "send_destination": "navigation.send",
    "set_pin": "pin_to_drive.set",
    "reset_pin": "pin_to_drive.reset",
    "enable_valet": "valet.enable",
    "disable_valet": "valet.disable",
    "flash_lights": "lights.flash",
    "honk_horn": "horn.honk",
    "start_engine": "engine.start",
    "stop_engine": "engine.stop",
}
KIND_OF_WORD = {word: kind for kind, word in WORDS.items()}
PARAMETERS = {"limit_percent": "percent"}  # ours -> theirs, where they differ
LONGEST_REF = 200
POWERTRAINS = ("BEV", "PHEV", "HEV", "ICE")  # tuples: what cannot be hashed is asked for too


def command_body(command: Command) -> dict[str, Any]:
    """Return the JSON body that orders this command."""
    values = command.parameters() | command.secret_parameters()
    return {
        "command": WORDS[command.kind],
        "parameters": {PARAMETERS.get(name, name): value for name, value in values.items()},
    }


def verdict_of(answer: Answer) -> Verdict:
    """Say what is known after a command's answer. Whatever the documents do not cover may have been executed."""
    body = answer.json()
    if body is None:
        return _verdict_of_status(answer)
    error = body.get("error")
    if isinstance(error, dict):
        return _verdict_of_error(answer, str(error.get("code", "")), str(error.get("reason", "")))
    ref = body.get("ref")
    # One that cannot be kept as it is cannot be asked about either; control characters would not even be stored.
    ref = ref if isinstance(ref, str) and len(ref) <= LONGEST_REF and ref.isprintable() else ""
    match answer.status, body.get("result"):
        case 200, "done":
            return Done("vehicle_ack", ref)
        case 200, "already":
            return Done("already", ref)
        case 202, "accepted":
            return Accepted(ref)
    return _verdict_of_status(answer)


def _verdict_of_status(answer: Answer) -> Verdict:
    """Say what a status alone tells: a 4xx was turned away, but a 408 and every 5xx may come after the car acted."""
    if answer.status == 429:
        retry_after_s = answer.retry_after_s()
        return NotExecuted("rate_limited", retry_after_s=30.0 if retry_after_s is None else retry_after_s)
    if 400 <= answer.status < 500 and answer.status != 408:
        return NotExecuted("invalid_request")
    return MaybeExecuted(detail=f"HTTP {answer.status}")


def _verdict_of_error(answer: Answer, code: str, reason: str) -> Verdict:
    match answer.status, code:
        case 401, _:
            return NotExecuted("needs_reconnect", retry_after_s=0.0)
        case 403, "needs_pairing":
            return NotExecuted("needs_pairing")
        case 403, _:
            return NotExecuted("needs_consent")
        case 404, _:
            return NotExecuted("not_capable")
        case 408, "vehicle_asleep":
            return NotExecuted("vehicle_asleep", retry_after_s=1.0)
        case 409, "refused":
            return NotExecuted("vehicle_refused", reason if reason in REFUSAL_REASONS else "other")
        case 409, _:
            return NotExecuted("busy", retry_after_s=5.0)
        case 501, _:
            return NotExecuted("not_capable")
        case 503, "vehicle_unreachable":
            return NotExecuted("vehicle_unreachable", retry_after_s=10.0)
    return _verdict_of_status(answer)


def verdict_of_poll(body: Mapping[str, Any]) -> Verdict | None:
    """Say what the maker reports of an accepted command; None while it is pending or says nothing."""
    match body.get("status"):
        case "done":
            return Done("provider")
        case "failed":
            reason = str(body.get("reason") or "other")
            return NotExecuted("vehicle_refused", reason if reason in REFUSAL_REASONS else "other")
    return None


def countries(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Read where a brand is offered; whatever is no list of two letters each says nothing."""
    given = raw.get("countries")
    found = given if isinstance(given, list) else []
    return tuple(code for code in found if isinstance(code, str) and len(code) == 2 and code.isalpha())


def remote_vehicle(raw: Mapping[str, Any]) -> RemoteVehicle | None:
    """Read one car of a list; None when it lacks an id."""
    identity = raw.get("id")
    if not isinstance(identity, str) or not identity:
        return None
    year = raw.get("year")
    return RemoteVehicle(
        provider_vehicle_id=identity,
        vin=_text(raw.get("vin")),
        make=_text(raw.get("make")) or "",
        model=_text(raw.get("model")) or "",
        year=year if isinstance(year, int) and 1980 <= year <= 2100 else None,
        powertrain=raw["powertrain"] if raw.get("powertrain") in POWERTRAINS else None,
        display_name=_text(raw.get("display_name")),
        license_plate=_text(raw.get("license_plate")),
    )


def _text(value: object) -> str | None:
    return value.strip()[:100] or None if isinstance(value, str) else None


def capabilities(body: Mapping[str, Any], *, checked_at: datetime) -> dict[str, Capability]:
    """Read what the maker says this car can do; commands it does not name stay absent, which means unknown."""
    found: dict[str, Capability] = {}
    raw_commands = body.get("commands")
    if not isinstance(raw_commands, dict):
        return found
    for word, raw in raw_commands.items():
        kind = KIND_OF_WORD.get(word)
        if kind is None or not isinstance(raw, dict) or not isinstance(raw.get("capable"), bool):
            continue
        found[kind] = Capability(
            answer=Can.YES if raw["capable"] else Can.NO,
            source="simulator",
            checked_at=checked_at,
            why="" if raw["capable"] else str(raw.get("reason") or "not_offered")[:40],
            ranges=_ranges(kind, raw),
        )
    return found


def _ranges(kind: str, raw: Mapping[str, Any]) -> dict[str, Number]:
    ranges: dict[str, Number] = {}
    for name, widest in KINDS[kind].ranges.items():
        given = raw.get(PARAMETERS.get(name, name))
        if not isinstance(given, dict):
            continue
        low, high, step = (read_number(given.get(word)) for word in ("min", "max", "step"))
        step = step or widest.step
        if low is None or high is None or step < 0:
            continue
        low, high = max(low, widest.minimum), min(high, widest.maximum)
        if low < high:
            ranges[name] = Number(low, high, step, widest.unit)
    return ranges


def snapshot(body: Mapping[str, Any], *, asked_at: datetime, received_at: datetime) -> VehicleSnapshot:
    """Read a car's state. Times are moved by what the maker's clock differs from ours by more than the call took."""
    offset = _clock_offset(body.get("server_time"), asked_at, received_at)
    readings: dict[str, Reading] = {}
    raw_signals = body.get("signals")
    for name, raw in raw_signals.items() if isinstance(raw_signals, dict) else ():
        signal = SIGNALS.get(name)
        if signal is None or not isinstance(raw, dict) or not signal.is_plausible(raw.get("value")):
            continue
        observed_at = read_time(raw.get("observed_at"))
        if observed_at is not None:
            readings[name] = Reading(raw["value"], min(observed_at - offset, received_at))
    state = body.get("state")
    online_state = state if isinstance(state, str) and state in ONLINE_STATES else "unknown"
    readings["online_state"] = Reading(online_state, received_at)
    return VehicleSnapshot(online_state=online_state, taken_at=received_at, readings=readings, clock_offset=offset)


def _clock_offset(raw: object, asked_at: datetime, received_at: datetime) -> timedelta:
    server_time = read_time(raw)
    if server_time is None or asked_at <= server_time <= received_at:
        return timedelta(0)
    return server_time - (received_at if server_time > received_at else asked_at)
