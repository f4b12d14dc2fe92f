"""Who may touch what: the log is nobody's to change, the rules are the owner's."""

import psycopg
from psycopg import errors

from fleet.adapters.commands import Lock
from tests.commands.rig import press, undone


def refusers(connection: psycopg.Connection, statements: list[str]) -> dict[str, str]:
    """Which kind of error each statement got; "" for one that passed."""
    found = {}
    for statement in statements:
        found[statement] = ""
        with undone(connection):
            try:
                connection.execute(statement)
            except errors.Error as error:
                found[statement] = type(error).__name__
    return found


LOG_CHANGES = [
    "UPDATE events_event SET kind = 'command.confirmed'",
    "DELETE FROM events_event",
    "TRUNCATE events_event",
    "TRUNCATE events_event CASCADE",
]


def test_log_when_somebody_wants_to_change_it_then_the_rights_or_the_trigger_refuse(link, committed_db, as_owner):
    press(link, Lock())

    with psycopg.connect(committed_db.url, autocommit=True) as as_application:
        told_application = refusers(as_application, LOG_CHANGES)

    assert told_application == dict.fromkeys(LOG_CHANGES, "InsufficientPrivilege")
    assert refusers(as_owner, LOG_CHANGES) == dict.fromkeys(LOG_CHANGES, "CheckViolation")


OWNERS_ALONE = [
    "DELETE FROM commands_command",
    "DELETE FROM commands_commandattempt",
    "INSERT INTO commands_transition VALUES ('confirmed', 'queued')",
    "UPDATE commands_transition SET to_state = 'queued'",
    "DELETE FROM commands_transition",
    "TRUNCATE commands_command CASCADE",
    "ALTER TABLE commands_command DISABLE TRIGGER command_guard",
    "SET session_replication_role = replica",
]


def test_application_when_it_wants_what_only_the_owner_may_then_it_is_refused(link, committed_db):
    press(link, Lock())

    with psycopg.connect(committed_db.url, autocommit=True) as connection:
        refused = refusers(connection, OWNERS_ALONE)

    assert refused == dict.fromkeys(OWNERS_ALONE, "InsufficientPrivilege")
