"""Reading, at the end of a run, what the database, the ledger, the proxy and the load know; and waiting for the end."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from fleet.run.processes import wait_until
from tests.chaos.records import Departure, Event, Fault, History, Operation, Row, read_lines
from tests.chaos.rig import Rig

SETTLE_WITHIN_S = 60.0
LONGEST_ANSWER_S = 5.0
# Reconciling and sweeping come round every 5 s; what they have left for three rounds is forgotten.
ROUNDS_S = 15.0
FINAL_OR_WAITING = (
    "('confirmed', 'failed', 'refused', 'expired', 'cancelled', 'superseded', 'unresolved', 'sent', 'unknown')"
)

MOVING = f"""
    CASE c.state
        WHEN 'sent' THEN c.next_check_at > clock_timestamp() - interval '{ROUNDS_S} s'
        WHEN 'unknown' THEN c.next_check_at > clock_timestamp() - interval '{ROUNDS_S} s'
        WHEN 'sending' THEN c.answer_by > clock_timestamp() - interval '{ROUNDS_S} s'
        WHEN 'claimed' THEN c.lease_until > clock_timestamp()
        WHEN 'queued' THEN c.deadline > clock_timestamp() AND (l.busy_id IS NOT NULL OR c.ready_at > clock_timestamp()
            OR coalesce(a.held_until > clock_timestamp(), false) OR a.breaker_until IS NOT NULL)
        ELSE false
    END
"""
ROWS = f"""
    SELECT to_jsonb(c) AS command, k.provider_vehicle_id AS car, coalesce({MOVING}, false) AS is_moving,
           extract(epoch FROM c.accepted_at)::float8 AS accepted_at, extract(epoch FROM c.deadline)::float8 AS deadline,
           extract(epoch FROM c.finished_at)::float8 AS finished_at,
           extract(epoch FROM c.observed_at)::float8 AS observed_at
    FROM commands_command c
    JOIN vehicles_lane l ON l.id = c.lane_id
    JOIN vehicles_vehiclelink k ON k.id = c.link_id
    JOIN vehicles_providerapp a ON a.id = c.app_id
    ORDER BY c.accepted_at
"""  # noqa: S608 - words of our own
EVENTS = """
    SELECT id AS n, extract(epoch FROM at)::float8 AS at, kind, actor, subject, data FROM events_event
    WHERE kind LIKE 'command.%' ORDER BY id
"""
# Cars of jobs that nobody will do anything about any more.
STUCK_ITEMS = """
    SELECT 'item ' || i.id || ' of job ' || j.id || ': ' || i.outcome || ', job ' || j.state || ', command '
           || coalesce(c.state, 'none') AS words
    FROM jobs_jobitem i JOIN jobs_job j ON j.id = i.job_id LEFT JOIN commands_command c ON c.id = i.command_id
    WHERE (i.outcome = 'waiting' AND c.id IS NULL)
        OR (i.outcome IN ('waiting', 'running')
            AND c.finished_at < clock_timestamp() - make_interval(secs => %(for_s)s))
"""
# What is neither final nor on a way that may honestly take minutes: evidence that may still come.
UNSETTLED = f"SELECT count(*) FROM commands_command WHERE state NOT IN {FINAL_OR_WAITING}"  # noqa: S608 - as above


def wait_for_the_end(rig: Rig) -> float:
    """Wait until every command is final or waits for evidence, at most a minute; the seconds that it took."""
    began = time.monotonic()
    with rig.connect() as connection:

        def is_settled() -> bool:
            row = connection.execute(UNSETTLED).fetchone()
            return row is not None and row[0] == 0 and connection.execute(STUCK_ITEMS, {"for_s": 0}).fetchone() is None

        wait_until(is_settled, within_s=SETTLE_WITHIN_S)
    return time.monotonic() - began


def stop_the_product(rig: Rig) -> None:
    """End every process of ours at once, and let the maker finish what it has: now nothing changes any more."""
    for part in rig.parts.values():
        part.kill()

    def is_quiet() -> bool:
        return not any(request.reply == "waiting" for request in rig.maker.requests())

    wait_until(is_quiet, within_s=LONGEST_ANSWER_S)


def collect(rig: Rig, *, faults: list[Fault], seconds: float) -> History:
    """Return all that the checker needs."""
    with psycopg.connect(rig.postgres.url("fleetwell"), row_factory=dict_row) as connection:
        # Rows and log of one moment: commands go on moving while we read.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows = [_row(raw) for raw in connection.execute(ROWS)]
        events = [Event(**raw) for raw in connection.execute(EVENTS)]
        stuck = [raw["words"] for raw in connection.execute(STUCK_ITEMS, {"for_s": ROUNDS_S})]
    return History(
        operations=read_lines(rig.operations, Operation),
        rows=rows,
        events=events,
        requests=rig.maker.requests(),
        departures=read_lines(rig.departures, Departure),
        faults=faults,
        initial=rig.fleet["initial"],
        faulty_cars=set(rig.fleet["faulty"]),
        stuck_items=stuck,
        quota_violations=rig.maker.quota_violations(),
        seed=rig.seed,
        seconds=seconds,
    )


def _row(raw: dict[str, Any]) -> Row:
    command = raw["command"]
    names = [
        "id",
        "kind",
        "retry_class",
        "parameters",
        "state",
        "sequence",
        "attempts",
        "max_attempts",
        "evidence",
        "error_code",
    ]
    return Row(
        **{name: command[name] for name in names},
        team=command["team_id"],
        vehicle=command["vehicle_id"],
        lane=str(command["lane_id"]),
        link=command["link_id"],
        app=command["app_id"],
        car=raw["car"],
        authority=command["authority_id"],
        key=command["idempotency_key"] or "",
        cause=command.get("cause") or "",
        accepted_at=raw["accepted_at"],
        deadline=raw["deadline"],
        finished_at=raw["finished_at"],
        observed_at=raw["observed_at"],
        is_moving=raw["is_moving"],
    )
