"""What was done with an owner's cars while they shared them: every command and every read, newest first, in pages."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commands.access import with_disputes
from commands.models import Command
from commands.programs.models import ScheduleRun
from commands.proof import Outcome, end_of
from commands.words import LABELS, reason_of
from connect.scopes import SCOPES
from fleet.portal.access import links_of
from fleet.portal.words import ORIGINS, PURPOSES
from fleet.teams.models import User
from fleet.vehicles.models import Owner, ReadCount, VehicleLink

PAGE_SIZE = 50
READ, COMMAND = "r", "c"


@dataclass(frozen=True)
class Entry:
    """One command, or the reads of one hour of one kind. what: in words, without any value of the car.

    outcome, reason: of a command. seen: titles of what a read was allowed to keep.
    """

    at: datetime
    is_command: bool
    icon: str
    what: str
    car: str
    plate: str
    vin_end: str
    who: str
    why: str
    outcome: Outcome | None
    reason: str
    seen: list[str]


@dataclass(frozen=True)
class Names:
    """Who did it, by id; only people who are, or were, in the team. schedules: by the job that they began."""

    people: dict[str, str]
    schedules: dict[str, str]

    def person(self, user_id: object) -> str:
        return self.people.get(str(user_id)) or _("Somebody of the team")


def page_of(owner: Owner, cursor: str) -> tuple[list[Entry], str]:
    """Return one page of an owner's log and the cursor of the next ("" at the end).

    A cursor that makes no sense shows the first page.
    """
    links = {link.id: link for link in links_of(owner)}
    after = _read_cursor(cursor)
    rows = sorted(chain(_commands(owner, links, after), _reads(owner, links, after)), key=_key, reverse=True)
    shown, more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    return entries_of(shown, links, owner), _make_cursor(shown[-1]) if more else ""


def everything_of(owner: Owner) -> Iterator[list[Entry]]:
    """Yield the whole log in pages, newest first."""
    cursor = ""
    while True:
        entries, cursor = page_of(owner, cursor)
        yield entries
        if not cursor:
            return


def entries_of(rows: Iterable[Command | ReadCount], links: dict[UUID, VehicleLink], owner: Owner) -> list[Entry]:
    """Return rows as people read them; the names are looked up together."""
    rows = list(rows)
    names = _names(rows, owner)
    return [
        _of_command(row, links[row.link_id], names)
        if isinstance(row, Command)
        else _of_reads(row, links[row.link_id], names)
        for row in rows
    ]


def _of_command(command: Command, link: VehicleLink, names: Names) -> Entry:
    why = str(ORIGINS.get(command.origin, ""))
    if command.cause in names.schedules:
        why = _("by the schedule “%(name)s”") % {"name": names.schedules[command.cause]}
    outcome = end_of(command)
    return Entry(
        at=command.accepted_at,
        is_command=True,
        icon=command.kind,
        what=str(LABELS[command.kind]),
        car=link.vehicle.make_and_model,
        plate=link.vehicle.plate,
        vin_end=link.vehicle.vin[-6:],
        who=_("A guest") if command.origin == "guest" else names.person(command.user_id),
        why=why,
        outcome=outcome,
        reason=reason_of(command.error_code, command.error_reason),
        seen=[],
    )


def _of_reads(reads: ReadCount, link: VehicleLink, names: Names) -> Entry:
    kind, _sep, user_id = reads.actor.partition(":")
    return Entry(
        at=reads.hour_at,
        is_command=False,
        icon="refresh",
        what=ngettext("Read once", "Read %(count)s times within the hour", reads.count) % {"count": reads.count},
        car=link.vehicle.make_and_model,
        plate=link.vehicle.plate,
        vin_end=link.vehicle.vin[-6:],
        who=names.person(user_id) if kind == "user" else "Fleetwell",
        why=str(PURPOSES.get(reads.purpose, "")),
        outcome=None,
        reason="",
        seen=[SCOPES[key].title for key in SCOPES if key in reads.scopes],
    )


def _names(rows: list[Command | ReadCount], owner: Owner) -> Names:
    users = {str(row.user_id) for row in rows if isinstance(row, Command) and row.user_id}
    users |= {row.actor[5:] for row in rows if isinstance(row, ReadCount) and row.actor.startswith("user:")}
    jobs = {row.cause[4:] for row in rows if isinstance(row, Command) and row.origin == "schedule"}
    people = User.objects.filter(id__in=users, membership__team_id=owner.team_id).distinct() if users else []
    runs = ScheduleRun.objects.filter(job_id__in=jobs, team_id=owner.team_id) if jobs else ScheduleRun.objects.none()
    return Names(
        {str(one.id): one.name for one in people},
        {f"job:{job_id}": name for job_id, name in runs.values_list("job_id", "schedule__name")},
    )


# Pages ------------------------------------------------------------------------------------------------------------


def _commands(owner: Owner, links: dict[UUID, VehicleLink], after: tuple[datetime, str, str] | None) -> Any:
    vehicles = {link.vehicle_id for link in links.values()}
    commands = with_disputes(Command.objects.filter(vehicle_id__in=vehicles, link_id__in=links, team_id=owner.team_id))
    return _below(commands.order_by("-accepted_at", "-id"), "accepted_at", COMMAND, after)


def _reads(owner: Owner, links: dict[UUID, VehicleLink], after: tuple[datetime, str, str] | None) -> Any:
    reads = ReadCount.objects.filter(link_id__in=links, team_id=owner.team_id)
    return _below(reads.order_by("-hour_at", "-id"), "hour_at", READ, after)


def _below(rows: QuerySet[Any], time: str, kind: str, after: tuple[datetime, str, str] | None) -> QuerySet[Any]:
    """Return the rows that come after a place in the list: by time, reads before commands, then by id."""
    if after is not None:
        at, after_kind, after_id = after
        place = Q(**{f"{time}__lt": at})
        if kind == after_kind:
            place |= Q(**{time: at, "id__lt": after_id})
        elif kind < after_kind:
            place |= Q(**{time: at})
        rows = rows.filter(place)
    return rows[: PAGE_SIZE + 1]


def _key(row: Command | ReadCount) -> tuple[datetime, str, Any]:
    return (row.accepted_at, COMMAND, row.pk) if isinstance(row, Command) else (row.hour_at, READ, row.pk)


def _make_cursor(row: Command | ReadCount) -> str:
    at, kind, key = _key(row)
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{kind}|{key}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str, str] | None:
    try:
        raw_at, kind, key = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().split("|")
        at = datetime.fromisoformat(raw_at)
        is_sound = at.tzinfo is not None and (UUID(key) if kind == COMMAND else 0 <= int(key) < 2**63)
        return (at, kind, key) if is_sound is not False and kind in {COMMAND, READ} else None
    except (ValueError, binascii.Error):
        return None
