"""What people read of commands: names, icons, states, reasons. One table each, translated."""

from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from compatibility.titles import COMMANDS
from fleet.teams.units import temperature

LABELS = COMMANDS

GROUPS = (
    (_("Doors"), ("lock", "unlock", "open_trunk", "close_trunk", "open_frunk", "close_frunk")),
    (_("Charging"), ("start_charge", "stop_charge", "set_charge_limit", "open_charge_port", "close_charge_port")),
    (_("Climate"), ("start_climate", "stop_climate", "set_temperature")),
    (_("Find the car"), ("flash_lights", "honk_horn", "send_destination")),
    (_("Driver and engine"), ("set_pin", "reset_pin", "enable_valet", "disable_valet", "start_engine", "stop_engine")),
)

# What a confirmed command did, for the tile that shows it as the present state.
STATE_NOW = {
    "lock": _("Locked"),
    "unlock": _("Unlocked"),
    "start_charge": pgettext_lazy("state", "Charging"),
    "stop_charge": _("Not charging"),
    "open_charge_port": _("Port is open"),
    "close_charge_port": _("Port is closed"),
    "start_climate": _("Running"),
    "stop_climate": pgettext_lazy("climate", "Off"),
    "open_trunk": _("Trunk is open"),
    "close_trunk": _("Trunk is closed"),
    "open_frunk": _("Front trunk is open"),
    "close_frunk": _("Front trunk is closed"),
    "set_pin": _("A PIN is set"),
    "reset_pin": _("No PIN is set"),
    "enable_valet": pgettext_lazy("valet", "On"),
    "disable_valet": pgettext_lazy("valet", "Off"),
    "start_engine": _("Engine is running"),
    "stop_engine": _("Engine is off"),
}

STATES = {
    "queued": _("Waiting for its turn"),
    "claimed": _("Preparing"),
    "sending": _("Sending"),
    "sent": _("Accepted, waiting for proof"),
    "unknown": _("We do not know yet"),
    "confirmed": _("Confirmed"),
    "failed": _("Failed"),
    "refused": _("Refused"),
    "expired": _("Expired"),
    "cancelled": _("Cancelled before sending"),
    "superseded": _("Replaced by a newer command"),
    "unresolved": _("Not proved"),
}

# How a confirmation is known, as a sentence beside the outcome.
EVIDENCE = {
    "vehicle_ack": _("The car answered itself"),
    "provider": _("The maker reported that it is done"),
    "readback": _("The car’s own state shows it"),
    "already": _("The car was so already"),
}

# What the car says of itself, signal by signal, as people would say it.
SAID: dict[str, dict[object, Any]] = {
    "locked": {True: _("Locked"), False: _("Unlocked")},
    "charging_state": {
        "disconnected": _("Not plugged in"),
        "connected": _("Plugged in"),
        "starting": _("Starting to charge"),
        "charging": pgettext_lazy("state", "Charging"),
        "complete": _("Fully charged"),
        "stopped": _("Not charging"),
        "no_power": _("No power at the plug"),
        "fault": _("Charging fault"),
        "discharging": _("Giving power back"),
    },
    "charge_port_open": {True: _("Port is open"), False: _("Port is closed")},
    "climate_on": {True: _("Climate is running"), False: _("Climate is off")},
    "trunk_open": {True: _("Trunk is open"), False: _("Trunk is closed")},
    "frunk_open": {True: _("Front trunk is open"), False: _("Front trunk is closed")},
    "pin_to_drive": {True: _("A PIN is set"), False: _("No PIN is set")},
    "valet_mode": {True: _("Valet mode is on"), False: _("Valet mode is off")},
    "engine_running": {True: _("Engine is running"), False: _("Engine is off")},
}

# code of fleet.adapters.errors, or our own -> one sentence
REASONS = {
    "needs_reconnect": _("The maker no longer accepts the owner’s sign-in. The owner has to connect again."),
    "needs_consent": _("The owner did not allow this at the maker."),
    "needs_pairing": _("The car does not know our key yet. The owner has to pair it."),
    "setup_required": _("The maker does not accept this installation. Its operator has to look at the settings."),
    "account_action": _("The maker asks the owner to do something in its own app first."),
    "not_capable": _("This car cannot do that."),
    "invalid_request": _("The maker did not understand the command."),
    "vehicle_asleep": _("The car is asleep and did not wake up in time."),
    "vehicle_unreachable": _("The car cannot be reached."),
    "vehicle_refused": _("The car said no."),
    "busy": _("The car is busy with another command."),
    "rate_limited": _("The maker asked us to slow down."),
    "quota_exhausted": _("The quota at the maker is used up."),
    "upstream_down": _("The maker’s service did not answer."),
    "upstream_error": _("The maker gave an answer that makes no sense."),
    "outcome_unknown": _("The maker gave no answer. The car may have acted."),
    "not_proved": _("The car gave no proof in time. Please look at the car."),
    "overtaken": _("A later command of the same kind was sent before this one was proved."),
    "contradicted": _("The car still reports the opposite. Please look at the car."),
    "rule": _("Stopped by a rule of your team before anything was sent."),
    "rights_changed": _("Your rights changed before it was sent."),
    "consent_changed": _("The owner’s consent changed before it was sent."),
    "not_written": _("It was stopped on our side before anything was sent."),
    "parked": _("It failed three times on our side before anything was sent."),
    "deadline": _("Its time was over before it could be sent. Nothing was sent."),
}

