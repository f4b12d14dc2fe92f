"""What people read about the proof of a command: the honest outcome, what the car said and when, what is waited for."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from commands.models import Command, State
from commands.words import STATE_NOW, STATES, words_for
from fleet.adapters.commands import KINDS
from fleet.vehicles.readings import Readings


@dataclass(frozen=True)
class Outcome:
    """How a command ended, in one word for code, one for people, and the tone of its pill.

    key: confirmed, not_proved, contradicted, expired, refused, failed, cancelled, superseded; running until then.
    """

    key: str
    word: str
    tone: str


@dataclass(frozen=True)
class Said:
    """What the car itself said: in words, by its own clock, and how many seconds after the command was sent."""

    words: str
    at: datetime
    after_s: float | None


@dataclass(frozen=True)
class Known:
    """The state that a button is about, as the car last told it: never shown without its age and where it is from."""

    words: str
    observed_at: datetime
    is_stale: bool
    source_name: str


def outcome_for(
    state: str, *, error_code: str = "", evidence: str = "", was: str = "", is_disputed: bool = False
) -> Outcome:
    """Return the honest outcome of a command. was: the state before its last, which tells whether the maker took it.

    is_disputed: after its end came evidence that says the opposite.
    """
    if is_disputed or error_code == "contradicted":
        return Outcome("contradicted", _("Contradicted"), "danger")
    match state:
        case State.CONFIRMED:
            by_maker = evidence == "provider"
            return Outcome("confirmed", _("Confirmed by the maker") if by_maker else _("Confirmed by the car"), "ok")
        case State.UNRESOLVED:
            was_unanswered = was == State.UNKNOWN
            word = _("Sent, not proved") if was_unanswered else _("Accepted, not proved")
            return Outcome("not_proved", word, "warn")
        case State.EXPIRED:
            return Outcome("expired", str(STATES[state]), "warn")
        case State.FAILED | State.REFUSED:
            return Outcome(state, str(STATES[state]), "danger")
        case State.CANCELLED | State.SUPERSEDED:
            return Outcome(state, str(STATES[state]), "")
    return Outcome("running", str(STATES[state]), "warn" if state == State.UNKNOWN else "accent")


def end_of(command: Command) -> Outcome:
    """Return the honest outcome of one command; is_disputed comes from access.with_disputes."""
    return outcome_for(
        command.state,
        error_code=command.error_code,
        evidence=command.evidence,
        was=command.was,
        is_disputed=getattr(command, "is_disputed", False),
    )


def said_of(command: Command) -> Said | None:
    """Return what the car said that this command was judged by; None when it said nothing."""
    signal = KINDS[command.kind].signal
    if signal is None or command.observed_at is None:
        return None
    words = words_for(signal, command.after)
    sent_at = command.permitted_at
    after_s = (command.observed_at - sent_at).total_seconds() if sent_at is not None else None
    return Said(words, command.observed_at, after_s if after_s is None or after_s >= 0 else None) if words else None


def waited_for(command: Command) -> str:
    """Return what would prove a command that runs, as the car would say it; "" when only the maker can tell."""
    signal = KINDS[command.kind].signal
    if signal is None:
        return ""
    if command.kind in STATE_NOW:
        return str(STATE_NOW[command.kind])
    return words_for(signal, next(iter(command.parameters.values()), None))


def known_of(kind: str, readings: Readings, source_name: str) -> Known | None:
    """Return what the car last said about what a kind of command decides; None when it said nothing we may show."""
    signal = KINDS[kind].signal
    reading = getattr(readings, signal) if signal is not None else None
    if signal is None or reading is None:
        return None
    words = words_for(signal, reading.value)
    return Known(words, reading.observed_at, reading.is_stale, source_name) if words else None
