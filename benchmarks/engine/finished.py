"""A table full of commands that ended long ago, with their attempts and events: copies of one that really ran.

Import it after Django is set up, that is, while a rig is open.
"""

from typing import Any

import psycopg
from psycopg import sql

from benchmarks.engine.rig import Rig
from benchmarks.engine.seeding import Fleet

# A finished command for every car, then another one an hour older, and so on.
COPIES = """
CREATE TEMP TABLE copies AS
SELECT gen_random_uuid() AS id, car.vehicle_id, car.lane_id, car.link_id, car.next_sequence + n AS sequence,
       nextval('commands_fence') AS fence, n * interval '1 hour' AS age
FROM generate_series(0, %(rounds)s - 1) n, (
    SELECT l.id AS link_id, l.vehicle_id, v.lane_id, lane.next_sequence FROM vehicles_vehiclelink l
    JOIN vehicles_vehicle v ON v.id = l.vehicle_id JOIN vehicles_lane lane ON lane.id = v.lane_id
    WHERE l.team_id = %(team)s
) car
"""
SEQUENCES = """
UPDATE vehicles_lane SET next_sequence = next_sequence + %(rounds)s WHERE id IN (SELECT lane_id FROM copies)
"""
# Per table: which rows of the one command are copied, and what is different in a copy.
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "commands_command": (
        "t.id = %(one)s",
        {name: f"copies.{name}" for name in ("id", "vehicle_id", "lane_id", "link_id", "sequence", "fence")},
    ),
    "commands_commandattempt": ("t.command_id = %(one)s", {"command_id": "copies.id", "fence": "copies.fence"}),
    "events_event": (
        "t.subject = 'command:' || %(one)s",
        {"vehicle_id": "copies.vehicle_id", "subject": "'command:' || copies.id"},
    ),
}


def fill(rig: Rig, fleet: Fleet, number: int) -> None:
    """Write so many finished commands of the fleet's cars, with one attempt and all events of each."""
    given = {"team": fleet.membership.team_id, "rounds": max(number // len(fleet.cars), 1)}
    with rig.admin() as connection:
        found = connection.execute(
            "SELECT id FROM commands_command WHERE team_id = %(team)s AND state = 'confirmed' LIMIT 1", given
        ).fetchone()
        assert found is not None
        connection.execute("SET session_replication_role = replica")
        connection.execute(COPIES, given)
        for table, (which, different) in TABLES.items():
            _copy(connection, table, which, different, {"one": found[0]})
        connection.execute(SEQUENCES, given)
        connection.execute("VACUUM ANALYZE")


def _copy(
    connection: psycopg.Connection[Any], table: str, which: str, different: dict[str, str], given: dict[str, Any]
) -> None:
    """Copy rows of one table for every copy, with every time as much older as the copy is."""
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
        "AND NOT attisdropped AND attidentity = ''",
        [table],
    ).fetchall()
    values = [
        different.get(name, f"t.{name} - copies.age" if kind == "timestamp with time zone" else f"t.{name}")
        for name, kind in rows
    ]
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in rows)
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} t, copies WHERE {}").format(
        sql.Identifier(table),
        names,
        sql.SQL(", ".join(values)),  # type: ignore[arg-type]  # names of our own tables, no value from outside
        sql.Identifier(table),
        sql.SQL(which),  # type: ignore[arg-type]
    )
    connection.execute(statement, given)
