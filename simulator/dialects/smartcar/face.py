"""Smartcar's words: the error objects of v3, whatever the code of HTTP, and the record of a command carried out."""

import asyncio
import json
from typing import Any

from aiohttp import web

from simulator.dialects.brokers import name_anything
from simulator.dialects.frame import Result
from simulator.errors import ApiError, MakerSays, Refused
from simulator.faults import LateResponse, json_response
from simulator.ledger import format_time

# Type -> status of HTTP and kind of way out.
_TYPES: dict[str, tuple[int, str | None]] = {
    "AUTHENTICATION": (401, "REAUTHENTICATE"),
    "BILLING": (430, "CONTACT_SUPPORT"),
    "COMPATIBILITY": (501, None),
    "CONNECTED_SERVICES_ACCOUNT": (400, "REAUTHENTICATE"),
    "RATE_LIMIT": (429, "RETRY_LATER"),
    "RESOURCE_NOT_FOUND": (404, None),
    "SERVER": (500, "CONTACT_SUPPORT"),
    "UPSTREAM": (502, "RETRY_LATER"),
    "VALIDATION": (400, None),
    "VEHICLE_STATE": (409, None),
}
# Our error -> type, code, status where it is not the type's own.
_ERRORS: dict[str, tuple[str, str, int | None]] = {
    "unauthorized": ("AUTHENTICATION", "INVALID_TOKEN", None),
    "insufficient_scope": ("AUTHENTICATION", "ACCESS_DENIED", 403),
    "not_found": ("RESOURCE_NOT_FOUND", "PATH", None),
    "method_not_allowed": ("RESOURCE_NOT_FOUND", "PATH", None),
    "signal_not_found": ("RESOURCE_NOT_FOUND", "SIGNAL_NOT_FOUND", None),
    "missing_parameter": ("VALIDATION", "MISSING_PARAMETER", None),
    "invalid_parameter": ("VALIDATION", "PARAMETER", None),
    "too_large": ("VALIDATION", "PARAMETER", 413),
    "withdrawn": ("CONNECTED_SERVICES_ACCOUNT", "AUTHENTICATION_FAILED", None),
    "needs_pairing": ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED", None),
    "not_capable": ("COMPATIBILITY", "VEHICLE_NOT_CAPABLE", None),
    "vehicle_asleep": ("VEHICLE_STATE", "ASLEEP", None),
    "vehicle_unreachable": ("VEHICLE_STATE", "UNREACHABLE", None),
    # It has no word for a car that is busy with another command.
    "busy": ("VEHICLE_STATE", "UNKNOWN", None),
    "rate_limited": ("RATE_LIMIT", "SMARTCAR_API", None),
    "quota_exhausted": ("RATE_LIMIT", "VEHICLE", None),
    "forbidden": ("AUTHENTICATION", "ACCESS_DENIED", 403),
}
_REFUSALS = {
    "door_open": "DOOR_OPEN",
    "trunk_open": "TRUNK_OPEN",
    "plug_not_connected": "CHARGING_PLUG_NOT_CONNECTED",
    "plug_connected": "CHARGING_PLUG_CONNECTED",
    "fully_charged": "FULLY_CHARGED",
    "charge_fault": "CHARGE_FAULT",
    "not_parked": "IN_MOTION",
    "in_motion": "IN_MOTION",
    "user_present": "IGNITION_ON",
    "remote_access_disabled": "REMOTE_ACCESS_DISABLED",
}
# What a client hears whose car was as asked before. Locks and flaps simply succeed.
_ALREADY = {"charge.start": "CHARGING_IN_PROGRESS", "charge.stop": "NOT_CHARGING"}
# A status of HTTP alone -> type and code.
_BY_STATUS = {
    401: ("AUTHENTICATION", "INVALID_TOKEN"),
    403: ("AUTHENTICATION", "ACCESS_DENIED"),
    404: ("RESOURCE_NOT_FOUND", "PATH"),
    429: ("RATE_LIMIT", "SMARTCAR_API"),
    430: ("BILLING", "VEHICLE_REQUEST_LIMIT"),
    500: ("SERVER", "INTERNAL"),
    501: ("COMPATIBILITY", "SMARTCAR_NOT_CAPABLE"),
    504: ("UPSTREAM", "NO_RESPONSE"),
}
_WORDS_OF_A_RECORD = ("SUCCESS", "PENDING", "FAILURE")
_LOOK_EVERY_S = 0.02
# A pending effect that was thrown away by a reset would be waited for without end.
_LONGER_THAN_TOLD_S = 2.0


