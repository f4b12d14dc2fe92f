"""What happened to one command, told in sentences from the log; and pages of commands by time."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from commands.models import Command
from commands.words import EVIDENCE, STATES, reason_of
from fleet.events.models import Event

PAGE_SIZE = 50


@dataclass(frozen=True)
class Entry:
    at: datetime
    sentence: str


def entries_of(command: Command) -> list[Entry]:
    """Return what the log says of a command, oldest first."""
    events = Event.objects.filter(subject=f"command:{command.id}", team_id=command.team_id).order_by("id")
    return [Entry(event.at, _sentence(event)) for event in events]


def _sentence(event: Event) -> str:
    state = event.kind.removeprefix("command.")
    said = str(STATES.get(state, state))
    why = EVIDENCE.get(event.data.get("evidence", "")) or reason_of(
        event.data.get("error", ""), event.data.get("reason", "")
    )
    return f"{said}. {why}" if why else f"{said}."


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
        raw_time, _, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        accepted_at = datetime.fromisoformat(raw_time)
        return (accepted_at, UUID(raw_id)) if accepted_at.tzinfo is not None else None
    except (ValueError, binascii.Error):
        return None
