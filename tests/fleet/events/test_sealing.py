"""The sealer: every committed event once, in its team's chain, whatever its number and whenever it committed."""

from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from fleet.events.chain import GENESIS, INSTALLATION, EventRow
from fleet.events.models import Anchor, Event, Seal
from fleet.events.sealing import EVENTS_PER_SEAL, LOCK, seal_batch, seal_events
from fleet.events.verifying import verify
from tests.fleet.events.conftest import happen
from tests.infrastructure.databases import CommittedDatabase

INSERT = "INSERT INTO events_event (team_id, kind, actor) VALUES (%s, 'team.created', 'user:1') RETURNING id"


def sealed(chain_id: UUID) -> list[list[int]]:
    return list(Seal.objects.filter(chain_id=chain_id).order_by("sequence").values_list("event_ids", flat=True))


def test_seal_events_when_teams_did_things_chains_each_by_itself(committed_db: CommittedDatabase, team: UUID) -> None:
    other = uuid4()
    first = happen(team, 2)
    of_other, nobodys = happen(other), happen(None)
    seal_events()
    second = happen(team, 1)

    assert seal_events() == 1

    assert (sealed(team), sealed(other), sealed(INSTALLATION)) == ([first, second], [of_other], [nobodys])
    one, two = Seal.objects.filter(chain_id=team).order_by("sequence")
    assert (bytes(one.previous_hash), bytes(two.previous_hash)) == (GENESIS, bytes(one.hash))
    assert verify().problems == []


def test_seal_events_when_a_lower_number_commits_later_seals_it_once_behind_the_higher(
    committed_db: CommittedDatabase, team: UUID
) -> None:
    with psycopg.connect(committed_db.url) as slow:
        low = slow.execute(INSERT, [team]).fetchone()[0]
        (high,) = happen(team)
        before = [seal_events(), seal_events()]
        slow.commit()
    after = [seal_events(), seal_events()]

    assert low < high
    assert (before, after) == ([1, 0], [1, 0])
    assert sealed(team) == [[high], [low]]
    assert verify().problems == []


def test_seal_events_when_an_event_is_rolled_back_waits_for_nothing(
    committed_db: CommittedDatabase, team: UUID
) -> None:
    with psycopg.connect(committed_db.url) as failed:
        failed.execute(INSERT, [team])
        failed.rollback()
    ids = happen(team)

    assert [seal_events(), seal_events()] == [1, 0]
    assert sealed(team) == [ids]


def test_seal_events_when_another_sealer_works_leaves_it_to_that_one(
    committed_db: CommittedDatabase, team: UUID
) -> None:
    happen(team)
    with psycopg.connect(committed_db.url) as other:
        other.execute(LOCK)
        meanwhile = seal_events()
    assert (meanwhile, seal_events()) == (0, 1)


def test_seal_batch_when_it_fails_leaves_the_events_waiting(
    committed_db: CommittedDatabase, team: UUID, as_owner: psycopg.Connection
) -> None:
    happen(team, 2)
    as_owner.execute("ALTER TABLE events_seal ADD CONSTRAINT broken CHECK (false)")
    with pytest.raises(DatabaseError):
        seal_batch()
    as_owner.execute("ALTER TABLE events_seal DROP CONSTRAINT broken")

    assert seal_batch() == 2


def test_seal_events_when_there_are_ten_thousand_asks_no_more_queries_than_for_two(
    committed_db: CommittedDatabase, team: UUID
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (team_id, kind, actor) SELECT %s, 'command.sent', 'system:test' "
            "FROM generate_series(1, 10000)",
            [team],
        )
    with CaptureQueriesContext(connection) as many:
        numbers = [seal_batch(limit=10_000)]
    happen(team, 2)
    with CaptureQueriesContext(connection) as few:
        numbers.append(seal_batch(limit=10_000))

    assert numbers == [10_000, 2]
    assert len(many) == len(few)
    assert max(len(ids) for ids in sealed(team)) == EVENTS_PER_SEAL
    assert verify().problems == []


def test_event_row_when_the_log_gets_a_column_has_it_too() -> None:
    assert list(EventRow._fields) == [field.column for field in Event._meta.concrete_fields]


@pytest.mark.parametrize("model", [Seal, Anchor])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_seals_and_anchors_when_the_application_changes_them_are_kept(
    committed_db: CommittedDatabase, team: UUID, as_owner: psycopg.Connection, model: type[Seal], change: str
) -> None:
    happen(team)
    seal_events()
    Anchor.objects.create(heads={})
    statement = change.format(model._meta.db_table)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(psycopg.Error, match="append-only"):
        as_owner.execute(statement)
