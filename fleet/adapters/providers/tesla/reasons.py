"""Why a car did not do it, in the words that cars and Tesla's cloud use. Pure."""

from __future__ import annotations

from fleet.adapters.errors import Done, NotExecuted, Verdict

BUSY_S = 5.0

# Said by Tesla's own proxy in front of a car's words.
PREFIXES = ("car could not execute command:", "vcsec could not execute command:")

# It is so already. Tesla calls this a failure; for whoever asked, it is what was asked for.
ALREADY = {
    "start_charge": ("is_charging", "complete"),
    "stop_charge": ("not_charging",),
}

# A part of the text and what it means; the first that fits. The words were collected from makers.md 4.1 and from what
# users report (2026-11); Tesla publishes no list.
REFUSALS = (
    ("disconnected", NotExecuted("vehicle_refused", "plug_not_connected")),
    ("unplugged", NotExecuted("vehicle_refused", "plug_not_connected")),
    ("no_power", NotExecuted("vehicle_refused", "charge_fault")),
    ("charge_fault", NotExecuted("vehicle_refused", "charge_fault")),
    ("door_open", NotExecuted("vehicle_refused", "door_open")),
    ("door open", NotExecuted("vehicle_refused", "door_open")),
    ("closures_open", NotExecuted("vehicle_refused", "door_open")),
    ("trunk_open", NotExecuted("vehicle_refused", "trunk_open")),
    ("hood_open", NotExecuted("vehicle_refused", "hood_open")),
    ("frunk_open", NotExecuted("vehicle_refused", "hood_open")),
    ("in_motion", NotExecuted("vehicle_refused", "in_motion")),
    ("driving", NotExecuted("vehicle_refused", "in_motion")),
    ("not_in_park", NotExecuted("vehicle_refused", "not_parked")),
    ("not in park", NotExecuted("vehicle_refused", "not_parked")),
    ("not_parked", NotExecuted("vehicle_refused", "not_parked")),
    ("low_12v", NotExecuted("vehicle_refused", "low_12v")),
    ("low_battery", NotExecuted("vehicle_refused", "low_battery")),
    ("low battery", NotExecuted("vehicle_refused", "low_battery")),
    ("user_present", NotExecuted("vehicle_refused", "user_present")),
    ("user present", NotExecuted("vehicle_refused", "user_present")),
    ("valet", NotExecuted("vehicle_refused", "valet_mode")),
    ("service_mode", NotExecuted("vehicle_refused", "in_service")),
    ("in_service", NotExecuted("vehicle_refused", "in_service")),
    ("mobile_access_disabled", NotExecuted("vehicle_refused", "remote_access_disabled")),
    ("mobile access", NotExecuted("vehicle_refused", "remote_access_disabled")),
    ("could_not_wake_buses", NotExecuted("vehicle_unreachable", retry_after_s=BUSY_S)),
    ("not_supported", NotExecuted("not_capable")),
    ("busy", NotExecuted("busy", retry_after_s=BUSY_S)),
)


def verdict_of_reason(reason: str, kind: str) -> Verdict:
    """Say what a car's "no" to a command means."""
    text = reason.strip().lower()
    for prefix in PREFIXES:
        text = text.removeprefix(prefix).strip()
    if text.startswith("already") or text in ALREADY.get(kind, ()):
        return Done("already")
    for part, verdict in REFUSALS:
        if part in text:
            return verdict
    return NotExecuted("vehicle_refused", "other")
