"""A log with some events of two teams and of the installation, and the database's superuser, who can do anything."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import transaction

from fleet.events.services import record
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers


def happen(team_id: UUID | None, number: int = 1, kind: str = "vehicle.joined") -> list[int]:
    """Let so many things happen, each in a transaction of its own; the numbers of the events."""
    ids = []
    for turn in range(number):
        with transaction.atomic():
            event = record(kind, actor="user:1", team_id=team_id, subject="link:7", data={"turn": turn, "word": "Öl"})
        ids.append(event.id)
    return ids


@pytest.fixture
def team() -> UUID:
    return uuid4()


@pytest.fixture
def superuser(committed_db: CommittedDatabase) -> Iterator[psycopg.Connection]:
    """Somebody who owns the machine: no trigger and no grant holds them."""
    with psycopg.connect(servers.postgres.url(committed_db.name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
