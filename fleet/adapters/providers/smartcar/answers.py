"""What an answer of Smartcar's says of a command or a call: its error objects first, the HTTP status last. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet.adapters.errors import Accepted, AdapterError, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer

LONGEST_REF = 200
DEFAULT_RETRY_S = 30.0


@dataclass(frozen=True)
class Fault:
    """One error object: type and code in Smartcar's words, and the status it names."""

    type: str
    code: str
    status: int

    def __str__(self) -> str:
        return f"{self.type}/{self.code}" if self.code else self.type


# (type, code) -> our code and reason; "" for every other code of the type. What stands here was not executed: Smartcar
# documents these as decided before or instead of the car. Not here, so perhaps executed: SERVER (but for a car or login
# that it did not find), UPSTREAM NO_RESPONSE, UNKNOWN_ISSUE and INVALID_DATA, and types that nobody documented.
NOT_EXECUTED: dict[tuple[str, str], tuple[str, str]] = {
    ("AUTHENTICATION", ""): ("needs_reconnect", ""),
    ("AUTHENTICATION", "ACCESS_DENIED"): ("needs_consent", ""),
    ("PERMISSION", ""): ("needs_consent", ""),
    ("BILLING", ""): ("quota_exhausted", ""),
    ("COMPATIBILITY", ""): ("not_capable", ""),
    ("CONNECTED_SERVICES_ACCOUNT", ""): ("account_action", ""),
    ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED"): ("needs_reconnect", ""),
    ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION"): ("needs_consent", ""),
    ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED"): ("needs_pairing", ""),
    ("RATE_LIMIT", ""): ("rate_limited", ""),
    ("RESOURCE_NOT_FOUND", ""): ("not_capable", ""),
    ("SERVER", "RECORD_NOT_FOUND"): ("upstream_error", ""),
    ("SERVER", "MULTIPLE_RECORDS_FOUND"): ("upstream_error", ""),
    ("UPSTREAM", "RATE_LIMIT"): ("rate_limited", ""),
    ("UPSTREAM", "KNOWN_ISSUE"): ("upstream_down", ""),
    ("VALIDATION", ""): ("invalid_request", ""),
    ("VEHICLE_STATE", ""): ("vehicle_refused", "other"),
    ("VEHICLE_STATE", "ASLEEP"): ("vehicle_asleep", ""),
    ("VEHICLE_STATE", "UNREACHABLE"): ("vehicle_unreachable", ""),
    ("VEHICLE_STATE", "DOOR_OPEN"): ("vehicle_refused", "door_open"),
    ("VEHICLE_STATE", "TRUNK_OPEN"): ("vehicle_refused", "trunk_open"),
    ("VEHICLE_STATE", "HOOD_OPEN"): ("vehicle_refused", "hood_open"),
    ("VEHICLE_STATE", "CHARGING_PLUG_NOT_CONNECTED"): ("vehicle_refused", "plug_not_connected"),
    ("VEHICLE_STATE", "FULLY_CHARGED"): ("vehicle_refused", "fully_charged"),
    ("VEHICLE_STATE", "CHARGE_FAULT"): ("vehicle_refused", "charge_fault"),
    ("VEHICLE_STATE", "IGNITION_ON"): ("vehicle_refused", "ignition_on"),
    ("VEHICLE_STATE", "IN_MOTION"): ("vehicle_refused", "in_motion"),
    ("VEHICLE_STATE", "REMOTE_ACCESS_DISABLED"): ("vehicle_refused", "remote_access_disabled"),
    ("VEHICLE_STATE", "VEHICLE_OFFLINE_FOR_SERVICE"): ("vehicle_refused", "in_service"),
}
# Refusals that say that the car is already as it should be.
ALREADY = {
    ("start_charge", "CHARGING_IN_PROGRESS"),
    ("start_charge", "FULLY_CHARGED"),
    ("stop_charge", "NOT_CHARGING"),
}
# Smartcar cannot wake a car, and spares the battery of a sleeping one: asking again at once would only cost calls.
RETRY_S = {"vehicle_asleep": 20.0, "vehicle_unreachable": 10.0, "upstream_down": 30.0}


