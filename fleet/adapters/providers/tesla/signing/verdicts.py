"""What is known of a command after a car's own reply: protocol faults, and what the parts of the car say."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError
from tesla_protocol.command import car_server_pb2 as car
from tesla_protocol.command import errors_pb2 as errors
from tesla_protocol.command import universal_message_pb2 as universal
from tesla_protocol.command import vcsec_pb2 as vcsec

from fleet.adapters.errors import Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.providers.tesla.reasons import BUSY_S, verdict_of_reason
from fleet.adapters.providers.tesla.signing.messages import SECURITY
from fleet.adapters.providers.tesla.signing.replies import Reply

BUSY = NotExecuted("busy", retry_after_s=BUSY_S)

# A fault is the car's refusal to pass the message on: nothing was done (Tesla's pkg/protocol/error.go). Not in here are
# a reply too long to be given, which Tesla names as the exception, and a part of the car that did not answer in time:
# Tesla calls it not executed, but nothing says that it did not carry the order out late.
# With a number of seconds the same order may be sent again, signed anew with the session that comes with the fault.
FAULTS: Mapping[int, NotExecuted] = {
    universal.MESSAGEFAULT_ERROR_BUSY: BUSY,
    universal.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID: NotExecuted("needs_pairing"),
    universal.MESSAGEFAULT_ERROR_INACTIVE_KEY: NotExecuted("needs_pairing"),
    universal.MESSAGEFAULT_ERROR_INVALID_SIGNATURE: NotExecuted("upstream_error", retry_after_s=0.0),
    universal.MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER: NotExecuted("upstream_error", retry_after_s=0.0),
    # The key's role may not, or the car is in a state in which it lets nobody.
    universal.MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES: NotExecuted("vehicle_refused", "other"),
    universal.MESSAGEFAULT_ERROR_INVALID_DOMAINS: NotExecuted("invalid_request"),
    # The firmware does not know the command.
    universal.MESSAGEFAULT_ERROR_INVALID_COMMAND: NotExecuted("not_capable"),
    universal.MESSAGEFAULT_ERROR_DECODING: NotExecuted("invalid_request"),
    universal.MESSAGEFAULT_ERROR_INTERNAL: NotExecuted("upstream_error", retry_after_s=BUSY_S),
    universal.MESSAGEFAULT_ERROR_WRONG_PERSONALIZATION: NotExecuted("invalid_request"),
    universal.MESSAGEFAULT_ERROR_BAD_PARAMETER: NotExecuted("invalid_request"),
    universal.MESSAGEFAULT_ERROR_INCORRECT_EPOCH: NotExecuted("upstream_error", retry_after_s=0.0),
    universal.MESSAGEFAULT_ERROR_TIME_EXPIRED: NotExecuted("upstream_error", retry_after_s=0.0),
    universal.MESSAGEFAULT_ERROR_NOT_PROVISIONED_WITH_IDENTITY: NotExecuted("vehicle_refused", "in_service"),
    universal.MESSAGEFAULT_ERROR_COULD_NOT_HASH_METADATA: NotExecuted("upstream_error"),
    universal.MESSAGEFAULT_ERROR_TIME_TO_LIVE_TOO_LONG: NotExecuted("upstream_error", retry_after_s=0.0),
    universal.MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED: NotExecuted("vehicle_refused", "remote_access_disabled"),
    universal.MESSAGEFAULT_ERROR_COMMAND_REQUIRES_ACCOUNT_CREDENTIALS: NotExecuted("needs_consent"),
    universal.MESSAGEFAULT_ERROR_REQUEST_MTU_EXCEEDED: NotExecuted("invalid_request"),
    universal.MESSAGEFAULT_ERROR_REPEATED_COUNTER: NotExecuted("upstream_error", retry_after_s=0.0),
    universal.MESSAGEFAULT_ERROR_COMMAND_REQUIRES_PHYSICAL_PROXIMITY: NotExecuted("not_capable"),
}

NOMINAL: Mapping[int, Verdict] = {
    errors.GENERICERROR_CLOSURES_OPEN: NotExecuted("vehicle_refused", "door_open"),
    errors.GENERICERROR_ALREADY_ON: Done("already"),
    errors.GENERICERROR_DISABLED_FOR_USER_COMMAND: NotExecuted("vehicle_refused", "remote_access_disabled"),
    errors.GENERICERROR_VEHICLE_NOT_IN_PARK: NotExecuted("vehicle_refused", "not_parked"),
    errors.GENERICERROR_NOT_ALLOWED_OVER_TRANSPORT: NotExecuted("not_capable"),
    errors.GENERICERROR_KEY_NOT_FOUND: NotExecuted("needs_pairing"),
    errors.GENERICERROR_NOT_SUPPORTED: NotExecuted("not_capable"),
}


def verdict_of_reply(reply: Reply, *, domain: int, kind: str) -> Verdict:
    """Say what a car's reply to a signed command means. Whatever Tesla does not describe may have been executed."""
    if reply.fault:
        return FAULTS.get(reply.fault, MaybeExecuted(detail=f"fault {reply.fault}"))
    if reply.is_waiting:
        return BUSY
    if reply.session_info is not None:
        return MaybeExecuted(detail="a session in place of a reply")
    try:
        return _of_security(reply.payload) if domain == SECURITY else _of_infotainment(reply.payload, kind)
    except DecodeError:
        return MaybeExecuted(detail="unreadable reply")


def _of_security(payload: bytes | None) -> Verdict:
    """The security computer says nothing at all when it has obeyed."""
    said = vcsec.FromVCSECMessage.FromString(payload or b"")
    match said.WhichOneof("sub_message"):
        case None:
            return Done("vehicle_ack")
        case "nominalError":
            return NOMINAL.get(said.nominalError.genericError, NotExecuted("vehicle_refused", "other"))
        case "commandStatus":
            status = said.commandStatus.operationStatus
            if status == vcsec.OPERATIONSTATUS_WAIT:
                return BUSY
            if status == vcsec.OPERATIONSTATUS_OK:
                return Done("vehicle_ack")
            # Meant for old clients: a more exact word should have come in its place.
            return MaybeExecuted(detail="security error")
    return MaybeExecuted(detail="reply to something else")


def _of_infotainment(payload: bytes | None, kind: str) -> Verdict:
    said = car.Response.FromString(payload or b"")
    if not said.HasField("actionStatus"):
        return MaybeExecuted(detail="no action status")
    if said.actionStatus.result == car.OPERATIONSTATUS_OK:
        return Done("vehicle_ack")
    return verdict_of_reason(said.actionStatus.result_reason.plain_text, kind)
