"""How the pages show the words of jobs: tone and icon beside each, the order of the legend, and counts in one line."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from commands.jobs.models import JobState, Outcome
from commands.jobs.words import OUTCOMES, STATES


@dataclass(frozen=True)
class Label:
    """One outcome or state: the word, and the tone of its pill, which is never the only sign."""

    text: str
    tone: str
    icon: str


LOOKS = {
    # In the order of the legend: what is proved, what is not, what went wrong, what is to come, what never left.
    Outcome.CONFIRMED: ("ok", "check"),
    Outcome.UNPROVED: ("warn", "question"),
    Outcome.CONTRADICTED: ("danger", "warn"),
    Outcome.FAILED: ("danger", "x"),
    Outcome.REFUSED: ("danger", "ban"),
    Outcome.EXPIRED: ("warn", "clock"),
    Outcome.RUNNING: ("accent", "send"),
    Outcome.ACCEPTED: ("accent", "signal"),
    Outcome.UNKNOWN: ("accent", "hourglass"),
    Outcome.WAITING: ("wait", "clock"),
    Outcome.NOT_SENT: ("", "minus"),
    Outcome.SKIPPED: ("", "minus"),
}
STATE_LOOKS = {
    JobState.WAITING: ("accent", "hourglass"),
    JobState.RUNNING: ("accent", "refresh"),
    JobState.STOPPING: ("warn", "stop"),
    JobState.STOPPED: ("warn", "stop"),
    JobState.DONE: ("ok", "check"),
}
# The bar shows the cars that were to get the command; who was skipped is told beside it.
BAR = (
    ("ok", (Outcome.CONFIRMED,)),
    ("warn", (Outcome.UNPROVED, Outcome.EXPIRED)),
    ("danger", (Outcome.CONTRADICTED, Outcome.FAILED, Outcome.REFUSED)),
    ("accent", (Outcome.RUNNING, Outcome.ACCEPTED, Outcome.UNKNOWN)),
    ("wait", (Outcome.WAITING,)),
    ("", (Outcome.NOT_SENT,)),
)


def outcome_label(outcome: str) -> Label:
    return Label(str(OUTCOMES[outcome]), *LOOKS[Outcome(outcome)])


def state_label(state: str) -> Label:
    return Label(str(STATES[state]), *STATE_LOOKS[JobState(state)])


def sentence_of_counts(counts: Mapping[str, int]) -> str:
    """Return all counts in one line for those who do not see the bar: "Confirmed: 168, Failed: 9"."""
    parts = [
        f"{OUTCOMES[outcome]}: {number_format(counts[outcome], 0, force_grouping=True)}"
        for outcome in LOOKS
        if counts.get(outcome)
    ]
    return ", ".join(parts) or _("Nothing yet")
