"""How Tesla words what happened: REST results and errors, and the replies of the car's two computers."""

import base64
from typing import Any

from aiohttp import web
from tesla_protocol.command.car_server_pb2 import OperationStatus_E, Response
from tesla_protocol.command.errors_pb2 import GenericError_E
from tesla_protocol.command.universal_message_pb2 import RoutableMessage
from tesla_protocol.command.vcsec_pb2 import FromVCSECMessage
from tesla_protocol.command.vcsec_pb2 import OperationStatus_E as SecurityStatus_E

from simulator.dialects.frame import Result
from simulator.dialects.tesla.deeds import wait_for_car
from simulator.dialects.tesla.vehicle_side import (
    BAD_COMMAND,
    BUSY,
    REMOTE_ACCESS_DISABLED,
    TIMEOUT,
    VCSEC,
    VehicleSide,
)
from simulator.errors import ApiError, MakerSays, Refused
from simulator.faults import json_response
from simulator.world import World

PROTOCOL_REQUIRED = (
    "Tesla Vehicle Command Protocol required, please refer to the documentation here: "
    "https://developer.tesla.com/docs/fleet-api#2023-10-09-rest-api-vehicle-commands-endpoint-deprecation-warning"
)
NO_SIGNED_COMMANDS = "vehicle does not support signed commands"
# Text and number of an error by our code for it. The texts of 401, 403, 408, 412 and 421 are the maker's, 424 is its
# short form; the others are a guess.
_TEXTS: dict[str, tuple[int, str]] = {
    "unauthorized": (401, "invalid bearer token"),
    "token_expired": (401, "token expired (401)"),
    "mobile_access_disabled": (401, "mobile_access_disabled"),
    "payment_required": (402, "Payment is required in order to use the API (non-free account only)."),
    "insufficient_scope": (403, "Unauthorized missing scopes"),
    "not_capable": (403, "unsupported vehicle"),
    "protocol_required": (403, PROTOCOL_REQUIRED),
    "encrypted_command": (403, "command must not be encrypted"),
    "not_found": (404, "not_found"),
    "method_not_allowed": (405, "invalid_method"),
    "vehicle_asleep": (408, "vehicle unavailable: vehicle is offline or asleep"),
    "vehicle_unreachable": (408, "vehicle unavailable: vehicle is offline or asleep"),
    "too_large": (413, "request too large"),
    "no_signed_commands": (422, NO_SIGNED_COMMANDS),
    "key_download_failed": (424, "Public key download failed"),
    "rate_limited": (429, "rate limit exceeded"),
    "quota_exhausted": (429, "rate limit exceeded"),
    "invalid_command": (400, "invalid_command"),
    "invalid_parameter": (400, "invalid_request"),
}
_STATUS_TEXTS = {
    402: "Payment is required in order to use the API (non-free account only).",
    423: "account is locked",
    451: "unavailable for legal reasons",
    500: "internal server error",
    503: "service unavailable",
    504: "context deadline exceeded",
    540: "vehicle error",
}
_STATUS_WORDS = frozenset(map(str, _STATUS_TEXTS))
# Only the first four are known from the maker's answers; the rest are this lab's own words.
_REASONS = {
    "fully_charged": "complete",
    "plug_not_connected": "disconnected",
    "charge.start": "is_charging",
    "charge.stop": "not_charging",
    "charge.set_limit": "already_set",
    "plug_connected": "charge_cable_connected",
    "charge_fault": "charge_fault",
    "not_parked": "vehicle_not_in_park",
    "in_motion": "vehicle_not_in_park",
    "valet_mode": "valet_mode_active",
    "wrong_pin": "invalid_pin",
}
_GENERIC: dict[str, int] = {
    "door_open": GenericError_E.GENERICERROR_CLOSURES_OPEN,
    "trunk_open": GenericError_E.GENERICERROR_CLOSURES_OPEN,
    "not_parked": GenericError_E.GENERICERROR_VEHICLE_NOT_IN_PARK,
    "in_motion": GenericError_E.GENERICERROR_VEHICLE_NOT_IN_PARK,
    "valet_mode": GenericError_E.GENERICERROR_DISABLED_FOR_USER_COMMAND,
    "user_present": GenericError_E.GENERICERROR_DISABLED_FOR_USER_COMMAND,
    "not_capable": GenericError_E.GENERICERROR_NOT_SUPPORTED,
}
WAIT = "wait"


class ProtocolFault(ApiError):
    """The car does not act on a signed message; `fault` is the maker's number for why."""

    def __init__(self, fault: int) -> None:
        super().__init__(200, f"fault_{fault}")
        self.fault = fault


def say_why_not(error: Refused | MakerSays) -> str:
    return error.word if isinstance(error, MakerSays) else _REASONS.get(error.reason, error.reason)


