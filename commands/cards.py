"""One command as people see it: the four steps, the pill, the line in a log. No queries, no rights."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from commands.models import WAITING, Command, State
from commands.proof import Said, end_of, said_of, waited_for
from commands.words import EVIDENCE, LABELS, STATES, reason_of
from compatibility.facts_of_providers import broker_name
from fleet.teams.units import temperature

ICONS = {"ok": "check", "danger": "x", "warn": "warn", "accent": "refresh", "": "info"}
# The next look at a car is told when it is not about to happen anyway.
NEXT_LOOK_SHOWN_S = 5.0
# How soon an open page looks again when no stream tells it: quick at first, then with patience.
POLL_S = ((5, 1.0), (20, 2.0), (60, 3.0), (300, 5.0))


@dataclass(frozen=True)
class Step:
    """One step of a command. said: what the car said; since: how long it has been waiting; next_at: the next look."""

    label: str
    status: str
    detail: str = ""
    at: datetime | None = None
    said: Said | None = None
    since: datetime | None = None
    next_at: datetime | None = None


@dataclass(frozen=True)
class Pill:
    tone: str
    text: str


@dataclass(frozen=True)
class Card:
    """What templates/commands/_command.html shows. poll_s is None once nothing will change any more.

    is_disputed: after its end the car or its maker told the opposite.
    """

    command: Command
    title: str
    pill: Pill
    steps: list[Step]
    can_cancel: bool
    poll_s: float | None
    is_disputed: bool = False


@dataclass(frozen=True)
class LogRow:
    """One line in a list of commands. took_s: from the press to the end."""

    url: str
    title: str
    detail: str
    tone: str
    icon: str
    word: str
    at: datetime
    vehicle: Any
    took_s: float | None = None


def title_of(command: Command) -> str:
    """Return what was ordered, with its value: "Charge limit to 80 %"."""
    label = str(LABELS[command.kind])
    values = command.parameters
    if "limit_percent" in values:
        return _("%(command)s to %(value)s %%") % {"command": label, "value": values["limit_percent"]}
    if "temperature_c" in values:
        return _("%(command)s to %(value)s") % {"command": label, "value": temperature(values["temperature_c"])}
    if values.get("label"):
        return f"{label}: {values['label']}"
    return label


def outcome_of(command: Command) -> str:
    """Return one sentence about what is known: what the car said, the evidence, or the reason."""
    said = said_of(command)
    if command.state == State.CONFIRMED:
        evidence = str(EVIDENCE.get(command.evidence, STATES["confirmed"]))
        return f"{evidence}: {said.words}" if said is not None else evidence
    if command.state in {State.SENT, State.UNKNOWN}:
        return _waiting_for(command)
    reason = reason_of(command.error_code, command.error_reason) or str(STATES[command.state])
    if command.error_code == "contradicted" and said is not None:
        return _("The car still says “%(said)s”. Please look at the car.") % {"said": said.words}
    return reason


def card_of(command: Command, *, may_cancel: bool) -> Card:
    """Return the card of a command whose vehicle, link and user are loaded."""
    outcome = end_of(command)
    return Card(
        command,
        title_of(command),
        Pill(outcome.tone, outcome.word),
        _steps(command),
        can_cancel=may_cancel and command.state in WAITING,
        poll_s=None if command.is_final else _poll_s(command),
        is_disputed=_is_disputed(command),
    )


def log_row(command: Command) -> LogRow:
    """Return the list line of a command whose vehicle and user are loaded."""
    outcome, sentence = end_of(command), outcome_of(command)
    return LogRow(
        url=command.get_absolute_url(),
        title=title_of(command),
        detail=_who(command) if sentence == outcome.word else f"{_who(command)} · {sentence}",
        tone=outcome.tone,
        icon=ICONS[outcome.tone],
        word=outcome.word,
        at=command.accepted_at,
        vehicle=command.vehicle,
        took_s=command.took_s,
    )


def _is_disputed(command: Command) -> bool:
    """Say whether it was told otherwise after its end; what ended contradicted says so itself."""
    return getattr(command, "is_disputed", False) and command.state != State.UNRESOLVED


def _who(command: Command) -> str:
    return str(command.user) if command.user is not None else _("A program")


def _poll_s(command: Command) -> float:
    age_s = (timezone.now() - command.accepted_at).total_seconds()
    return next((poll_s for limit_s, poll_s in POLL_S if age_s < limit_s), 15.0)


def _steps(command: Command) -> list[Step]:
    """Return the four steps, the same for all commands: accepted, car ready, sent to the maker, proved."""
    accepted = Step(_("Accepted"), "done", _who(command), command.accepted_at)
    return [accepted, _ready_step(command), _sent_step(command), _proof_step(command)]


def _ready_step(command: Command) -> Step:
    if command.attempts:
        return Step(_("Car is ready"), "done")
    if command.state == State.QUEUED:
        is_later = command.ready_at > timezone.now()
        next_at = command.ready_at if is_later else None
        return Step(_("Waiting for its turn"), "now", reason_of(command.error_code), next_at=next_at)
    if command.state == State.CLAIMED:
        waking = command.is_waking
        return Step(_("Waking the car") if waking else _("Getting ready"), "now", _("usually 10 to 25 s") * waking)
    return Step(_("Not sent"), "failed", outcome_of(command), command.finished_at)


def _sent_step(command: Command) -> Step:
    label = _("Sent to %(maker)s") % {
        "maker": broker_name(command.app.provider) or command.vehicle.make or command.app.name
    }
    if not command.attempts:
        return Step(label, "todo")
    if command.state in {State.SENDING, State.QUEUED, State.CLAIMED}:
        return Step(label, "now", _("waiting for the answer"), command.permitted_at, since=command.permitted_at)
    if command.state in {State.REFUSED, State.EXPIRED, State.CANCELLED, State.SUPERSEDED}:
        return Step(label, "failed", outcome_of(command), command.finished_at)
    detail = _("no answer came") if State.UNKNOWN in {command.state, command.was} else ""
    return Step(label, "done", detail, command.permitted_at)


def _proof_step(command: Command) -> Step:
    outcome = end_of(command)
    match command.state:
        case State.CONFIRMED:
            said = said_of(command)
            # What the car said says it all.
            is_told = said is not None and command.evidence == "readback"
            evidence = "" if is_told else str(EVIDENCE.get(command.evidence, ""))
            return Step(_("Confirmed"), "done", evidence, command.finished_at, said=said)
        case State.SENT | State.UNKNOWN:
            return _search_step(command)
        case State.FAILED | State.UNRESOLVED:
            reason = reason_of(command.error_code, command.error_reason)
            return Step(outcome.word, "failed", reason, command.finished_at, said=said_of(command))
    return Step(_("Confirmed"), "todo", _("by the car itself"))


def _search_step(command: Command) -> Step:
    """Return the step that says what is waited for, since when, and when somebody looks again."""
    soon = timezone.now() + timedelta(seconds=NEXT_LOOK_SHOWN_S)
    next_at = command.next_check_at if command.next_check_at is not None and command.next_check_at > soon else None
    return Step(_("Looking at the car"), "now", _waiting_for(command), since=command.answered_at, next_at=next_at)


def _waiting_for(command: Command) -> str:
    if command.evidence:
        return _("the maker says it is done, the car has not said so yet")
    wanted = waited_for(command)
    return _("waiting for it to say “%(said)s”") % {"said": wanted} if wanted else _("waiting for the maker’s report")