# Which rule of the team stopped a command before anything was sent.
RULES = {
    "moving": _("Stopped by your team’s rule before anything was sent: the car was moving."),
    "moving_unknown": _("Stopped by your team’s rule before anything was sent: nobody knew whether the car moved."),
    "hours": _("Stopped by your team’s rule before anything was sent: it was outside the hours."),
    "hours_unknown": _("Stopped by your team’s rule before anything was sent: nobody knew the time at the car."),
    "area": _("Stopped by your team’s rule before anything was sent: the car was not where it has to be."),
    "area_unknown": _("Stopped by your team’s rule before anything was sent: nobody knew where the car was."),
    "charge_floor": _("Stopped by your team’s rule before anything was sent: the battery was too low."),
    "charge_floor_unknown": _("Stopped by your team’s rule before anything was sent: nobody knew the charge."),
    "guest": _("Stopped by your team’s rule before anything was sent: a guest had the car."),
}

# Why a car that sleeps was not woken for a job, a schedule or an undo.
WAKES = {
    "low_12v": _("The car sleeps, and its 12 V battery is too weak to wake it."),
    "unknown_12v": _("The car sleeps, and nobody knows how its 12 V battery is, so it was not woken."),
    "wake_recent": _("The car sleeps, and it was woken less than half an hour ago."),
    "wake_used_up": _("The car sleeps, and it was woken often enough within a day."),
}

REFUSALS = {
    "door_open": _("A door is open."),
    "trunk_open": _("The trunk is open."),
    "hood_open": _("The hood is open."),
    "plug_not_connected": _("The charging cable is not plugged in."),
    "fully_charged": _("The battery is full."),
    "charge_fault": _("The car reports a charging fault."),
    "not_parked": _("The car is not parked."),
    "in_motion": _("The car is moving."),
    "ignition_on": _("The ignition is on."),
    "low_battery": _("The battery is too low."),
    "low_12v": _("The 12 V battery is too low."),
    "remote_access_disabled": _("Remote access is switched off in the car."),
    "valet_mode": _("The car is in valet mode."),
    "usage_mode": _("The car is in a mode that does not allow it."),
    "privacy_mode": _("The car is in privacy mode."),
    "user_present": _("Somebody is in the car."),
    "in_service": _("The car is in service."),
    "window_passed": _("The time that the car allows for it is over."),
    "other": _("The car gave no reason."),
}

# Why a button is not offered.
NOT_OFFERED = {
    "not_offered": _("Not offered by this provider"),
    "not_equipped": _("This car does not have it"),
    "not_capable": _("This car cannot do it"),
    "not_declared": _("Not offered for cars like this"),
    "needs_pairing": _("The owner has to pair the car first"),
    "no_consent": _("Not allowed by the owner"),
    "needs_owner": _("The owner has to sign in again"),
    "connection_ended": _("The connection has ended"),
    "role": _("Your role may not send it"),
    "off_hours": _("Outside the hours of your role"),
    "rule": _("Blocked by a rule of your team"),
    "team_closing": _("The team is closed"),
}

PARAMETER_ERRORS = {
    "missing": _("Please fill this in."),
    "not_a_number": _("Please enter a number."),
    "out_of_range": _("Choose a value from %(minimum)s to %(maximum)s."),
    "not_a_step": _("Only steps of %(step)s are possible."),
    "not_four_digits": _("A PIN has exactly four digits, 0 to 9."),
    "too_long": _("Use at most %(maximum)s characters."),
    "control_characters": _("This text holds characters that can’t be shown."),
    "unknown_parameter": _("This command has no such value."),
    "unknown_command": _("There is no such command."),
}


def reason_of(code: str, reason: str = "") -> str:
    """Return one sentence for an error code and, where the car said why, its reason."""
    if code == "vehicle_refused" and reason in REFUSALS:
        return str(REFUSALS[reason])
    if code == "vehicle_asleep" and reason in WAKES:
        return str(WAKES[reason])
    if code == "rule" and reason in RULES:
        return str(RULES[reason])
    return str(REASONS.get(code, ""))


def words_for(signal: str, value: object) -> str:
    """Return what a car says by a value of a signal: "Locked", "80 %"; "" for what has no words."""
    if signal == "charge_limit_percent" and isinstance(value, int | float):
        return f"{number_format(value, 0)}\N{NO-BREAK SPACE}%"
    if signal == "target_temperature_c" and isinstance(value, int | float):
        return temperature(value)
    return str(SAID.get(signal, {}).get(value, "")) if isinstance(value, bool | str) else ""
