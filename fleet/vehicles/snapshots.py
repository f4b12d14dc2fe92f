"""Writing what a read brought: latest value per signal, in one statement that both Django and the dispatcher run."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection

from fleet.adapters.commands import KINDS
from fleet.adapters.signals import SIGNALS, VehicleSnapshot

# The signals that say whether a button shows "on"; most readings of most cars are not among what changed.
PROVING = sorted({command.signal for command in KINDS.values() if command.signal is not None})

# Older never overwrites newer. Pages are told only when a value changed, not for every read.
SAVE_SNAPSHOT = """
WITH given AS (
    SELECT * FROM unnest(%(signals)s::text[], %(values)s::jsonb[], %(observed)s::timestamptz[])
        AS g(signal, value, observed_at)
), before AS (
    SELECT signal, value FROM vehicles_vehiclesignal WHERE vehicle_id = %(vehicle)s
), saved AS (
    INSERT INTO vehicles_vehiclesignal AS s (team_id, vehicle_id, signal, value, observed_at, received_at, source)
    SELECT %(team)s, %(vehicle)s, signal, value, observed_at, clock_timestamp(), %(source)s FROM given
    ON CONFLICT (vehicle_id, signal) DO UPDATE
        SET value = excluded.value, observed_at = excluded.observed_at,
            received_at = excluded.received_at, source = excluded.source
        WHERE excluded.observed_at >= s.observed_at
    RETURNING signal, value
), changed AS (
    SELECT count(*) AS n, bool_or(signal = ANY(%(proving)s)) AS buttons
    FROM saved LEFT JOIN before USING (signal) WHERE before.value IS DISTINCT FROM saved.value
), touched AS (
    UPDATE vehicles_vehicle SET read_at = clock_timestamp() WHERE id = %(vehicle)s
)
SELECT pg_notify('fleetwell_live', json_build_object('kind', 'vehicle.read', 'team', %(team)s::uuid,
                                                     'vehicle', %(vehicle)s::uuid, 'buttons', buttons)::text)
FROM changed WHERE n > 0
"""


def snapshot_parameters(
    snapshot: VehicleSnapshot, *, team_id: UUID, vehicle_id: UUID, scopes: Iterable[str], source: str
) -> dict[str, Any]:
    """Return the parameters of SAVE_SNAPSHOT. Signals outside the owner's consent are dropped, not stored."""
    allowed = set(scopes)
    rows = [
        (name, json.dumps(reading.value), reading.observed_at)
        for name, reading in snapshot.readings.items()
        if name == "online_state" or SIGNALS[name].scope in allowed
    ]
    return {
        "team": team_id,
        "vehicle": vehicle_id,
        "source": source,
        "proving": PROVING,
        "signals": [row[0] for row in rows],
        "values": [row[1] for row in rows],
        "observed": [row[2] for row in rows],
    }


def save_snapshot(
    snapshot: VehicleSnapshot, *, team_id: UUID, vehicle_id: UUID, scopes: Iterable[str], source: str
) -> None:
    """Store a snapshot through Django's connection; one statement, one transaction."""
    parameters = snapshot_parameters(snapshot, team_id=team_id, vehicle_id=vehicle_id, scopes=scopes, source=source)
    with connection.cursor() as cursor:
        cursor.execute(SAVE_SNAPSHOT, parameters)
