"""Our words to Volvo's and back. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.capabilities import Answer as Can
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import KINDS, Command, StartClimate, StartEngine
from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer, error_for_status

# Ours -> the last part of the address, and the name in the car's list of commands.
WORDS = {
    "lock": ("lock", "LOCK"),
    "unlock": ("unlock", "UNLOCK"),
    "start_climate": ("climatization-start", "CLIMATIZATION_START"),
    "stop_climate": ("climatization-stop", "CLIMATIZATION_STOP"),
    "flash_lights": ("flash", "FLASH"),
    "honk_horn": ("honk", "HONK"),
    "start_engine": ("engine-start", "ENGINE_START"),
    "stop_engine": ("engine-stop", "ENGINE_STOP"),
}
KIND_OF_WORD = {word: kind for kind, (_, word) in WORDS.items()}
# The body has to name a time. Where nobody said one it is the longest, after which the car stops by itself.
ENGINE_MINUTES = int(StartEngine.ranges["duration_min"].maximum)
# Nobody can wake the car from here; it comes back when somebody drives it.
ASLEEP_RETRY_S = 60.0
UNREACHABLE_RETRY_S = 10.0
AVAILABILITY = ("AVAILABLE", "UNAVAILABLE", "UNSPECIFIED")  # a tuple: what cannot be hashed is asked for too

# invokeStatus -> what is known. TIMEOUT, CAR_TIMEOUT, UNKNOWN, EXPIRED, INVOCATION_SPECIFIC_ERROR and words to come are
# not here: the documents do not say that the car did nothing then.
VERDICTS: Mapping[str, Verdict] = {
    "COMPLETED": Done("provider"),
    "SUCCESS": Done("provider"),
    "WAITING": Accepted(),
    "SENT": Accepted(),
    "DELIVERED": Accepted(),
    "RUNNING": Accepted(),
    "REJECTED": NotExecuted("vehicle_refused", "other"),
    "CAR_ERROR": NotExecuted("vehicle_refused", "other"),
    "UNABLE_TO_LOCK_DOOR_OPEN": NotExecuted("vehicle_refused", "door_open"),
    "NOT_ALLOWED_WRONG_USAGE_MODE": NotExecuted("vehicle_refused", "usage_mode"),
    "UNLOCK_TIME_FRAME_PASSED": NotExecuted("vehicle_refused", "window_passed"),
    "NOT_ALLOWED_PRIVACY_ENABLED": NotExecuted("account_action"),
    "NOT_SUPPORTED": NotExecuted("not_capable"),
    "VEHICLE_IN_SLEEP": NotExecuted("vehicle_asleep", retry_after_s=ASLEEP_RETRY_S),
    "CAR_IN_SLEEP_MODE": NotExecuted("vehicle_asleep", retry_after_s=ASLEEP_RETRY_S),
    "CONNECTION_FAILURE": NotExecuted("vehicle_unreachable", retry_after_s=UNREACHABLE_RETRY_S),
    "DELIVERY_TIMEOUT": NotExecuted("vehicle_unreachable", retry_after_s=UNREACHABLE_RETRY_S),
}


def command_body(command: Command) -> dict[str, Any] | None:
    """Return the JSON body that orders this command, None where it has to be empty.

    Raises AdapterError for what Volvo cannot be told: nobody may read of a temperature that the car never heard of.
    """
    match command:
        case StartEngine(duration_min=minutes):
            return {"runtimeMinutes": ENGINE_MINUTES if minutes is None else minutes}
        case StartClimate(temperature_c=temperature) if temperature is not None:
            raise AdapterError("invalid_request", detail="the car chooses its temperature itself")
    return None


def verdict_of(answer: Answer, vin: str) -> Verdict:
    """Say what is known after a command's answer. Whatever the documents do not cover may have been executed."""
    if 200 <= answer.status < 300:
        data = (answer.json() or {}).get("data")
        if not isinstance(data, dict) or data.get("vin", vin) != vin:
            return MaybeExecuted(detail=f"HTTP {answer.status}")
        word = data.get("invokeStatus")
        verdict = VERDICTS.get(word) if isinstance(word, str) else None
        return verdict or MaybeExecuted(detail=_word(word) or f"HTTP {answer.status}")
    match answer.status:
        case 401 if is_key_refused(answer):
            return NotExecuted("setup_required")
        case 401:
            return NotExecuted("needs_reconnect", retry_after_s=0.0)
        case 403:
            return NotExecuted("needs_consent")
        case 404:
            return NotExecuted("not_capable")
        case 409:
            return NotExecuted("busy", retry_after_s=5.0)
        case 429:
            retry_after_s = answer.retry_after_s()
            return NotExecuted("rate_limited", retry_after_s=30.0 if retry_after_s is None else retry_after_s)
        case 400 | 405 | 406 | 415:
            return NotExecuted("invalid_request")
    # 422 came with commands that the car carried out all the same (seen by users of the interface, 2026-11-22).
    return MaybeExecuted(detail=f"HTTP {answer.status}")


