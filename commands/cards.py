"""One command as people see it: the four steps, the pill, the line in a log. No queries, no rights."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from commands.models import WAITING, Command, State
from commands.words import EVIDENCE, LABELS, STATES, reason_of

TONES = {
    State.CONFIRMED: "ok",
    State.FAILED: "danger",
    State.REFUSED: "danger",
    State.EXPIRED: "warn",
    State.UNRESOLVED: "warn",
    State.UNKNOWN: "warn",
    State.CANCELLED: "",
    State.SUPERSEDED: "",
}
ICONS = {"ok": "check", "danger": "x", "warn": "warn", "accent": "refresh", "": "info"}
# How soon an open page looks again when no stream tells it: quick at first, then with patience.
POLL_S = ((5, 1.0), (20, 2.0), (60, 3.0), (300, 5.0))


@dataclass(frozen=True)
class Step:
    label: str
    status: str
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Pill:
    tone: str
    text: str


@dataclass(frozen=True)
class Card:
    """What templates/commands/_command.html shows. poll_s is None once nothing will change any more."""

    command: Command
    title: str
    pill: Pill
    steps: list[Step]
    can_cancel: bool
    poll_s: float | None


@dataclass(frozen=True)
class LogRow:
    """One line in a list of commands."""

    url: str
    title: str
    detail: str
    tone: str
    icon: str
    word: str
    at: datetime
    vehicle: Any


def title_of(command: Command) -> str:
    """Return what was ordered, with its value: "Charge limit to 80 %"."""
    label = str(LABELS[command.kind])
    values = command.parameters
    if "limit_percent" in values:
        return _("%(command)s to %(value)s %%") % {"command": label, "value": values["limit_percent"]}
    if "temperature_c" in values:
        value = number_format(values["temperature_c"], 1)
        return _("%(command)s to %(value)s °C") % {"command": label, "value": value}
    if values.get("label"):
        return f"{label}: {values['label']}"
    return label


def tone_of(command: Command) -> str:
    return TONES.get(State(command.state), "accent")


def outcome_of(command: Command) -> str:
    """Return one sentence about what is known: the evidence, or the reason."""
    if command.state == State.CONFIRMED:
        return str(EVIDENCE.get(command.evidence, STATES["confirmed"]))
    return reason_of(command.error_code, command.error_reason) or str(STATES[command.state])


def card_of(command: Command, *, may_cancel: bool) -> Card:
    """Return the card of a command whose vehicle, link and user are loaded."""
    poll_s = None if command.is_final else _poll_s(command)
    can_cancel = may_cancel and command.state in WAITING
    pill = Pill(tone_of(command), str(STATES[command.state]))
    return Card(command, title_of(command), pill, _steps(command), can_cancel, poll_s)


def log_row(command: Command) -> LogRow:
    """Return the list line of a command whose vehicle and user are loaded."""
    tone = tone_of(command)
    who = str(command.user) if command.user is not None else _("A program")
    detail = f"{who} · {outcome_of(command)}"
    return LogRow(
        url=command.get_absolute_url(),
        title=title_of(command),
        detail=detail,
        tone={"accent": "run", "ok": "ok", "danger": "bad", "warn": "warn"}.get(tone, ""),
        icon=ICONS[tone],
        word=str(STATES[command.state]),
        at=command.accepted_at,
        vehicle=command.vehicle,
    )


def _poll_s(command: Command) -> float:
    age_s = (timezone.now() - command.accepted_at).total_seconds()
    return next((poll_s for limit_s, poll_s in POLL_S if age_s < limit_s), 15.0)


def _steps(command: Command) -> list[Step]:
    """Return the four steps, the same for all commands: accepted, car ready, sent to the maker, confirmed."""
    who = str(command.user) if command.user is not None else _("A program")
    accepted = Step(_("Accepted"), "done", who, command.accepted_at)
    return [accepted, _ready_step(command), _sent_step(command), _confirmed_step(command)]


def _ready_step(command: Command) -> Step:
    if command.attempts:
        return Step(_("Car is ready"), "done")
    if command.state == State.QUEUED:
        return Step(_("Waiting for its turn"), "now", reason_of(command.error_code))
    if command.state == State.CLAIMED:
        waking = command.is_waking
        return Step(_("Waking the car") if waking else _("Getting ready"), "now", _("usually 10 to 25 s") * waking)
    return Step(_("Not sent"), "failed", outcome_of(command), command.finished_at)


def _sent_step(command: Command) -> Step:
    label = _("Sent to %(maker)s") % {"maker": command.vehicle.make or command.app.name}
    if not command.attempts:
        return Step(label, "todo")
    if command.state in {State.SENDING, State.QUEUED, State.CLAIMED}:
        return Step(label, "now", _("waiting for the answer"), command.permitted_at)
    if command.state in {State.REFUSED, State.EXPIRED, State.CANCELLED, State.SUPERSEDED}:
        return Step(label, "failed", outcome_of(command), command.finished_at)
    detail = _("no answer came") if command.state == State.UNKNOWN else ""
    return Step(label, "done", detail, command.permitted_at)


def _confirmed_step(command: Command) -> Step:
    match command.state:
        case State.CONFIRMED:
            return Step(_("Confirmed"), "done", outcome_of(command), command.finished_at)
        case State.SENT | State.UNKNOWN:
            return Step(_("Looking at the car"), "now", _("its own state will tell"))
        case State.FAILED | State.UNRESOLVED:
            return Step(str(STATES[command.state]), "failed", outcome_of(command), command.finished_at)
    return Step(_("Confirmed"), "todo", _("by the car itself"))
