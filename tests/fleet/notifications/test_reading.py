"""Following the log: every committed event once, whenever it commits, and only the kinds that people are told of."""

import threading
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.events.models import Event
from fleet.events.sealing import seal_events
from fleet.notifications.kinds import KIND_OF_EVENT
from fleet.notifications.models import Line, Notice, Reader
from fleet.notifications.reading import read_batch, read_news
from fleet.run.processes import wait_until
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from tests.factories import make_member
from tests.fleet.notifications.conftest import read, told, waits, write
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.workers import StartWorker

JOINED = "INSERT INTO events_event (team_id, kind, actor, data) VALUES (%s, 'member.added', 'system:test', %s)"

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def test_read_news_when_an_event_with_a_lower_number_commits_later_then_it_is_told_as_well(
    committed_db: CommittedDatabase, owner: Membership
) -> None:
    with psycopg.connect(committed_db.url) as slow:
        slow.execute(JOINED, [owner.team_id, "{}"])
        write("member.added", membership=owner)
        before = (read(), read())
        slow.commit()

    assert before == (1, 0)
    assert (read(), read()) == (1, 0)
    assert (told(owner.user), waits(owner.user)) == ([("member.added", 2)], [("member.added", 2)])


def test_read_news_when_the_log_is_read_twice_then_nobody_is_told_twice(owner: Membership) -> None:
    write("member.added", membership=owner)
    read()
    # As if the reader had forgotten how far it was, and the person had read what they were told.
    Notice.objects.update(read_at=timezone.now())
    Line.objects.update(letter=None)
    Reader.objects.update(seal_id=0)

    read_news()

    assert Notice.objects.filter(user=owner.user).count() == 1


def test_read_news_when_it_fails_half_way_then_nothing_is_told_and_the_next_run_begins_where_it_was(
    owner: Membership, as_owner: psycopg.Connection
) -> None:
    before = Reader.objects.get().seal_id
    write("member.added", membership=owner)
    seal_events()
    # The cursor can't be moved: it is the last statement of the transaction.
    as_owner.execute("REVOKE UPDATE ON notifications_reader FROM fleetwell_app")
    as_owner.execute("GRANT UPDATE (id) ON notifications_reader TO fleetwell_app")

    with pytest.raises(DatabaseError, match="permission denied"):
        read_batch()
    as_owner.execute("GRANT UPDATE ON notifications_reader TO fleetwell_app")

    assert (Notice.objects.count(), Line.objects.count(), Reader.objects.get().seal_id) == (0, 0, before)
    assert read_news() == 1
    assert told(owner.user) == [("member.added", 1)]


def test_read_news_when_two_readers_run_then_one_of_them_does_the_work(
    committed_db: CommittedDatabase, owner: Membership
) -> None:
    write("member.added", membership=owner)
    seal_events()
    with psycopg.connect(committed_db.url) as other:
        other.execute("SELECT * FROM notifications_reader FOR UPDATE")

        assert read_batch() is None
    assert read_batch() == 1


def test_read_news_when_commands_move_then_they_cost_no_row_and_no_further_query(owner: Membership) -> None:
    def cost(number: int, kind: str) -> tuple[int, int]:
        Event.objects.bulk_create(
            Event(team_id=owner.team_id, kind=kind, actor="system:test", subject=f"command:{uuid4()}", data={})
            for _ in range(number)
        )
        seal_events()
        with CaptureQueriesContext(connection) as queries:
            read_batch()
        return len(queries), Notice.objects.count()

    few, many = cost(10, "command.confirmed"), cost(2_000, "command.confirmed")
    one, storm = cost(1, "command.unresolved"), cost(500, "command.unresolved")

    assert few == many
    assert (many[1], one[1], storm[1]) == (0, 1, 1)
    # Two more: the row that is there is looked up and counted into, not made.
    assert storm[0] <= one[0]
    assert told(owner.user) == [("command.unresolved", 501)]


def test_read_log_when_the_clocks_worker_is_rung_then_people_are_told(owner: Membership, worker: StartWorker) -> None:
    from fleet.notifications.tasks import read_log

    worker(queues="clock")
    write("member.added", membership=owner)
    seal_events()

    read_log.delay()

    assert wait_until(lambda: told(owner.user) == [("member.added", 1)], within_s=20)


def test_notices_when_read_in_the_moment_that_more_happens_then_nothing_of_it_is_lost(
    committed_db: CommittedDatabase, owner: Membership
) -> None:
    write("member.added", membership=owner)
    read()
    write("member.added", membership=owner)
    seal_events()
    with psycopg.connect(committed_db.url) as reading:
        reading.execute("UPDATE notifications_notice SET read_at = now()")
        thread = threading.Thread(target=_read_and_close)
        thread.start()
        with psycopg.connect(committed_db.url, autocommit=True) as looking:
            asked = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            assert wait_until(lambda: looking.execute(asked).fetchone() == (1,), within_s=10)
        reading.commit()
        thread.join(10)

    assert told(owner.user) == [("member.added", 1), ("member.added", 1)]
    assert [notice.read_at is None for notice in Notice.objects.order_by("at")] == [False, True]


def _read_and_close() -> None:
    try:
        read_news()
    finally:
        connection.close()


def test_notices_when_minutes_lie_between_then_they_are_two(owner: Membership) -> None:
    write("member.added", membership=owner)
    read()
    Notice.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    write("member.added", membership=owner)

    read()

    assert told(owner.user) == [("member.added", 1), ("member.added", 1)]


def test_kinds_when_events_have_names_then_each_belongs_to_one_kind(owner: Membership) -> None:
    make_member(owner.team, Role.VIEWER)

    assert KIND_OF_EVENT["member.added"].key == "joined"
    # account.* of others, and whatever a role may not hear, are in test_audiences.
    assert read() == 1
