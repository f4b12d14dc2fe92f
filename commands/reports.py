"""The door for what makers report by themselves: a webhook's handler calls note_report, and nothing else."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from commands.alerts.services import tell_otherwise
from commands.evidence import judge_report
from commands.models import Command, State
from fleet.adapters.commands import KINDS
from fleet.adapters.errors import Accepted, Done, NotExecuted, Verdict
from fleet.events.services import acting_as
from fleet.vehicles.consent import allowed_scopes

SEARCHED = (State.SENT, State.UNKNOWN)
ACTOR = "system:report"


def note_report(app_id: UUID, ref: str, verdict: Verdict, at: datetime) -> str:
    """Take a maker's own report about a command that it took under `ref`, and say what came of it.

    at: when the maker says it happened (aware UTC). Returns "moved" when the command is final by it; "noted" when it
    waits for what the car itself says, or was told as an event; "contradicted" when it says the opposite of an end
    that stands; "nothing" when it is no news; "unknown" when no command has this reference (yet: the answer that brings
    it may still be on its way to us, so ask again later). The first definite word stands, however often it comes.
    """
    command = Command.objects.filter(app_id=app_id, ref=ref).order_by("-accepted_at").first() if ref else None
    if command is None:
        return "unknown"
    if command.state in SEARCHED and (came_of_it := _move(command, verdict)):
        return came_of_it
    command.refresh_from_db()
    if not command.is_final:
        return "nothing"
    said, code = _words(verdict)
    return "contradicted" if tell_otherwise(command, said=said, code=code, source="report", at=at) else "nothing"


def _move(command: Command, verdict: Verdict) -> str:
    """Move a command whose effect is looked for; "" when somebody else was quicker or there is nothing to move."""
    secrets = dict.fromkeys(KINDS[command.kind].secrets, "0000")
    finding = judge_report(verdict, order=command.order(secrets), scopes=sorted(allowed_scopes(command.link)))
    now = timezone.now()
    if finding is not None:
        end = {"state": finding.state, "evidence": finding.evidence, "error_code": finding.code}
        return "moved" * _update(
            command, **end, error_reason=finding.reason, answered_at=command.answered_at or now, finished_at=now
        )
    if isinstance(verdict, Done):
        # The car can be read: what it says itself is worth more, so somebody looks at once. If it then says nothing,
        # this word is the proof when the time is over.
        return "noted" * _update(command, evidence="provider", next_check_at=now)
    if isinstance(verdict, Accepted) and command.state == State.UNKNOWN:
        return "noted" * _update(command, state=State.SENT, next_check_at=now)
    return ""


def _update(command: Command, **values: Any) -> int:
    with acting_as(ACTOR):
        return Command.objects.filter(pk=command.pk, state=command.state).update(**values)


def _words(verdict: Verdict) -> tuple[str, str]:
    """Return the state that a report speaks of, and its code."""
    match verdict:
        case Done():
            return "confirmed", ""
        case NotExecuted(code=code):
            return "failed", code
        case Accepted():
            return "sent", ""
    return "unknown", ""
