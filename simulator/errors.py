"""The errors of the API and their one wire form: {"error": {"code", "message", ...}}."""

from typing import Any

MESSAGES = {
    "unauthorized": "The access token is unknown, expired or revoked.",
    "insufficient_scope": "The owner has not granted the scope that this needs.",
    "not_found": "No such thing here.",
    "invalid_parameter": "A parameter is missing or not valid.",
    "not_capable": "This vehicle cannot do that.",
    "needs_pairing": "The owner has not let your key into this vehicle.",
    "vehicle_asleep": "The vehicle is asleep. Nothing was executed; wake it first.",
    "vehicle_unreachable": "The vehicle cannot be reached. Nothing was executed.",
    "refused": "The vehicle refused.",
    "busy": "The vehicle is busy with another command.",
    "rate_limited": "Too many requests.",
    "quota_exhausted": "The quota for commands is used up for now.",
    "upstream": "Something went wrong on our side.",
    "forbidden": "Only for this machine itself.",
    "method_not_allowed": "This method is not offered here.",
    "too_large": "The request is too large.",
}


class ApiError(Exception):
    """An answer that is not a success; `headers` go out with it."""

    def __init__(self, status: int, code: str, *, headers: dict[str, str] | None = None, **details: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers
        self.details = details

    def to_wire(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": MESSAGES.get(self.code, self.code), **self.details}}


class InvalidParameter(ApiError):
    def __init__(self, field: str) -> None:
        super().__init__(400, "invalid_parameter", field=field)
        self.field = field


class Refused(ApiError):
    """The car itself said no before acting."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(409, "refused", reason=reason)
        self.reason = reason
        self.details["message"] = message


class MakerSays(ApiError):
    """A maker's own word for what became of a command, as the behaviour `maker_says` has it said."""

    def __init__(self, word: str) -> None:
        super().__init__(409, word)
        self.word = word