class _Face:
    tells_already = True

    def error(self, error: ApiError) -> web.Response:
        if isinstance(error, Refused):
            return make_error("VEHICLE_STATE", _REFUSALS.get(error.reason, "UNKNOWN"))
        if isinstance(error, MakerSays):
            return _say(error.word)
        kind, code, status = _ERRORS.get(error.code, (*_BY_STATUS.get(error.status, ("UPSTREAM", "KNOWN_ISSUE")), None))
        if error.code == "upstream":
            status = error.status
        return make_error(kind, code, status=status, headers=error.headers, details=error.details)

    async def word(self, result: Result) -> web.Response:
        """Wait for the car as the maker does; after its patience the head goes out and the body follows later."""
        if result.kind == "already":
            return _word_already(result)
        reference = result.reference
        if reference is None or reference.status != "pending" or result.behaviour.never_acts:
            return _word_end(result)
        wait_s, patience_s = result.behaviour.effect_s, result.behaviour.patience_s
        if wait_s <= patience_s:
            await _wait(result, wait_s + _LONGER_THAN_TOLD_S)
            return _word_end(result)
        await _wait(result, patience_s)

        async def finish() -> bytes:
            await _wait(result, wait_s - patience_s + _LONGER_THAN_TOLD_S)
            return bytes(_word_end(result).body)  # type: ignore[arg-type]

        return LateResponse(status=202, body_later=finish)


FACE = _Face()


def make_error(
    kind: str,
    code: str | None,
    *,
    status: int | None = None,
    headers: dict[str, str] | None = None,
    details: dict[str, Any] | None = None,
) -> web.Response:
    usual, resolution = _TYPES[kind]
    status = status or usual
    error = {**describe_error(kind, code, resolution), "status": str(status)}
    if details:
        error["meta"] = details
    return json_response({"errors": [error]}, status=status, headers=headers)


def describe_error(kind: str, code: str | None, resolution: str | None = None) -> dict[str, Any]:
    """Return the part of an error object that answers, signals and web-hooks share."""
    resolution = resolution or _TYPES.get(kind, (0, None))[1]
    about = f"https://smartcar.com/docs/errors/api-errors/{kind.lower().replace('_', '-')}-errors"
    words = f"{kind} {code}" if code else kind
    return {
        "type": kind,
        "code": code,
        "title": words.replace("_", " ").capitalize(),
        "detail": f"The request could not be carried out: {words}.",
        "resolution": {"type": resolution},
        "suggestedUserMessage": "Your vehicle could not do this.",
        "links": {"about": f"{about}#{(code or 'null').lower().replace('_', '-')}"},
    }


def make_record(result: Result, status: str) -> dict[str, Any]:
    entry, now = result.entry, result.entry.executed_at or result.entry.received_at
    record: dict[str, Any] = {
        "commandType": WIRE_NAMES[result.command],
        "status": {"value": status},
        "executionMode": "sync",
    }
    if result.parameters:
        record["parameters"] = result.parameters
    done_at = None if status == "PENDING" else format_time(now)
    return {
        "data": {
            "id": f"exec_{name_anything('execution', str(entry.n), str(entry.received_at))}",
            "type": "command-execution",
            "attributes": record,
            "meta": {
                "executedAt": format_time(entry.received_at),
                "completedAt": done_at,
                "durationInSeconds": None if done_at is None else round(now - entry.received_at, 3),
            },
        }
    }


WIRE_NAMES = {
    "lock": "security-lock",
    "unlock": "security-unlock",
    "charge.start": "charge-start",
    "charge.stop": "charge-stop",
    "charge.set_limit": "charge-set-limit",
    "charge_port.open": "charge-port-open",
    "charge_port.close": "charge-port-close",
    "navigation.send": "navigation-set-destination",
}


def _word_already(result: Result) -> web.Response:
    code = _ALREADY.get(result.command)
    if code is None:
        return json_response(make_record(result, "SUCCESS"))
    if result.command == "charge.stop" and not result.car.plugged_in:
        code = "CHARGING_PLUG_NOT_CONNECTED"
    return make_error("VEHICLE_STATE", code)


def _word_end(result: Result) -> web.Response:
    reference = result.reference
    if reference is None or reference.status == "done":
        return json_response(make_record(result, "SUCCESS"))
    if reference.status == "failed":
        return make_error("VEHICLE_STATE", _REFUSALS.get(reference.reason or "", "UNKNOWN"))
    return json_response(make_record(result, "PENDING"))


async def _wait(result: Result, seconds: float) -> None:
    """Wait until the car has acted or not, or the time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    # The reference tells nobody when it changes: one look in 20 ms costs less than a list of those who wait.
    while result.reference is not None and result.reference.status == "pending" and loop.time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(min(_LOOK_EVERY_S, max(deadline - loop.time(), 0.001)))


def _say(word: str) -> web.Response:
    """Word what a test has the maker say: `[status] TYPE/CODE`, or the state of a record."""
    status, _, rest = word.rpartition(" ")
    code_of_http = int(status) if status.isdigit() else None
    if rest in _WORDS_OF_A_RECORD:
        record = {"commandType": "unknown", "status": {"value": rest}, "executionMode": "sync"}
        body = {"data": {"id": "exec_said", "type": "command-execution", "attributes": record, "meta": {}}}
        return web.Response(body=json.dumps(body).encode(), status=code_of_http or 200, content_type="application/json")
    kind, _, code = rest.partition("/")
    if kind not in _TYPES:
        kind, code = "VEHICLE_STATE", rest
    return make_error(kind, code or None, status=code_of_http)