def word_error(error: ApiError) -> web.Response:
    """Return any error in the one form of the REST face."""
    if isinstance(error, MakerSays) and error.word in _STATUS_WORDS:
        return _fail(int(error.word), _STATUS_TEXTS[int(error.word)])
    if isinstance(error, Refused) and error.reason == "remote_access_disabled":
        return _fail(401, "mobile_access_disabled")
    if isinstance(error, Refused | MakerSays):
        return word_result(is_done=False, reason=say_why_not(error))
    if error.code == "busy":
        return word_result(is_done=False, reason="busy")
    status, text = _TEXTS.get(error.code, (error.status, _STATUS_TEXTS.get(error.status, error.code)))
    description = str(error.details.get("field", error.details.get("text", "")))
    return _fail(status, error.details.get("error", text), description, error.headers)


def word_result(*, is_done: bool, reason: str = "") -> web.Response:
    return json_response({"response": {"result": is_done, "reason": reason}})


def _fail(status: int, text: str, description: str = "", headers: dict[str, str] | None = None) -> web.Response:
    return json_response(
        {"response": None, "error": text, "error_description": description}, status=status, headers=headers
    )


def _has_nothing_to_do(result: Result) -> str:
    """Return the reason of a car that is as asked already and says so; most just say yes again."""
    return _REASONS[result.command] if result.kind == "already" and result.command in _REASONS else ""


class RestFace:
    """Plain REST: 200 with a result of true or false, or an error."""

    tells_already = True

    def __init__(self, world: World | None = None) -> None:
        self._world = world

    def error(self, error: ApiError) -> web.Response:
        return word_error(error)

    async def word(self, result: Result) -> web.Response:
        if self._world is not None:
            await wait_for_car(self._world, result)
        reason = _has_nothing_to_do(result)
        return word_result(is_done=not reason, reason=reason)


class SignedFace:
    """The reply of one of the car's computers to one message, in base64; errors of the cloud stay REST errors."""

    tells_already = True

    def __init__(self, world: World, side: VehicleSide, message: RoutableMessage) -> None:
        self._world, self._side, self._message = world, side, message
        # Until the message was verified nothing is told under its seal.
        self.is_verified = False

    @property
    def _is_vcsec(self) -> bool:
        return self._message.to_destination.domain == VCSEC

    def error(self, error: ApiError) -> web.Response:
        fault = self._find_fault(error)
        if fault is not None:
            return word_message(self._side.refuse(self._message, fault, self._world.now()))
        is_of_cloud = isinstance(error, MakerSays) and error.word in _STATUS_WORDS
        if is_of_cloud or not self.is_verified or not isinstance(error, Refused | MakerSays):
            return word_error(error)
        if isinstance(error, MakerSays) and error.word == WAIT:
            waiting = FromVCSECMessage()
            waiting.commandStatus.operationStatus = SecurityStatus_E.OPERATIONSTATUS_WAIT
            return self._reply(waiting.SerializeToString() if self._is_vcsec else b"", is_waiting=not self._is_vcsec)
        if self._is_vcsec:
            refusal = FromVCSECMessage()
            reason = error.reason if isinstance(error, Refused) else ""
            refusal.nominalError.genericError = _GENERIC.get(reason, GenericError_E.GENERICERROR_UNKNOWN)
            return self._reply(refusal.SerializeToString())
        return self._reply(_say_no(say_why_not(error)))

    async def word(self, result: Result) -> web.Response:
        try:
            await wait_for_car(self._world, result)
        except ApiError as error:
            if error.status == 504:
                raise ProtocolFault(TIMEOUT) from error
            raise
        # The security computer says yes with a message that has nothing in it.
        if self._is_vcsec:
            return self._reply(b"")
        reason = _has_nothing_to_do(result)
        if reason:
            return self._reply(_say_no(reason))
        done = Response()
        done.actionStatus.result = OperationStatus_E.OPERATIONSTATUS_OK
        return self._reply(done.SerializeToString())

    def _find_fault(self, error: ApiError) -> int | None:
        if isinstance(error, ProtocolFault):
            return error.fault
        if isinstance(error, Refused) and error.reason == "remote_access_disabled":
            return REMOTE_ACCESS_DISABLED
        if isinstance(error, MakerSays) and error.word.startswith("fault_") and error.word[6:].isdigit():
            return int(error.word[6:])
        if error.code == "busy":
            return BUSY
        if error.code == "not_capable":
            return BAD_COMMAND
        return None

    def _reply(self, payload: bytes, *, is_waiting: bool = False) -> web.Response:
        return word_message(self._side.reply(self._message, payload, is_waiting=is_waiting))


def word_message(message: RoutableMessage) -> web.Response:
    body: dict[str, Any] = {"response": base64.b64encode(message.SerializeToString()).decode()}
    return json_response(body)


def _say_no(reason: str) -> bytes:
    no = Response()
    no.actionStatus.result = OperationStatus_E.OPERATIONSTATUS_ERROR
    no.actionStatus.result_reason.plain_text = reason
    return no.SerializeToString()
