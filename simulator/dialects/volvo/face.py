"""Volvo's words: error objects for requests, and for commands a status of 200 with what became of them inside."""

from typing import Any

from aiohttp import web

from simulator.dialects.frame import Result
from simulator.errors import ApiError, MakerSays, Refused
from simulator.faults import json_response
from simulator.ledger import format_time

# Error -> Volvo's word and, where it is another, its status.
_WORDS: dict[str, tuple[str, int | None]] = {
    "unauthorized": ("UNAUTHORIZED", None),
    "wrong_key": ("UNAUTHORIZED", None),
    "insufficient_scope": ("FORBIDDEN", None),
    "needs_pairing": ("FORBIDDEN", None),
    "forbidden": ("FORBIDDEN", None),
    "not_found": ("NOT_FOUND", None),
    "not_capable": ("NOT_FOUND", 404),
    "method_not_allowed": ("METHOD_NOT_ALLOWED", None),
    "wrong_content_type": ("UNSUPPORTED_MEDIA_TYPE", None),
    "invalid_parameter": ("BAD_REQUEST", None),
    "too_large": ("BAD_REQUEST", None),
    "busy": ("CONFLICT", None),
    "rate_limited": ("TOO_MANY_REQUESTS", None),
    "quota_exhausted": ("TOO_MANY_REQUESTS", None),
}
_DESCRIPTIONS = {
    "wrong_key": "Access denied due to missing or invalid vcc-api-key.",
    "wrong_content_type": "The content-type must be application/json.",
    "not_capable": "The vehicle does not support this command.",
}
# The car's own no -> invokeStatus.
_REFUSALS = {
    "door_open": "UNABLE_TO_LOCK_DOOR_OPEN",
    "trunk_open": "UNABLE_TO_LOCK_DOOR_OPEN",
    "not_parked": "NOT_ALLOWED_WRONG_USAGE_MODE",
    "in_motion": "NOT_ALLOWED_WRONG_USAGE_MODE",
    "user_present": "NOT_ALLOWED_WRONG_USAGE_MODE",
    "valet_mode": "NOT_ALLOWED_WRONG_USAGE_MODE",
    "remote_access_disabled": "NOT_ALLOWED_PRIVACY_ENABLED",
    "charge_fault": "CAR_ERROR",
}
_REACH = {"vehicle_asleep": "VEHICLE_IN_SLEEP", "vehicle_unreachable": "CONNECTION_FAILURE"}
# Only of these did Volvo's clients see the word for "is at it".
_RUNNING = ("climate.start", "climate.stop", "engine.start", "engine.stop")


class _Face:
    tells_already = True

    def error(self, error: ApiError) -> web.Response:
        word, status = _WORDS.get(error.code, ("INTERNAL_ERROR" if error.status >= 500 else "BAD_REQUEST", None))
        return make_error(
            status or error.status,
            word,
            _DESCRIPTIONS.get(error.code, error.to_wire()["error"]["message"]),
            headers=error.headers,
        )

    async def word(self, _result: Result) -> web.Response:
        raise NotImplementedError  # a command has a face of its own


FACE = _Face()


class CommandFace:
    """The face of one command: what the car or its reach says no to is a success of HTTP with the status inside."""

    tells_already = True

    def __init__(self, vin: str, *, unlocks: bool = False, armed_until: float | None = None) -> None:
        self._vin, self._unlocks, self._armed_until = vin, unlocks, armed_until

    def error(self, error: ApiError) -> web.Response:
        if isinstance(error, MakerSays):
            return self._say(error.word)
        if isinstance(error, Refused):
            return self._answer(_REFUSALS.get(error.reason, "REJECTED"), message=error.reason)
        if error.code in _REACH:
            return self._answer(_REACH[error.code])
        return FACE.error(error)

    async def word(self, result: Result) -> web.Response:
        if result.kind != "accepted":
            return self._answer("COMPLETED")
        return self._answer("RUNNING" if result.command in _RUNNING else "DELIVERED")

    def _answer(self, invoke_status: str, *, status: int = 200, message: str = "") -> web.Response:
        data: dict[str, Any] = {"vin": self._vin, "invokeStatus": invoke_status, "message": message}
        if self._unlocks:
            data |= {
                "readyToUnlock": self._armed_until is not None,
                "readyToUnlockUntil": format_time(self._armed_until),
            }
        return json_response({"data": data}, status=status)

    def _say(self, word: str) -> web.Response:
        """Word what a test has the maker say: an invokeStatus, `[status] WORD`, or a status that is an error alone."""
        if word.isdigit():
            return make_error(
                int(word), "UNPROCESSABLE_ENTITY" if word == "422" else "ERROR", "The outcome is unknown."
            )
        status, _, invoke_status = word.rpartition(" ")
        return self._answer(invoke_status, status=int(status) if status.isdigit() else 200)


def make_error(status: int, message: str, description: str, *, headers: dict[str, str] | None = None) -> web.Response:
    return json_response({"error": {"message": message, "description": description}}, status=status, headers=headers)