def _word(raw: object) -> str:
    """Return a word of theirs that may be kept: capitals and lines, no more, so that no text of a person gets in."""
    is_word = isinstance(raw, str) and len(raw) <= 40 and raw.replace("_", "").isalpha() and raw.isupper()
    return str(raw) if is_word else ""


def is_key_refused(answer: Answer) -> bool:
    """Say whether a 401 is about our key and not about the owner: seen as "invalid VCC-API-KEY" (2023 to 2025)."""
    error = (answer.json() or {}).get("error")
    texts = [str(error.get(name, "")) for name in ("message", "description")] if isinstance(error, dict) else []
    return any("vcc-api-key" in text.lower() for text in texts)


def error_of(answer: Answer) -> AdapterError:
    """Say why a call that does not act failed."""
    if answer.status == 401 and is_key_refused(answer):
        return AdapterError("setup_required", detail="HTTP 401")
    return error_for_status(answer)


def why_unreachable(data: Mapping[str, Any]) -> AdapterError | None:
    """Return why no command can be sent to the car now, None when it can. The reasons are not all documented."""
    status = data.get("availabilityStatus")
    if not isinstance(status, dict) or status.get("value") not in AVAILABILITY:
        return AdapterError("upstream_error", detail="no availability")
    if status["value"] != "UNAVAILABLE":
        return None
    reason = _word(status.get("unavailableReason"))
    # Nobody can wake it from here: waiting does not help, and the owner has to be told.
    code = "vehicle_asleep" if reason == "POWER_SAVING_MODE" else "vehicle_unreachable"
    return AdapterError(code, detail=reason)


def vins(body: Mapping[str, Any]) -> list[str]:
    """Read the list of cars, each once. Raises AdapterError for what is no list: it must not pass for "no cars"."""
    data = body.get("data")
    if not isinstance(data, list):
        raise AdapterError("upstream_error", detail="no list of cars")
    found = [raw.get("vin") for raw in data if isinstance(raw, dict)]
    return list(dict.fromkeys(vin for vin in found if isinstance(vin, str) and vin))


def remote_vehicle(vin: str, data: Mapping[str, Any]) -> RemoteVehicle:
    """Read a car's details. What is missing or odd is unknown."""
    descriptions = data.get("descriptions")
    model = descriptions.get("model") if isinstance(descriptions, dict) else None
    year = data.get("modelYear")
    return RemoteVehicle(
        provider_vehicle_id=vin,
        vin=vin,
        make="Volvo",
        model=model.strip()[:100] if isinstance(model, str) else "",
        year=year if isinstance(year, int) and 1980 <= year <= 2100 else None,
        powertrain=_powertrain(data),
    )


def _powertrain(data: Mapping[str, Any]) -> str | None:
    """An electric car burns "NONE" or "ELECTRIC"; one that burns and has a battery to charge is a plug-in hybrid."""
    fuel, battery_kwh = data.get("fuelType"), data.get("batteryCapacityKWH")
    has_battery = isinstance(battery_kwh, int | float) and not isinstance(battery_kwh, bool) and battery_kwh > 0
    if fuel in ("NONE", "ELECTRIC"):
        return "BEV" if has_battery else None
    if not isinstance(fuel, str) or not any(word in fuel for word in ("PETROL", "DIESEL")):
        return None
    # A mild hybrid's battery is not named: one that is named can be charged.
    if has_battery:
        return "PHEV"
    return None if "ELECTRIC" in fuel else "ICE"


def capabilities(body: Mapping[str, Any], *, checked_at: datetime) -> dict[str, Capability]:
    """Read the commands that the car lists. The list is whole, so what is not in it the car cannot do."""
    data = body.get("data")
    if not isinstance(data, list):
        raise AdapterError("upstream_error", detail="no list of commands")
    listed = {raw.get("command") for raw in data if isinstance(raw, dict) and isinstance(raw.get("command"), str)}
    if data and not listed:
        raise AdapterError("upstream_error", detail="no command has a name")
    return {
        kind: Capability(
            answer=Can.YES if word in listed else Can.NO,
            source="volvo",
            checked_at=checked_at,
            why="" if word in listed else "not_offered",
            ranges=KINDS[kind].ranges if kind == "start_engine" and word in listed else {},
        )
        for kind, (_, word) in WORDS.items()
    }
