"""What happened to one command, told in sentences from the log; and pages of commands by time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from commands.models import Command
from commands.proof import outcome_for
from commands.words import EVIDENCE, reason_of, words_for
from fleet.events.models import Event

PAGE_SIZE = 50


@dataclass(frozen=True)
class Entry:
    """One thing that happened. after_s: how long after the press."""

    at: datetime
    sentence: str
    after_s: float | None = None


def entries_of(command: Command) -> list[Entry]:
    """Return what the log says of a command, oldest first."""
    events = Event.objects.filter(subject=f"command:{command.id}", team_id=command.team_id).order_by("id")
    return [Entry(event.at, _sentence(event), _after_s(command, event)) for event in events]


def _after_s(command: Command, event: Event) -> float | None:
    """Return how long after the press it was, once that is more than nothing."""
    after_s = round((event.at - command.accepted_at).total_seconds(), 1)
    return after_s if after_s > 0 else None


def _sentence(event: Event) -> str:
    data = event.data
    what = event.kind.removeprefix("command.")
    if what == "contradicted":
        return _told_otherwise(data)
    if what == "reported":
        return _("The maker reported: %(said)s.") % {"said": outcome_for(data.get("said", "")).word}
    outcome = outcome_for(
        what, error_code=data.get("error", ""), evidence=data.get("evidence", ""), was=data.get("from", "")
    )
    why = EVIDENCE.get(data.get("evidence", "")) or reason_of(data.get("error", ""), data.get("reason", ""))
    return f"{outcome.word}. {why}" if why and str(why) != outcome.word else f"{outcome.word}."


def _told_otherwise(data: dict[str, Any]) -> str:
    """Return the sentence for evidence that came after the end and says the opposite."""
    said = words_for(data.get("signal", ""), data.get("value"))
    if said:
        return _("Contradicted: the car said “%(said)s” afterwards.") % {"said": said}
    outcome = outcome_for(data.get("said", ""))
    return _("Contradicted: the maker reported “%(said)s” afterwards.") % {"said": outcome.word}


def page_of(commands: QuerySet[Command], cursor: str) -> tuple[list[Command], str]:
    """Return one page of commands, newest first, and the cursor of the next page ("" at the end).

    A cursor that makes no sense shows the first page: a list never widens or fails because of a bad parameter.
    """
    after = _read_cursor(cursor)
    if after is not None:
        accepted_at, command_id = after
        commands = commands.filter(Q(accepted_at__lt=accepted_at) | Q(accepted_at=accepted_at, id__lt=command_id))
    rows = list(commands[: PAGE_SIZE + 1])
    if len(rows) <= PAGE_SIZE:
        return rows, ""
    last = rows[PAGE_SIZE - 1]
    return rows[:PAGE_SIZE], _make_cursor(last)


def _make_cursor(command: Command) -> str:
    return base64.urlsafe_b64encode(f"{command.accepted_at.isoformat()}|{command.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    try:
        raw_time, __, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        accepted_at = datetime.fromisoformat(raw_time)
        return (accepted_at, UUID(raw_id)) if accepted_at.tzinfo is not None else None
    except (ValueError, binascii.Error):
        return None
