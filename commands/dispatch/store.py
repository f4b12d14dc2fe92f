"""The dispatcher's side of the database: claims, permits and results, over its own connections."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
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
from fleet.vehicles.snapshots import COUNT_READS, NOTE_READ, SAVE_SNAPSHOTS, Taken, snapshot_parameters

DOORBELL = "fleetwell_doorbell"
# At most so many of one team and provider in one claim: a long transaction would keep others waiting.
CLAIM_AT_MOST = 250
# Under load batches wait for each other this long, and grow by it.
MARKS_LINGER_S = 0.01
RESULTS_LINGER_S = 0.02
READS_LINGER_S = 0.05


@dataclass
class Job:
    """A claimed command with all that carrying it needs.

    online_state, state_age_s: what is known of the car without asking, and how old that is.
    is_probe: the provider's breaker is open; this one looks whether it is back.
    """

    id: UUID
    team_id: UUID
    vehicle_id: UUID
    lane_id: UUID
    link_id: UUID
    app_id: UUID
    kind: str
    parameters: dict[str, Any]
    retry_class: str
    rank: int
    origin: str
    fence: int
    attempts: int
    max_attempts: int
    claims: int
    left_s: float
    provider_vehicle_id: str
    account_id: UUID
    is_probe: bool
    secret_sealed: bytes | None = field(repr=False)
    scopes: list[str]
    online_state: str | None
    state_age_s: float | None
    check_first_s: int


@dataclass
class Check:
    """A sent or unknown command whose effect is looked for."""

    id: UUID
    team_id: UUID
    vehicle_id: UUID
    link_id: UUID
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
    is_crash: a give-back that counts towards parking the command. otherwise: what to record when this moved nothing.
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
    otherwise: Outcome | None = None


@dataclass(frozen=True)
class Mark:
    """One request for a permit. wait_s: how long the maker may take, until the sweeper calls it unknown."""

    id: UUID
    fence: int
    wait_s: float


@dataclass(frozen=True)
class WhyNot:
    """Why a permit was not given: a code, and in how many seconds to ask again where that helps."""

    code: str
    retry_s: float


@dataclass(frozen=True)
class Turn:
    """A team with something ready at a provider. room, room_urgent: what the budget lets through; None: no limit."""

    id: int
    app_id: UUID
    team_id: UUID
    is_probing: bool
    room: int | None
    room_urgent: int | None


@dataclass(frozen=True)
class Wanted:
    """How many commands of one rank a turn may claim now."""

    turn: Turn
    rank: int
    room: int


class Store:
    """The dispatcher's connections, one for each kind of work, so that none waits for another.

    One that is lost is opened again at its next use; what was under way on it fails, and its caller decides.
    """

    def __init__(self) -> None:
        self.dispatcher_id = uuid4()
        self._connections: dict[str, psycopg.AsyncConnection[Any]] = {}
        self._opening: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._mark_batches = Batcher(self._write_marks, linger_s=MARKS_LINGER_S)
        # A text of a maker's that cannot be stored must not lose what became of other cars.
        divide_on = (psycopg.DataError, UnicodeError)
        self._outcome_batches = Batcher(self._write_outcomes, linger_s=RESULTS_LINGER_S, divide_on=divide_on)
        self._snapshot_batches = Batcher(
            self._write_snapshots, linger_s=READS_LINGER_S, limit=50, divide_on=(psycopg.Error,)
        )
        self._check_batches = Batcher(self._read_checks, linger_s=READS_LINGER_S)

    async def open(self, name: str) -> psycopg.AsyncConnection[Any]:
        """Return the connection for one kind of work, in the name of the dispatcher."""
        async with self._opening[name]:
            kept = self._connections.get(name)
            if kept is None or kept.closed:
                kept = await open_connection(row_factory=dict_row)
                try:
                    await kept.execute(sql.SESSION)
                except BaseException:  # a dispatcher that is stopped in this moment, too
                    await kept.close()
                    raise
                self._connections[name] = kept
            return kept

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def claim(self, share: Callable[[list[Turn]], list[Wanted]]) -> list[Job]:
        """Claim commands, at most one per car, as many as `share` gives to each of the turns that have some ready.

        The turns come least recently served first.
        """
        claims = await self.open("claims")
        async with claims.transaction():
            cursor = await claims.execute(sql.TURNS)
            wanted = share([Turn(**row) for row in await cursor.fetchall()])
            if not wanted:
                return []
            cursor = await claims.execute(sql.PICK_LANES, _pick_parameters(wanted))
            picked = await cursor.fetchall()
            if not picked:
                return []
            parameters = {"lanes": list({row["lane_id"] for row in picked}), "dispatcher": self.dispatcher_id}
            cursor = await claims.execute(sql.CLAIM, parameters)
            jobs = [Job(**row) for row in await cursor.fetchall()]
            await claims.execute(sql.SERVED, {"turns": list({row["turn"] for row in picked})})
            if probed := {job.app_id for job in jobs if job.is_probe}:
                await claims.execute(sql.PROBING, {"apps": list(probed)})
            return jobs

    async def permit(self, mark: Mark) -> bool:
        """Ask for the permit to send; True when it was given, which is committed by then."""
        return await self._mark_batches.submit(mark)

    async def record(self, outcome: Outcome) -> bool:
        """Record what became of a command; False when it was no longer ours to move."""
        return await self._outcome_batches.submit(outcome)

    async def why_not(self, job: Job) -> WhyNot | None:
        """Return why a permit was not given; None when somebody else has moved the command since."""
        rows = await self._ask(sql.WHY_NOT, {"id": job.id, "fence": job.fence})
        return WhyNot(**rows[0]) if rows else None

    async def note_waking(self, job: Job) -> None:
        """Show on open pages that the car is being woken for this command."""
        await self._ask(sql.WAKING, {"id": job.id, "fence": job.fence})

    async def grant_wake(self, job: Job, *, is_automated: bool) -> str:
        """Enter a wake into the car's ledger; return "" when it is granted, else the code why not."""
        parameters = {"lane": job.lane_id, "app": job.app_id, "automated": is_automated, "cause": f"command:{job.id}"}
        rows = await self._ask(sql.GRANT_WAKE, parameters)
        return rows[0]["code"]

    async def note_alive(self, in_flight: int) -> None:
        """Give a sign of life; commands of a dispatcher without one are taken back."""
        alive = await self.open("alive")
        await alive.execute(sql.SEEN, {"id": self.dispatcher_id, "in_flight": in_flight})

    async def note_gone(self) -> None:
        await self._ask(sql.GONE, {"id": self.dispatcher_id})

    async def hold(self, app_id: UUID, retry_s: float) -> None:
        """Send nothing more to a provider for some seconds, from any dispatcher: it asked us to slow down."""
        await self._ask(sql.HOLD, {"app": app_id, "retry_s": retry_s})

    async def learn_cannot(self, job: Job) -> None:
        """Keep that the car's answer to a command was that it cannot do it: it is not offered again for a while."""
        await self._ask(sql.LEARN, {"link": job.link_id, "kind": job.kind})

    async def note_down(self, app_id: UUID, code: str) -> None:
        """Open a provider's breaker, or keep it open for longer."""
        await self._ask(sql.BREAK, {"app": app_id, "code": code})

    async def note_up(self, app_id: UUID) -> None:
        """Close a provider's breaker: it answers."""
        await self._ask(sql.MEND, {"app": app_id})

    async def checks(self, ids: Sequence[UUID]) -> list[Check]:
        """Return what a check of these commands needs; those that are final by now are absent."""
        found = await asyncio.gather(*(self._check_batches.submit(command_id) for command_id in ids))
        return [check for check in found if check is not None]

    async def due_checks(self, limit: int) -> list[Check]:
        """Take commands whose effect is due to be looked for; nobody else gets the same ones for 15 s."""
        rows = await self._ask(sql.DUE_FOR_CHECK, {"limit": limit})
        return await self.checks([row["id"] for row in rows])

    async def save_snapshot(self, item: Job | Check, snapshot: VehicleSnapshot, source: str) -> None:
        """Store what a read brought on the way; the page shows it with its own age."""
        taken = Taken(snapshot, item.team_id, item.vehicle_id, item.link_id, item.scopes, source, purpose="command")
        await self._snapshot_batches.submit(taken)

    async def _ask(self, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        asking = await self.open("rest")
        cursor = await asking.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []

    async def _read_checks(self, ids: list[UUID]) -> list[Check | None]:
        rows = await self._ask(sql.TO_CHECK, {"ids": ids})
        found = {row["id"]: Check(**row) for row in rows}
        return [found.get(command_id) for command_id in ids]

    async def _write_snapshots(self, taken: list[Taken]) -> list[None]:
        parameters = snapshot_parameters(taken)
        writing = await self.open("reads")
        await writing.execute(SAVE_SNAPSHOTS, parameters)
        await writing.execute(NOTE_READ, parameters)
        await writing.execute(COUNT_READS, parameters)
        return [None] * len(taken)

    async def _write_marks(self, marks: list[Mark]) -> list[bool]:
        parameters = {
            "ids": [mark.id for mark in marks],
            "fences": [mark.fence for mark in marks],
            "waits": [mark.wait_s for mark in marks],
        }
        marking = await self.open("marks")
        cursor = await marking.execute(sql.MARK, parameters)
        permitted = {row["id"] for row in await cursor.fetchall()}
        return [mark.id in permitted for mark in marks]

    async def _write_outcomes(self, outcomes: list[Outcome]) -> list[bool]:
        parameters = {
            "ids": [outcome.id for outcome in outcomes],
            "outcomes": json.dumps([_plain(o) for o in outcomes]),
        }
        recording = await self.open("results")
        cursor = await recording.execute(sql.RECORD, parameters)
        moved = {row["id"] for row in await cursor.fetchall()}
        return [outcome.id in moved for outcome in outcomes]


def _plain(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as the statement reads it: one text for a whole batch costs less than fourteen lists."""
    return {
        "id": str(outcome.id),
        "fence": outcome.fence,
        "expected": outcome.expected,
        "state": outcome.state,
        "ref": outcome.ref,
        "evidence": outcome.evidence,
        "code": outcome.code,
        "reason": outcome.reason,
        "before": outcome.before,
        "after": outcome.after,
        "observed_at": outcome.observed_at.isoformat() if outcome.observed_at is not None else None,
        "retry_s": outcome.retry_s,
        "check_s": outcome.check_s,
        "is_crash": outcome.is_crash,
    }


def _pick_parameters(wanted: list[Wanted]) -> dict[str, list[Any]]:
    return {
        "turns": [one.turn.id for one in wanted],
        "apps": [one.turn.app_id for one in wanted],
        "teams": [one.turn.team_id for one in wanted],
        "ranks": [one.rank for one in wanted],
        "rooms": [min(one.room, CLAIM_AT_MOST) for one in wanted],
    }


@asynccontextmanager
async def open_store() -> AsyncIterator[Store]:
    """Open the dispatcher's side of the database; its connections are outside Django's pool."""
    store = Store()
    try:
        yield store
    finally:
        await store.close()
