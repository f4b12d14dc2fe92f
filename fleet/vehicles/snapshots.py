"""Writing what reads brought: latest value per signal, many cars at once, for both Django and the dispatcher."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from fleet.adapters.commands import KINDS
from fleet.adapters.signals import SIGNALS, VehicleSnapshot

# The signals that say whether a button shows "on"; most readings of most cars are not among what changed.
PROVING = sorted({command.signal for command in KINDS.values() if command.signal is not None})

# Older never overwrites newer. Pages are told only when a value changed, not for every read. Rows are taken in one
# order, so that two writers with the same cars wait for each other instead of meeting in a deadlock.
SAVE_SNAPSHOTS = """
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (vehicle_id, signal) * FROM jsonb_to_recordset(%(readings)s::jsonb)
        AS g(team_id uuid, vehicle_id uuid, signal text, value jsonb, observed_at timestamptz, source text)
    ORDER BY vehicle_id, signal, observed_at DESC
), changed AS MATERIALIZED (
    SELECT given.team_id, vehicle_id, bool_or(signal = ANY(%(proving)s)) AS buttons
    FROM given LEFT JOIN vehicles_vehiclesignal s USING (vehicle_id, signal)
    WHERE s.value IS NULL OR (s.value <> given.value AND s.observed_at <= given.observed_at)
    GROUP BY given.team_id, vehicle_id
), saved AS (
    INSERT INTO vehicles_vehiclesignal AS s (team_id, vehicle_id, signal, value, observed_at, received_at, source)
    SELECT team_id, vehicle_id, signal, value, observed_at, clock_timestamp(), source FROM given
    ON CONFLICT (vehicle_id, signal) DO UPDATE
        SET value = excluded.value, observed_at = excluded.observed_at,
            received_at = excluded.received_at, source = excluded.source
        WHERE excluded.observed_at >= s.observed_at
)
SELECT pg_notify('fleetwell_live', json_build_object('kind', 'vehicle.read', 'team', team_id, 'vehicle', vehicle_id,
                                                     'buttons', buttons)::text)
FROM changed
"""

# By itself, so that nobody who holds a car's signals waits for its row.
NOTE_READ = """
UPDATE vehicles_vehicle SET read_at = clock_timestamp()
WHERE id IN (SELECT id FROM vehicles_vehicle WHERE id = ANY(%(read)s::uuid[]) ORDER BY id FOR NO KEY UPDATE)
"""


@dataclass(frozen=True)
class Taken:
    """One read of one car. scopes: what its owner lets be read; the rest is dropped, not stored."""

    snapshot: VehicleSnapshot
    team_id: UUID
    vehicle_id: UUID
    scopes: Iterable[str]
    source: str


def snapshot_parameters(taken: Sequence[Taken]) -> dict[str, Any]:
    """Return the parameters of SAVE_SNAPSHOTS and NOTE_READ."""
    readings = [
        {
            "team_id": str(one.team_id),
            "vehicle_id": str(one.vehicle_id),
            "signal": name,
            "value": reading.value,
            "observed_at": reading.observed_at.isoformat(),
            "source": one.source,
        }
        for one in taken
        for name, reading in one.snapshot.readings.items()
        if name == "online_state" or SIGNALS[name].scope in one.scopes
    ]
    # One text instead of six lists: dumping a list element by element cost more than the statement.
    return {"readings": json.dumps(readings), "proving": PROVING, "read": [one.vehicle_id for one in taken]}


def save_snapshot(
    snapshot: VehicleSnapshot, *, team_id: UUID, vehicle_id: UUID, scopes: Iterable[str], source: str
) -> None:
    """Store a snapshot through Django's connection."""
    parameters = snapshot_parameters([Taken(snapshot, team_id, vehicle_id, scopes, source)])
    with connection.cursor() as cursor:
        cursor.execute(SAVE_SNAPSHOTS, parameters)
        cursor.execute(NOTE_READ, parameters)
