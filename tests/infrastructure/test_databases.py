"""The databases that tests stand on: real rights, nothing leaks from test to test, nothing can be flushed."""

import asyncio
import os
import threading

import psycopg
import pytest
from django.conf import settings
from django.db import Error, connection, connections
from django.test.utils import CaptureQueriesContext

from fleet.teams.models import Team
from tests.infrastructure.databases import CommittedDatabase


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db
def test_db_when_a_test_wrote_then_the_next_does_not_see_it(turn: int) -> None:
    assert Team.objects.count() == 0

    Team.objects.create(name="Rolled back")

    assert Team.objects.count() == 1


@pytest.mark.parametrize("turn", [1, 2])
def test_committed_db_when_a_test_commits_then_the_next_does_not_see_it(
    committed_db: CommittedDatabase, turn: int
) -> None:
    assert Team.objects.count() == 0

    Team.objects.create(name="Committed")

    with psycopg.connect(committed_db.url) as other:
        assert other.execute("SELECT name FROM teams_team").fetchall() == [("Committed",)]


def test_committed_db_when_used_then_settings_threads_and_processes_agree(committed_db: CommittedDatabase) -> None:
    Team.objects.create(name="Seen by all")
    seen: list[int] = []

    def look() -> None:
        seen.append(Team.objects.count())
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [1]
    assert settings.DATABASES["default"]["NAME"] == committed_db.name
    assert os.environ["DATABASE_URL"] == committed_db.url


def test_committed_db_when_asked_from_a_loop_then_async_connections_work(committed_db: CommittedDatabase) -> None:
    async def ask() -> object:
        async with await psycopg.AsyncConnection.connect(committed_db.url) as other:
            cursor = await other.execute("SELECT current_user, current_database()")
            return await cursor.fetchone()

    assert asyncio.run(ask()) == ("fleetwell_app", committed_db.name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE events_event",
        "DELETE FROM events_event",
        "UPDATE events_event SET kind = kind",
        "DROP TABLE events_event",
        "CREATE TABLE of_the_application (number int)",
    ],
)
def test_db_when_the_application_does_what_only_the_owner_may_then_refused(statement: str) -> None:
    with pytest.raises(Error, match=r"permission denied|must be owner"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_db_when_asked_then_it_is_the_applications_role() -> None:
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("fleetwell_app",)

    assert len(queries) == 1
