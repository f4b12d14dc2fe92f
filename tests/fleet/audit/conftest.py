"""A team with an owner who reads its trail, and things that happened in it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from fleet.events.models import Event
from fleet.events.services import record
from fleet.teams.models import Membership
from fleet.vehicles.models import Lane, Vehicle
from tests.factories import make_team

Happen = Callable[..., Event]


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team()


@pytest.fixture
def pages(owner: Membership) -> Client:
    client = Client()
    client.force_login(owner.user)
    return client


@pytest.fixture
def happen(owner: Membership) -> Happen:
    """Write an event of the team: happen("rule.added", actor="user:…", data={…})."""

    def write(kind: str, *, actor: str = "", team_id: UUID | None = None, **facts: Any) -> Event:
        with transaction.atomic():
            event = record(kind, actor=actor or owner.user.actor, team_id=team_id or owner.team_id, **facts)
        event.refresh_from_db()
        return event

    return write


def make_vehicle(membership: Membership, plate: str, **facts: Any) -> Vehicle:
    lane = Lane.objects.create(key=f"{membership.team_id}{plate}"[:64])
    return Vehicle.objects.create(team=membership.team, lane=lane, make="VW", model="ID.3", plate=plate, **facts)
