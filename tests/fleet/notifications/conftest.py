"""A team whose members are told, and things that happen in it: written, sealed and read as the clock would."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import transaction

from fleet.events.models import Event
from fleet.events.sealing import seal_events
from fleet.events.services import record
from fleet.notifications.access import notices_of
from fleet.notifications.entries import entries_of
from fleet.notifications.models import Line
from fleet.notifications.reading import read_news
from fleet.teams.access import memberships_of
from fleet.teams.models import Membership, User
from fleet.vehicles.models import Lane, Vehicle
from tests.factories import make_team
from tests.infrastructure.databases import CommittedDatabase


def write(kind: str, *, membership: Membership | None = None, actor: str = "system:test", **facts: Any) -> Event:
    """Let something happen in a transaction of its own."""
    team_id = membership.team_id if membership else None
    with transaction.atomic():
        return record(kind, actor=actor, team_id=team_id, **facts)


def read() -> int:
    """Seal and read, as the clock does; of how many events people were told."""
    seal_events()
    return read_news()


def told(user: User) -> list[tuple[str, int]]:
    """What the bell of a person shows, oldest first: kind and count."""
    fresh = User.objects.get(pk=user.pk)
    return [(notice.event_kind, notice.count) for notice in reversed(notices_of(fresh))]


def says(user: User) -> list[str]:
    """The sentences behind the bell, newest first."""
    fresh = User.objects.get(pk=user.pk)
    return [entry.says for entry in entries_of(list(notices_of(fresh)), memberships_of(fresh))]


def waits(user: User) -> list[tuple[str, int]]:
    """What waits for a letter to a person."""
    return list(Line.objects.filter(user=user, letter=None).order_by("at", "id").values_list("event_kind", "count"))


def let_lines_wait_since(at: datetime) -> None:
    """Move what waits for a letter into the past, instead of waiting."""
    Line.objects.filter(letter=None).update(created_at=at)


def make_vehicle(membership: Membership, plate: str) -> Vehicle:
    lane = Lane.objects.create(key=uuid4().hex)
    return Vehicle.objects.create(team=membership.team, lane=lane, make="VW", model="ID.3", plate=plate)


@pytest.fixture
def owner(committed_db: CommittedDatabase, as_owner: psycopg.Connection) -> Membership:
    """The owner of a team, with whatever its making wrote behind us; alerts want a real command behind each event."""
    as_owner.execute("ALTER TABLE events_event DISABLE TRIGGER events_event_alert")
    membership = make_team()
    read()
    return membership
