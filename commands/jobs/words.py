"""What people read of jobs: outcomes, reasons, states, complaints. One table each, translated."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from commands.words import NOT_OFFERED, REASONS, reason_of

OUTCOMES = {
    "waiting": pgettext_lazy("job item", "Waiting"),
    "running": _("On its way"),
    "accepted": _("Accepted, not yet proved"),
    "unknown": _("No answer yet"),
    "confirmed": _("Confirmed"),
    "unproved": _("Accepted, never proved"),
    "contradicted": _("The car says otherwise"),
    "failed": _("Failed"),
    "refused": _("Refused"),
    "expired": _("Too late, not sent"),
    "not_sent": _("Not sent"),
    "skipped": _("Skipped"),
}

STATES = {
    "waiting": _("Starts in a moment"),
    "running": _("Running"),
    "stopping": _("Stopping"),
    "stopped": _("Stopped"),
    "done": _("Done"),
}

# Why a job was stopped.
STOPPED_BY = {
    "stopped": _("Stopped by a person. The rest was not sent."),
    "undone": _("Undone before anything was sent."),
    "stop_share": _("Too many cars failed, so the rest was not sent."),
    "rights": _("The rights of the person who started it changed, so the rest was not sent."),
    "deadline": _("Its time was over, so the rest was not sent."),
}

# Why one car got nothing.
NOT_SENT = {
    "stopped": _("The job was stopped before it was this car’s turn."),
    "undone": _("The job was undone before anything was sent."),
    "stop_share": _("The job stopped because too many cars failed."),
    "rights": _("The rights of the person who started the job changed."),
    "deadline": _("The job’s time was over before it was this car’s turn."),
    "budget": _("The maker’s quota did not suffice within the job’s time."),
    "cancelled": _("Somebody cancelled the command before it was sent."),
    "superseded": _("A newer command for this car replaced it."),
}

SKIPPED = {
    "out_of_range": _("This car does not take this value."),
    "rule": _("Blocked by one of your team’s rules."),
    "busy": _("The car is busy with another command."),
    "removed": _("The car is no longer in the team."),
}

# Why cars of a provider have to wait before more is sent to them.
HELD = {
    "budget": _("The quota at the maker is used up for now; the rest waits for it to refill."),
    "held": _("The maker asked us to slow down; the rest waits."),
    "breaker": _("The maker’s service does not answer; the rest waits."),
}

PROBLEMS = {
    "secret": _("PIN and valet commands go to one car at a time, so that a PIN never waits in a list."),
    "no_cars": _("No car of this selection can get this command."),
    "too_many": _("A job takes at most %(maximum)s cars. Please narrow the selection."),
    "too_many_for_role": _("Your role allows %(maximum)s cars at once. Please narrow the selection."),
    "wrong_number": _("This is not the number of cars. Please type it as shown."),
    "in_the_past": _("Choose a time in the future."),
    "too_late": _("A job may take %(maximum)s days at most."),
    "role": _("Your role may not send it"),
    "nothing_to_retry": _("No car failed for a reason that is worth another try."),
}


def sentence_of(outcome: str, code: str, reason: str = "") -> str:
    """Return one sentence that says why a car of a job stands where it does; "" when the outcome's word says it all."""
    if outcome == "skipped":
        return str(SKIPPED.get(code) or NOT_OFFERED.get(code) or REASONS.get(code, ""))
    if outcome == "not_sent" and code in NOT_SENT:
        return str(NOT_SENT[code])
    return reason_of(code, reason) or str(SKIPPED.get(code) or NOT_OFFERED.get(code, ""))
