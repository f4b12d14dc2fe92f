"""Writing what people are told: into the bell and into the next letter, many of a kind as one with a count."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from fleet.notifications.audiences import News
from fleet.notifications.choices import choices_of
from fleet.notifications.kinds import KIND_OF_EVENT
from fleet.notifications.models import Line, Notice, Told

# What happens within these minutes stands in one line of the bell, until it is read.
GATHERED_FOR = timedelta(minutes=10)
MOST_VEHICLES = 100
# What of an event's data a sentence may need: words of ours and ids.
FACTS = ("kind", "user", "role", "name", "browser", "system", "why", "commands")
# A notification of the database carries less than 8,000 bytes.
USERS_PER_NOTIFICATION = 150
CHANNEL = "fleetwell_live"

Key = tuple[UUID, UUID | None, str, str]
Row = TypeVar("Row", bound=Told)


def tell_people(news: Iterable[News]) -> None:
    """Write notices and lines for some news in the reader's transaction; open pages hear of it after the commit."""
    gathered: dict[Key, list[News]] = {}
    for one in news:
        kind = KIND_OF_EVENT[one.event.kind].key
        gathered.setdefault((one.user_id, one.team_id, kind, one.needs), []).append(one)
    if not gathered:
        return
    choices = choices_of({key[0] for key in gathered})
    by_bell = {key: several for key, several in gathered.items() if choices[key[0]].bell(key[2])}
    by_letter = {key: several for key, several in gathered.items() if choices[key[0]].letter(key[2])}
    now = timezone.now()
    _write(Notice, Notice.objects.filter(read_at__isnull=True, created_at__gt=now - GATHERED_FOR), by_bell)
    _write(Line, Line.objects.filter(letter__isnull=True), by_letter)
    ring_bells({key[0] for key in by_bell})


def ring_bells(user_ids: set[UUID]) -> None:
    """Tell the open pages of some people that their bell shows something else."""
    ids = sorted(str(user_id) for user_id in user_ids)
    with connection.cursor() as cursor:
        for start in range(0, len(ids), USERS_PER_NOTIFICATION):
            told = json.dumps({"users": ids[start : start + USERS_PER_NOTIFICATION]})
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, told])


def _write(model: type[Row], open_rows: QuerySet[Row], gathered: dict[Key, list[News]]) -> None:
    """Count each person's news into the row of its kind that is open, or make one."""
    # Locked, so that a notice that is read in this moment, or a line that a letter takes, is not counted into.
    rows = open_rows.filter(user_id__in={key[0] for key in gathered}).order_by("at", "id").select_for_update()
    found = {(row.user_id, row.team_id, row.kind, row.needs): row for row in rows}
    made = []
    for key, several in gathered.items():
        row = found.get(key)
        if row is None:
            made.append(_make(model, key, several))
        else:
            _count_in(row, several)
    changed = [found[key] for key in gathered if key in found]
    fields = ["event_kind", "subject", "actor", "count", "vehicle_ids", "data", "at"]
    model._default_manager.bulk_update(changed, fields, batch_size=500)  # noqa: SLF001 - Django's public name
    model._default_manager.bulk_create(made, ignore_conflicts=True, batch_size=1000)  # noqa: SLF001


def _make(model: type[Row], key: Key, several: list[News]) -> Row:
    user_id, team_id, kind, needs = key
    row = model(user_id=user_id, team_id=team_id, kind=kind, needs=needs, event_id=several[0].event.id, count=0)
    _count_in(row, several)
    return row


def _count_in(row: Told, several: list[News]) -> None:
    """Let a row tell of more. Twice the same thing, such as a job that ran out and then ended, is one thing."""
    vehicles = dict.fromkeys(row.vehicle_ids)
    for news in several:
        if row.count == 0 or not news.event.subject or news.event.subject != row.subject:
            row.count += 1
        row.subject = news.event.subject
        vehicles |= dict.fromkeys(news.vehicle_ids)
    latest = several[-1].event
    row.event_kind, row.actor = latest.kind, latest.actor
    row.data = {fact: latest.data[fact] for fact in FACTS if isinstance(latest.data.get(fact), str | list)}
    row.at = max(moment for moment in (row.at, latest.at) if moment is not None)
    row.vehicle_ids = list(vehicles)[:MOST_VEHICLES]
