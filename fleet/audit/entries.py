"""Events as people read them: who, what, which vehicle. And pages of them by time."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from commands.words import EVIDENCE, LABELS, reason_of
from connect.scopes import SCOPES
from fleet.audit.names import Names, names_for
from fleet.audit.rules import rule_says
from fleet.audit.sentences import NAMED, SENTENCES, ways_of
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.vehicles.models import Vehicle

PAGE_SIZE = 50
WRONG = {
    "account.second_factor_failed",
    "account.sign_in_failed",
    "command.contradicted",
    "command.failed",
    "member.refused",
}
# 2**63 - 1: what the database can compare an id with.
ID_MOST = 9_223_372_036_854_775_807
Place = tuple[datetime, int]


@dataclass(frozen=True)
class Entry:
    """One event for people. vehicle_name: also of one that is gone, by a neutral word; "" when it is about none."""

    event: Event
    who: str
    says: str
    detail: str
    vehicle: Vehicle | None
    vehicle_name: str

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def who_query(self) -> str:
        """Return how the filter asks for what the same one did; "" for what nobody did."""
        return self.event.actor if self.event.actor.startswith(("user:", "owner:")) else ""

    @property
    def tone(self) -> str:
        """Return how an event that went wrong is marked; "" for the rest."""
        return "danger" if self.event.kind in WRONG else ""


def page_of(events: QuerySet[Event], cursor: str, *, team_id: UUID | None) -> tuple[list[Entry], str]:
    """Return one page of entries, newest first, and the cursor of the next page ("" at the end).

    A cursor that makes no sense shows the first page: a list never widens or fails because of a bad parameter.
    """
    rows = list(_after(events, read_cursor(cursor))[: PAGE_SIZE + 1])
    page = rows[:PAGE_SIZE]
    return entries_of(page, team_id=team_id), _make_cursor(page[-1]) if len(rows) > PAGE_SIZE else ""


def chunks_of(events: QuerySet[Event], *, team_id: UUID | None, size: int) -> Iterator[list[Entry]]:
    """Yield all entries, newest first, so many at a time; each chunk is a short query of its own."""
    place = None
    while rows := list(_after(events, place)[:size]):
        yield entries_of(rows, team_id=team_id)
        place = (rows[-1].at, rows[-1].id)


def entries_of(events: list[Event], *, team_id: UUID | None) -> list[Entry]:
    """Tell events of one team, or of an account, in the language of who reads."""
    names = names_for(events, team_id=team_id)
    return [_entry(event, names) for event in events]


def _entry(event: Event, names: Names) -> Entry:
    vehicle = names.vehicles.get(event.vehicle_id) if event.vehicle_id else None
    name = (vehicle.plate or vehicle.title) if vehicle else _("A vehicle that is gone") if event.vehicle_id else ""
    says = say(event, names)
    return Entry(event, names.actor(event.actor), says, _detail(event, names, says), vehicle, name)


def say(event: Event, names: Names) -> str:
    """Return the sentence for an event, with names as far as they are known; for a kind of a later version its name."""
    values = _Values(event, names)
    if event.kind in NAMED:
        try:
            return str(NAMED[event.kind]) % dict(values)
        except KeyError:
            pass  # gone, shredded, or never told: the sentence without
    sentence = SENTENCES.get(event.kind)
    return str(sentence) % values if sentence is not None else event.kind


class _Values(dict[str, str]):
    """What sentences may name. Whatever an event does not say is a dash: old events said less."""

    def __init__(self, event: Event, names: Names) -> None:
        data = event.data
        found = {
            "command": LABELS.get(data.get("kind", ""), data.get("kind")),
            "commands": _commands(data.get("commands")),
            "role": _role(data),
            "person": names.person(str(data["user"])) if "user" in data else None,
            "name": data.get("name"),
            "brand": str(data["brand"]).title() if data.get("brand") else None,
            "scope": SCOPES[data["scope"]].title if data.get("scope") in SCOPES else data.get("scope"),
            "resource": data.get("resource"),
            "limit": number_format(data["limit"]) if isinstance(data.get("limit"), int) else data.get("limit"),
            "address": names.personal.get(str(data.get("address"))),
            "alert": names.alerts.get(event.subject),
            "link": names.share_links.get(event.subject),
            "format": str(data.get("format", "")).upper() or None,
        }
        super().__init__({key: str(value) for key, value in found.items() if value is not None})

    def __missing__(self, key: str) -> str:
        return "–"


def _commands(kinds: object) -> str | None:
    # A job tells how many, a car that gained some tells which.
    return ", ".join(str(LABELS.get(kind, kind)) for kind in kinds) if isinstance(kinds, list) else None


def _role(data: dict[str, Any]) -> str | None:
    if data.get("role") == Role.CUSTOM:
        return data.get("name")
    return str(Role(data["role"]).label) if data.get("role") in Role.values else data.get("role")


def _detail(event: Event, names: Names, says: str) -> str:
    """Return what stands below the sentence: why, how it is known, or a value that names a person."""
    data = event.data
    personal = [names.personal[value] for value in data.values() if isinstance(value, str) and value in names.personal]
    if told := [value for value in personal if value not in says]:
        return ", ".join(told)
    if event.kind.startswith("rule."):
        return rule_says(data)
    if event.kind.startswith("account."):
        return ways_of(data)
    if not event.kind.startswith("command."):
        return ""
    return str(EVIDENCE.get(data.get("evidence", ""), "")) or reason_of(data.get("error", ""), data.get("reason", ""))


def _after(events: QuerySet[Event], place: Place | None) -> QuerySet[Event]:
    if place is None:
        return events
    at, event_id = place
    # The first condition is where the index begins; the second leaves out what was shown.
    return events.filter(Q(at__lt=at) | Q(at=at, id__lt=event_id), at__lte=at)


def _make_cursor(event: Event) -> str:
    return base64.urlsafe_b64encode(f"{event.at.isoformat()}|{event.id}".encode()).decode()


def read_cursor(cursor: str) -> Place | None:
    """Return where a page begins, None for a cursor that makes no sense."""
    try:
        raw_time, _sep, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        at, event_id = datetime.fromisoformat(raw_time), int(raw_id)
    except (ValueError, binascii.Error):
        return None
    return (at, event_id) if at.tzinfo is not None and 0 < event_id <= ID_MOST else None
