"""The dispatcher's side of the database: claims, permits and results, over its own connections."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from commands.dispatch import sql
from commands.dispatch.batcher import Batcher
from fleet.adapters.signals import VehicleSnapshot
from fleet.events.database import open_connection
from fleet.vehicles.snapshots import SAVE_SNAPSHOT, snapshot_parameters

PER_TEAM = 16
DOORBELL = "fleetwell_doorbell"


@dataclass
class Job:
    """A claimed command with all that carrying it needs."""

    id: UUID
    team_id: UUID
    vehicle_id: UUID
    app_id: UUID
    kind: str
    parameters: dict[str, Any]
    retry_class: str
    fence: int
    attempts: int
    max_attempts: int
    claims: int
    left_s: float
    provider_vehicle_id: str
    account_id: UUID
    secret_sealed: bytes | None = field(repr=False)
    scopes: list[str]


@dataclass
class Check:
    """A sent or unknown command whose effect is looked for."""

    id: UUID
    team_id: UUID
    vehicle_id: UUID
    app_id: UUID
    kind: str
    parameters: dict[str, Any]
    fence: int
    state: str
    ref: str
    before: Any
    answered_at: datetime
    provider_vehicle_id: str
    account_id: UUID
    scopes: list[str]
    is_overtaken: bool


@dataclass(frozen=True)
class Outcome:
    """One move of one command. `expected` are the states it may be moved from, by the holder of `fence`.

    retry_s: for queued, not before so many seconds. check_s: for sent and unknown, look for evidence after so many.
    is_crash: a give-back that counts towards parking the command.
    """

    id: UUID
    fence: int
    expected: str
    state: str
    ref: str = ""
    evidence: str = ""
    code: str = ""
    reason: str = ""
    before: Any = None
    after: Any = None
    observed_at: datetime | None = None
    retry_s: float = 0.0
    check_s: float = 0.0
    is_crash: bool = False


@dataclass(frozen=True)
class Mark:
    """One request for a permit. wait_s: how long the maker may take, until the sweeper calls it unknown."""

    id: UUID
    fence: int
    wait_s: float


class Store:
    """Four connections: one to claim, one for permits, one for results and the rest, one that hears the doorbell."""

    def __init__(
        self,
        claims: psycopg.AsyncConnection[Any],
        marks: psycopg.AsyncConnection[Any],
        results: psycopg.AsyncConnection[Any],
        doorbell: psycopg.AsyncConnection[Any],
    ) -> None:
        self.dispatcher_id = uuid4()
        self.doorbell = doorbell
        self._claims = claims
        self._marks = marks
        self._results = results
        self._mark_batches = Batcher(self._write_marks)
        # A text of a maker's that cannot be stored must not lose what became of other cars.
        self._outcome_batches = Batcher(self._write_outcomes, divide_on=(psycopg.DataError, UnicodeError))

    async def claim(self, free: int) -> list[Job]:
        """Claim at most `free` commands, fairly between teams, at most one per car."""
        async with self._claims.transaction():
            cursor = await self._claims.execute(sql.PICK_LANES, {"per_team": PER_TEAM, "free": free})
            lanes = [row["lane_id"] for row in await cursor.fetchall()]
            if not lanes:
                return []
            cursor = await self._claims.execute(sql.CLAIM, {"lanes": lanes, "dispatcher": self.dispatcher_id})
            return [Job(**row) for row in await cursor.fetchall()]

    async def permit(self, mark: Mark) -> bool:
        """Ask for the permit to send; True when it was given, which is committed by then."""
        return await self._mark_batches.submit(mark)

    async def record(self, outcome: Outcome) -> bool:
        """Record what became of a command; False when it was no longer ours to move."""
        return await self._outcome_batches.submit(outcome)

    async def why_not(self, job: Job) -> str | None:
        """Return why a permit was not given; None when somebody else has moved the command since."""
        cursor = await self._results.execute(sql.WHY_NOT, {"id": job.id, "fence": job.fence})
        row = await cursor.fetchone()
        return None if row is None else row["case"]

    async def note_waking(self, job: Job) -> None:
        """Show on open pages that the car is being woken for this command."""
        await self._results.execute(sql.WAKING, {"id": job.id, "fence": job.fence})

    async def note_alive(self, in_flight: int) -> None:
        """Give a sign of life; commands of a dispatcher without one are taken back."""
        await self._results.execute(sql.SEEN, {"id": self.dispatcher_id, "in_flight": in_flight})

    async def note_gone(self) -> None:
        await self._results.execute(sql.GONE, {"id": self.dispatcher_id})

    async def checks(self, ids: Sequence[UUID]) -> list[Check]:
        """Return what a check of these commands needs; those that are final by now are absent."""
        cursor = await self._results.execute(sql.TO_CHECK, {"ids": list(ids)})
        return [Check(**row) for row in await cursor.fetchall()]

    async def due_checks(self, limit: int) -> list[Check]:
        """Take commands whose effect is due to be looked for; nobody else gets the same ones for 15 s."""
        cursor = await self._results.execute(sql.DUE_FOR_CHECK, {"limit": limit})
        return await self.checks([row["id"] for row in await cursor.fetchall()])

    async def save_snapshot(self, item: Job | Check, snapshot: VehicleSnapshot, source: str) -> None:
        """Store what a read brought on the way; the page shows it with its own age."""
        parameters = snapshot_parameters(
            snapshot, team_id=item.team_id, vehicle_id=item.vehicle_id, scopes=item.scopes, source=source
        )
        await self._results.execute(SAVE_SNAPSHOT, parameters)

    async def _write_marks(self, marks: list[Mark]) -> list[bool]:
        parameters = {
            "ids": [mark.id for mark in marks],
            "fences": [mark.fence for mark in marks],
            "waits": [mark.wait_s for mark in marks],
        }
        cursor = await self._marks.execute(sql.MARK, parameters)
        permitted = {row["id"] for row in await cursor.fetchall()}
        return [mark.id in permitted for mark in marks]

    async def _write_outcomes(self, outcomes: list[Outcome]) -> list[bool]:
        parameters = {
            "ids": [o.id for o in outcomes],
            "fences": [o.fence for o in outcomes],
            "expected": [o.expected for o in outcomes],
            "states": [o.state for o in outcomes],
            "refs": [o.ref for o in outcomes],
            "evidences": [o.evidence for o in outcomes],
            "codes": [o.code for o in outcomes],
            "reasons": [o.reason for o in outcomes],
            "befores": [_json(o.before) for o in outcomes],
            "afters": [_json(o.after) for o in outcomes],
            "observed": [o.observed_at for o in outcomes],
            "retries": [o.retry_s for o in outcomes],
            "checks": [o.check_s for o in outcomes],
            "are_crashes": [o.is_crash for o in outcomes],
        }
        if self._results.closed:
            self._results = await _connect()
        cursor = await self._results.execute(sql.RECORD, parameters)
        moved = {row["id"] for row in await cursor.fetchall()}
        return [outcome.id in moved for outcome in outcomes]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


@asynccontextmanager
async def open_store() -> AsyncIterator[Store]:
    """Open the dispatcher's connections, outside Django's pool, in the name of the dispatcher."""
    async with AsyncExitStack() as stack:
        claims, marks, results, doorbell = [await stack.enter_async_context(await _connect()) for _ in range(4)]
        await doorbell.execute(f"LISTEN {DOORBELL}")
        yield Store(claims, marks, results, doorbell)


async def _connect() -> psycopg.AsyncConnection[Any]:
    opened = await open_connection(row_factory=dict_row)
    await opened.execute("SELECT set_config('fleetwell.actor', 'system:dispatcher', false)")
    return opened