def fault_in(answer: Answer) -> Fault | None:
    """Return the first error object of an answer, whatever its HTTP status; None where there is none."""
    body = answer.json() or {}
    errors = body.get("errors")
    data = body.get("data")
    raw = errors[0] if isinstance(errors, list) and errors else None
    if raw is None and isinstance(data, dict):
        raw = _status_of(data).get("error")
    if raw is None and "statusCode" in body:
        # As version 2 wrote it; its gateway is the same one.
        raw = body
    if not isinstance(raw, dict):
        return None
    kind, code = raw.get("type"), raw.get("code")
    if not isinstance(kind, str) or not kind.replace("_", "").isalnum():
        return None
    given = raw.get("status", raw.get("statusCode"))
    # A late error stands under a 202 that was sent long before; then the object's own status counts.
    status = int(given) if isinstance(given, int | str) and str(given).isdecimal() else answer.status
    word = code if isinstance(code, str) and code.replace("_", "").isalnum() else ""
    return Fault(kind[:60], word[:60], status)


def _status_of(data: dict[str, Any]) -> dict[str, Any]:
    attributes = data.get("attributes")
    status = attributes.get("status") if isinstance(attributes, dict) else None
    return status if isinstance(status, dict) else {}


def verdict_of(answer: Answer, kind: str) -> Verdict:
    """Say what is known after a command's answer. Whatever the documents do not cover may have been executed."""
    fault = fault_in(answer)
    if fault is not None:
        return _verdict_of_fault(answer, fault, kind)
    body = answer.json()
    data = body.get("data") if body is not None else None
    if isinstance(data, dict) and data.get("type") in ("command-execution", None) and answer.status in (200, 202):
        raw = data.get("id")
        ref = raw if isinstance(raw, str) and len(raw) <= LONGEST_REF and raw.isprintable() else ""
        match _status_of(data).get("value"):
            case "SUCCESS":
                return Done("provider", ref)
            case "PENDING":
                return Accepted(ref)
            case "FAILURE":
                return NotExecuted("vehicle_refused", "other")
    return _verdict_of_status(answer)


def _verdict_of_fault(answer: Answer, fault: Fault, kind: str) -> Verdict:
    if fault.type == "VEHICLE_STATE" and (kind, fault.code) in ALREADY:
        return Done("already")
    found = _find(fault)
    if found is None:
        return MaybeExecuted(detail=str(fault))
    code, reason = found
    if code == "needs_reconnect" and fault.type == "AUTHENTICATION":
        # Our own token is over, which is healed by a new one; the owner's login at the maker is not.
        return NotExecuted(code, retry_after_s=0.0)
    return NotExecuted(code, reason, retry_after_s=_retry_s(answer, code))


def _find(fault: Fault) -> tuple[str, str] | None:
    if fault.type == "AUTHENTICATION" and fault.status == 403:
        return "needs_consent", ""
    return NOT_EXECUTED.get((fault.type, fault.code)) or NOT_EXECUTED.get((fault.type, ""))


def _retry_s(answer: Answer, code: str) -> float | None:
    if code != "rate_limited":
        return RETRY_S.get(code)
    given = answer.retry_after_s()
    return DEFAULT_RETRY_S if given is None else given


_OF_STATUS = {401: "needs_reconnect", 403: "needs_consent", 404: "not_capable", 429: "rate_limited"}


def _verdict_of_status(answer: Answer) -> Verdict:
    """Say what a status alone tells: a 4xx was turned away, but a 408 and every 5xx may come after the car acted."""
    if answer.status == 401:
        return NotExecuted("needs_reconnect", retry_after_s=0.0)
    if answer.status == 430:
        return NotExecuted("quota_exhausted")
    if 400 <= answer.status < 500 and answer.status != 408:
        code = _OF_STATUS.get(answer.status, "invalid_request")
        return NotExecuted(code, retry_after_s=_retry_s(answer, code))
    return MaybeExecuted(detail=f"HTTP {answer.status}")


def error_of(answer: Answer) -> AdapterError:
    """Turn a bad answer to a call that does not act into a typed error."""
    fault = fault_in(answer)
    if fault is not None:
        code = (_find(fault) or ("upstream_down" if fault.status >= 500 else "upstream_error", ""))[0]
        return AdapterError(code, detail=str(fault), retry_after_s=_retry_s(answer, code))
    if answer.status >= 500:
        return AdapterError("upstream_down", detail=f"HTTP {answer.status}", retry_after_s=answer.retry_after_s())
    code = "quota_exhausted" if answer.status == 430 else _OF_STATUS.get(answer.status, "upstream_error")
    return AdapterError(code, detail=f"HTTP {answer.status}", retry_after_s=_retry_s(answer, code))
