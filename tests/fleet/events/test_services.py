"""The log: written with its change or not at all, told after the commit, never changed, never removed."""

import json
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from fleet.events.models import Event
from fleet.events.services import acting_as, record
from tests.infrastructure.databases import CommittedDatabase


def test_record_when_called_keeps_who_did_what_to_whom(db: None) -> None:
    team, vehicle = uuid4(), uuid4()

    event = record(
        "vehicle.joined", actor="owner:1", team_id=team, vehicle_id=vehicle, subject="link:7", data={"scopes": ["a"]}
    )

    event.refresh_from_db()
    assert (event.kind, event.actor, event.team_id, event.vehicle_id, event.subject, event.data) == (
        "vehicle.joined",
        "owner:1",
        team,
        vehicle,
        "link:7",
        {"scopes": ["a"]},
    )
    assert event.at is not None


def test_record_when_outside_a_transaction_refuses(committed_db: CommittedDatabase) -> None:
    with pytest.raises(RuntimeError, match="belongs into the transaction"):
        record("vehicle.joined", actor="owner:1", team_id=None)

    assert not Event.objects.exists()


def test_record_when_the_change_is_rolled_back_is_gone_too(committed_db: CommittedDatabase) -> None:
    with transaction.atomic():
        record("vehicle.joined", actor="owner:1", team_id=None)
        transaction.set_rollback(True)

    assert not Event.objects.exists()


@pytest.mark.parametrize("lacking", [{"kind": ""}, {"actor": ""}])
def test_record_when_nobody_or_nothing_is_named_is_refused_by_the_database(db: None, lacking: dict[str, str]) -> None:
    given = {"kind": "vehicle.joined", "actor": "owner:1"} | lacking

    with pytest.raises(IntegrityError, match="event_has"), transaction.atomic():
        record(given["kind"], actor=given["actor"], team_id=None)


def test_acting_as_when_nobody_is_named_refuses(db: None) -> None:
    with pytest.raises(ValueError, match="needs an actor"), acting_as(""):
        pass


def test_acting_as_when_the_transaction_ends_forgets_the_name(committed_db: CommittedDatabase) -> None:
    def actor() -> str | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nullif(current_setting('fleetwell.actor', true), '')")
            return cursor.fetchone()[0]

    with acting_as("user:1"):
        inside = actor()

    assert (inside, actor()) == ("user:1", None)


def test_event_when_committed_is_told_with_ids_and_never_with_data(committed_db: CommittedDatabase) -> None:
    team = uuid4()
    with psycopg.connect(committed_db.url, autocommit=True) as listener:
        listener.execute("LISTEN fleetwell_live")
        with transaction.atomic():
            record("vehicle.joined", actor="owner:1", team_id=team, subject="link:7", data={"secret": "x"})
            before_commit = list(listener.notifies(timeout=0.1))
        told = list(listener.notifies(timeout=5, stop_after=1))

    assert before_commit == []
    assert [json.loads(note.payload) for note in told] == [
        {"team": str(team), "changes": [[None, "vehicle.joined", "link:7"]]}
    ]


CHANGES = ["UPDATE events_event SET actor = 'user:2'", "DELETE FROM events_event", "TRUNCATE events_event"]


@pytest.mark.parametrize("change", CHANGES)
def test_event_when_the_application_changes_it_is_refused(db: None, change: str) -> None:
    record("vehicle.joined", actor="owner:1", team_id=None)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)

    assert list(Event.objects.values_list("actor", flat=True)) == ["owner:1"]


@pytest.mark.parametrize("change", CHANGES)
def test_event_when_even_the_owner_of_the_table_changes_it_is_refused(
    as_owner: psycopg.Connection, change: str
) -> None:
    with transaction.atomic():
        record("vehicle.joined", actor="owner:1", team_id=None)

    with pytest.raises(psycopg.Error, match="append-only"):
        as_owner.execute(change)

    assert list(Event.objects.values_list("actor", flat=True)) == ["owner:1"]


def test_application_when_it_tries_to_lift_the_rules_may_not(db: None) -> None:
    refused = 0
    for statement in (
        "ALTER TABLE events_event DISABLE TRIGGER ALL",
        "DROP TRIGGER events_event_append_only ON events_event",
        "GRANT UPDATE ON events_event TO CURRENT_USER",
        "SET session_replication_role = replica",
    ):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError:
            refused += 1

    # PostgreSQL answers a GRANT without the right to grant with a warning; so what counts is the right itself.
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('events_event', 'UPDATE')")
        may_update = cursor.fetchone()[0]
    assert (refused >= 3, may_update) == (True, False)
