"""What Enode's actions and answers say of a command. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet.adapters.errors import Accepted, Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer
from fleet.adapters.providers.enode.payloads import identifier, part

ORDERS = {"start_charge": "START", "stop_charge": "STOP"}
DEFAULT_RETRY_S = 30.0
# Why an action did not become true. Not here, so perhaps executed: CONFLICT and REQUESTED_CANCELLATION, for giving an
# action up does not call back what the make already has.
FAILURES: dict[str, Verdict] = {
    "UNNECESSARY": Done("already"),
    "NO_RESPONSE": NotExecuted("vehicle_unreachable"),
    "FAILED_PRECONDITION": NotExecuted("vehicle_refused", "other"),
    "NOT_FOUND": NotExecuted("not_capable"),
}


def verdict_of(answer: Answer, *, kind: str, car: str) -> Verdict:
    """Say what is known after a command's answer. Whatever the documents do not cover may have been executed."""
    if answer.status != 200:
        return _verdict_of_status(answer)
    return verdict_of_action(answer.json(), kind=kind, car=car) or MaybeExecuted(detail="HTTP 200")


def verdict_of_action(action: Mapping[str, Any] | None, *, kind: str = "", car: str = "") -> Verdict | None:
    """Say what an action became; None for what is no action, or one of another car or order."""
    if action is None or not identifier(action.get("id")):
        return None
    if (car and action.get("targetId") != car) or (kind and action.get("kind") != ORDERS[kind]):
        return None
    ref, state = identifier(action.get("id")), action.get("state")
    if state == "PENDING":
        return Accepted(ref)
    if state == "CONFIRMED":
        return Done("provider", ref)
    if state not in ("FAILED", "CANCELLED"):  # a tuple: what cannot be hashed is asked for too
        return None
    given = part(action, "failureReason", "type")
    word = given if isinstance(given, str) and given.replace("_", "").isalnum() else str(state)
    return FAILURES.get(word) or MaybeExecuted(detail=word[:60])


def _verdict_of_status(answer: Answer) -> Verdict:
    """Say what a status tells: a 4xx was turned away, but a 408 and every 5xx may come after Enode took it."""
    match answer.status:
        case 401:
            return NotExecuted("needs_reconnect", retry_after_s=0.0)
        case 403:
            return NotExecuted("needs_consent")
        case 404:
            return NotExecuted("not_capable")
        case 409:
            return NotExecuted("busy", retry_after_s=5.0)
        case 422:
            # A schedule or a smart charging plan of Enode's decides over the car.
            return NotExecuted("vehicle_refused", "other")
        case 429:
            retry_after_s = answer.retry_after_s()
            return NotExecuted(
                "rate_limited", retry_after_s=DEFAULT_RETRY_S if retry_after_s is None else retry_after_s
            )
    if 400 <= answer.status < 500 and answer.status != 408:
        return NotExecuted("invalid_request")
    return MaybeExecuted(detail=f"HTTP {answer.status}")
