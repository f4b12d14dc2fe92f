"""Writing what reads brought: latest value per signal, many cars at once, for both Django and the dispatcher."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from fleet.adapters.commands import KINDS
from fleet.adapters.signals import SIGNALS, VehicleSnapshot
from fleet.vehicles.consent import LOCATION
from fleet.vehicles.models import VehicleLink

# The signals that say whether a button shows "on"; most readings of most cars are not among what changed.
PROVING = sorted({command.signal for command in KINDS.values() if command.signal is not None})

# Older never overwrites newer. Pages are told only when a value changed, not for every read. Rows are taken in one
# order, so that two writers with the same cars wait for each other instead of meeting in a deadlock.
# The read took a while, and its owner may have taken something back since: what is kept is what is allowed now. The
# link is held until it is written, so that who takes something back forgets this too; one that somebody is changing is
# passed over, not waited for, and so is one that changed since this statement began to look (`as_seen`).
SAVE_SNAPSHOTS = """
WITH held AS MATERIALIZED (
    SELECT l.id AS link_id FROM vehicles_vehiclelink l
    JOIN vehicles_vehiclelink as_seen ON as_seen.id = l.id AND as_seen.consent_version = l.consent_version
    WHERE l.id = ANY(%(links)s::uuid[])
    FOR SHARE OF l SKIP LOCKED
), live AS MATERIALIZED (
    SELECT link_id, scope FROM held JOIN vehicles_consent USING (link_id) WHERE withdrawn_at IS NULL
), allowed AS (
    SELECT link_id, scope FROM live UNION SELECT link_id, '' FROM live
), given AS MATERIALIZED (
    SELECT DISTINCT ON (vehicle_id, signal) g.* FROM jsonb_to_recordset(%(readings)s::jsonb)
        AS g(team_id uuid, vehicle_id uuid, link_id uuid, scope text, signal text, value jsonb,
             observed_at timestamptz, source text)
        JOIN allowed USING (link_id, scope)
    WHERE CASE WHEN signal = ANY(%(location)s) THEN NOT location_is_private(vehicle_id) ELSE true END
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

# What the owner can look up: how often in which hour, for what, by whom.
COUNT_READS = """
INSERT INTO vehicles_readcount AS r (team_id, link_id, hour_at, purpose, actor, scopes, count, last_at)
SELECT team_id, link_id, date_trunc('hour', clock_timestamp()), purpose, actor,
       ARRAY(SELECT jsonb_array_elements_text(min(scopes::text)::jsonb)), count(*), clock_timestamp()
FROM jsonb_to_recordset(%(reads)s::jsonb) AS g(team_id uuid, link_id uuid, purpose text, actor text, scopes jsonb)
GROUP BY team_id, link_id, purpose, actor ORDER BY link_id, purpose, actor
ON CONFLICT (link_id, hour_at, purpose, actor) DO UPDATE
    SET count = r.count + excluded.count, last_at = excluded.last_at,
        scopes = ARRAY(SELECT DISTINCT s FROM unnest(r.scopes || excluded.scopes) s ORDER BY s)
"""


@dataclass(frozen=True)
class Taken:
    """One read of one car. scopes: what its owner lets be read; the rest is dropped, not stored.

    purpose, actor: what it was for and who asked, as ReadCount keeps them.
    """

    snapshot: VehicleSnapshot
    team_id: UUID
    vehicle_id: UUID
    link_id: UUID
    scopes: Iterable[str]
    source: str
    purpose: str
    actor: str = ""


def snapshot_parameters(taken: Sequence[Taken]) -> dict[str, Any]:
    """Return the parameters of SAVE_SNAPSHOTS, NOTE_READ and COUNT_READS."""
    readings = [
        {
            "team_id": str(one.team_id),
            "vehicle_id": str(one.vehicle_id),
            "link_id": str(one.link_id),
            # How a car can be reached is kept for as long as anything is allowed.
            "scope": "" if name == "online_state" else SIGNALS[name].scope,
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
    return {
        "readings": json.dumps(readings),
        "proving": PROVING,
        "location": LOCATION,
        "links": [one.link_id for one in taken],
        "read": [one.vehicle_id for one in taken],
        "reads": json.dumps([_read(one) for one in taken]),
    }


def _read(one: Taken) -> dict[str, Any]:
    seen = sorted(scope for scope in one.scopes if scope.startswith("read_"))
    ids = {"team_id": str(one.team_id), "link_id": str(one.link_id)}
    return ids | {"purpose": one.purpose, "actor": one.actor, "scopes": seen}


def save_snapshot(
    snapshot: VehicleSnapshot, *, link: VehicleLink, scopes: Iterable[str], source: str, purpose: str, actor: str = ""
) -> None:
    """Store a snapshot through Django's connection, and count the read for the owner's log."""
    taken = Taken(snapshot, link.team_id, link.vehicle_id, link.id, scopes, source, purpose, actor)
    parameters = snapshot_parameters([taken])
    with connection.cursor() as cursor:
        cursor.execute(SAVE_SNAPSHOTS, parameters)
        cursor.execute(NOTE_READ, parameters)
        cursor.execute(COUNT_READS, parameters)
