"""Commands and answers of Tesla's plain commands, for cars that take them unsigned, and for navigation. Pure."""

from __future__ import annotations

from typing import Any

from fleet.adapters.commands import (
    Command,
    DisableValet,
    EnableValet,
    SendDestination,
    SetChargeLimit,
    SetPin,
    SetTemperature,
)
from fleet.adapters.errors import Done, MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Answer
from fleet.adapters.providers.tesla.cloud import ASLEEP, error_text
from fleet.adapters.providers.tesla.reasons import verdict_of_reason

NAMES = {
    "lock": "door_lock",
    "unlock": "door_unlock",
    "start_charge": "charge_start",
    "stop_charge": "charge_stop",
    "set_charge_limit": "set_charge_limit",
    "open_charge_port": "charge_port_door_open",
    "close_charge_port": "charge_port_door_close",
    "start_climate": "auto_conditioning_start",
    "stop_climate": "auto_conditioning_stop",
    "set_temperature": "set_temps",
    "open_trunk": "actuate_trunk",
    "close_trunk": "actuate_trunk",
    "open_frunk": "actuate_trunk",
    "send_destination": "navigation_gps_request",
    "set_pin": "set_pin_to_drive",
    "reset_pin": "clear_pin_to_drive_admin",
    "enable_valet": "set_valet_mode",
    "disable_valet": "set_valet_mode",
    "flash_lights": "flash_lights",
    "honk_horn": "honk_horn",
    "start_engine": "remote_start_drive",
}
# The text that tells a car which wants its commands signed, and one that cannot read signed ones.
MUST_SIGN = "Vehicle Command Protocol required"
CANNOT_READ_SIGNED = "does not support signed commands"
NOT_PAIRED = "not been paired"
AWAKE_SOON_S = 1.0
DOWN_S = 5.0


def order(command: Command) -> tuple[str, dict[str, Any]]:
    """Return the name of a command and its body. A destination's label has no place in it: the car gets the point."""
    body: dict[str, Any] = {}
    match command:
        case SetChargeLimit():
            body = {"percent": command.limit_percent}
        case SetTemperature():
            # Who leaves out the passenger's gets 0 sent for it by Tesla's own proxy, which is the coldest.
            body = {"driver_temp": command.temperature_c, "passenger_temp": command.temperature_c}
        case SendDestination():
            body = {"lat": command.latitude, "lon": command.longitude, "order": 1}
        case SetPin():
            body = {"on": True, "password": command.pin}
        case EnableValet():
            body = {"on": True, "password": command.pin}
        case DisableValet():
            body = {"on": False} | ({} if command.pin is None else {"password": command.pin})
    if command.kind in {"open_trunk", "close_trunk"}:
        body = {"which_trunk": "rear"}
    if command.kind == "open_frunk":
        body = {"which_trunk": "front"}
    return NAMES[command.kind], body


def verdict_of(answer: Answer, kind: str) -> Verdict:
    """Say what is known after a plain command's answer. Whatever Tesla does not describe may have been executed."""
    body = answer.json()
    said = body.get("response") if body is not None else None
    if answer.status == 200 and isinstance(said, dict):
        match said.get("result"), said.get("reason"):
            case True, _:
                return Done("vehicle_ack")
            case False, str(reason):
                return verdict_of_reason(reason, kind)
    return verdict_of_status(answer)


def verdict_of_status(answer: Answer) -> Verdict:
    """Say what an answer that is not a car's means, to a plain or to a signed command.

    A 4xx and a 503 in Tesla's form were turned away (Tesla's pkg/connector/inet/inet.go). Without its form, a gateway
    in between has spoken, and what it says of a time-out or of a server that is down may come after the car acted.
    """
    text, status = error_text(answer), answer.status
    if status in {408, 500, 503} and ASLEEP in text:
        return NotExecuted("vehicle_asleep", retry_after_s=AWAKE_SOON_S)
    if NOT_PAIRED in text:
        return NotExecuted("needs_pairing")
    if status == 429:
        wait_s = answer.retry_after_s()
        return NotExecuted("rate_limited", retry_after_s=30.0 if wait_s is None else wait_s)
    if status == 503 and text:
        return NotExecuted("upstream_down", retry_after_s=DOWN_S)
    if 400 <= status < 500 and (text or status not in {408, 499}):
        return _turned_away(status, text)
    return MaybeExecuted(detail=f"HTTP {status}")


def _turned_away(status: int, text: str) -> Verdict:
    """A 4xx, of which Tesla's client says that nothing was done. 499 is none: there Tesla lost us, not the car."""
    match status:
        case 400 if "invalid_command" in text:
            return NotExecuted("not_capable")
        case 401 if "mobile_access_disabled" in text:
            return NotExecuted("vehicle_refused", "remote_access_disabled")
        case 401:
            return NotExecuted("needs_reconnect", retry_after_s=0.0)
        case 402:
            return NotExecuted("quota_exhausted")
        case 403 if MUST_SIGN in text:
            return NotExecuted("upstream_error", retry_after_s=0.0)
        case 403 if "unsupported" in text:
            return NotExecuted("not_capable")
        case 403:
            return NotExecuted("needs_consent")
        case 404:
            return NotExecuted("not_capable")
        case 408:
            return NotExecuted("vehicle_asleep", retry_after_s=AWAKE_SOON_S)
        case 412:
            return NotExecuted("setup_required")
        case 421:
            # By now it is known where the owner lives, if that is one of our regions.
            return NotExecuted("upstream_error", retry_after_s=0.0)
        case 422 if CANNOT_READ_SIGNED in text:
            return NotExecuted("upstream_error", retry_after_s=0.0)
        case 423 | 451:
            return NotExecuted("account_action")
        case 499:
            return MaybeExecuted(detail="HTTP 499")
    return NotExecuted("invalid_request")
