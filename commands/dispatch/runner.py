"""The dispatcher: one event loop that claims, carries many commands at once, and lingers for the next press."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import DatabaseError

from commands.alerts.services import note_late_answer
from commands.dispatch.batcher import Batcher
from commands.dispatch.carry import Carrier, finish_carrying
from commands.dispatch.failpoints import reach
from commands.dispatch.follow import follow
from commands.dispatch.health import FAILED, Health
from commands.dispatch.makers import Makers, in_thread
from commands.dispatch.reconcile import look_at_due
from commands.dispatch.rulebook import Rulebook
from commands.dispatch.share import Held, share_out
from commands.dispatch.starting import Starting
from commands.dispatch.store import DOORBELL, Job, Outcome, Store, open_store
from commands.services import sweep_commands
from fleet.adapters.http import Http
from fleet.budgets.meter import open_meter

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
ALIVE_EVERY_S = 2.0
STOP_LOOK_EVERY_S = 0.1
# While there is work, claims come no closer than this: a few big ones cost less than many small ones.
CLAIM_EVERY_S = 0.02
# So many commands at most are between claim and first byte: a permit must be used within a second.
STARTING_AT_MOST = 300
DATABASE_RETRY_S = 0.5
SWEEP_EVERY_S = 5.0
# Files and connections of this process that are not to makers.
OTHER_FILES = 256


@dataclass(eq=False)
class Dispatcher:
    """Runs until nothing was to do for `linger_s`, or until told to stop; then it finishes or hands back.

    window: how many commands are held between claim and answer at once; no more than this process may open sockets.
    stop_grace_s: how long sends may still wait for their answer once it is to stop.
    """

    window: int
    linger_s: float
    stop_grace_s: float
    is_stopping: Callable[[], bool] = lambda: False
    _held: Held = field(init=False)
    _starting: int = 0
    _health: Health = field(default_factory=Health)
    _rulebook: Rulebook = field(default_factory=Rulebook)
    _carrying: dict[asyncio.Task[None], Carrier] = field(default_factory=dict)
    _following: set[asyncio.Task[None]] = field(default_factory=set)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._held = Held(min(self.window, _room_for_sockets()))

    async def run(self) -> int:
        """Carry commands and return how many were claimed."""
        async with open_store() as store, Http() as http, open_meter(lambda write: Batcher(write).submit) as meter:
            makers = Makers(http, meter)
            # Before the first claim: the sweeper takes back what a dispatcher without a sign of life holds.
            await store.note_alive(0)
            beside = [
                asyncio.create_task(work) for work in (self._listen(store), self._keep_alive(store), self._sweep())
            ]
            try:
                claimed = await self._work(store, makers)
                await self._wind_down()
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
            await store.note_gone()
            return claimed

    async def _work(self, store: Store, makers: Makers) -> int:
        claimed = 0
        idle_since = time.monotonic()
        while not self.is_stopping():
            self._bell.clear()
            jobs = await self._claim(store)
            for job in jobs:
                self._begin(store, makers, job)
            claimed += len(jobs)
            if jobs:
                await asyncio.sleep(CLAIM_EVERY_S)
                continue
            if self._carrying or self._following:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self.linger_s:
                break
            await self._wait()
        return claimed

    async def _claim(self, store: Store) -> list[Job]:
        at_once = min(STARTING_AT_MOST - self._starting, self._held.window - self._held.total)
        if at_once <= 0:
            return []
        try:
            jobs = await store.claim(lambda turns: share_out(turns, self._held, at_once=at_once))
        except psycopg.OperationalError as error:
            # What the lost transaction claimed is ours without our knowing; its lease ends, and the sweeper has it.
            logger.warning("claiming failed: %s", type(error).__name__)
            await asyncio.sleep(DATABASE_RETRY_S)
            return []
        reach("after_claim")
        return jobs

    def _begin(self, store: Store, makers: Makers, job: Job) -> None:
        starting = Starting(self._count_starting)
        carrier = Carrier(store, makers, self._rulebook, job, starting)
        self._held.add(job.team_id, job.app_id)
        task = self._start(self._carry(store, makers, job, carrier))
        self._carrying[task] = carrier

        def note_end(_: asyncio.Task[None]) -> None:
            starting.leave()
            self._held.add(job.team_id, job.app_id, -1)

        task.add_done_callback(note_end)

    def _count_starting(self, n: int) -> None:
        self._starting += n

    async def _carry(self, store: Store, makers: Makers, job: Job, carrier: Carrier) -> None:
        try:
            outcome = await carrier.carry()
        except asyncio.CancelledError:
            await asyncio.shield(finish_carrying(store, carrier.abandon()))
            raise
        except Exception:
            # A bug must not leave the lane busy until the lease ends; the crash counts towards parking.
            logger.exception("carrying command %s failed", job.id)
            outcome = _after_crash(carrier, job)
        if outcome is None:
            return
        is_recorded = await finish_carrying(store, outcome)
        await self._note_health(store, job, carrier.last_code)
        if is_recorded and outcome.state in {"sent", "unknown"}:
            is_metered = await makers.meter.has_budgets(job.app_id)
            self._following.add(self._start(follow(store, makers, job.id, is_metered=is_metered)))
        elif not is_recorded and carrier.is_permitted:
            # It was over before the answer came: what the answer says otherwise must not be lost.
            await in_thread(note_late_answer, job.id, outcome.state, outcome.code)

    async def _note_health(self, store: Store, job: Job, code: str) -> None:
        """Open the provider's breaker once enough went wrong, close it with the first answer that comes again."""
        if code == "quota_exhausted":
            return  # our own no: the provider was not asked
        has_failed = code in FAILED
        try:
            if self._health.note(job.app_id, code) or (job.is_probe and has_failed):
                await store.note_down(job.app_id, code)
            elif job.is_probe and not has_failed:
                await store.note_up(job.app_id)
        except psycopg.Error as error:
            logger.warning("the health of a provider was not noted: %s", type(error).__name__)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_done)
        return task

    def _note_done(self, task: asyncio.Task[None]) -> None:
        self._carrying.pop(task, None)
        self._following.discard(task)
        self._bell.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a dispatcher's task failed", exc_info=error)

    async def _wait(self) -> None:
        """Wait for the doorbell, an answer, a second, or the order to stop."""
        wake_at = time.monotonic() + LOOK_EVERY_S
        while not self.is_stopping() and time.monotonic() < wake_at:
            try:
                async with asyncio.timeout(STOP_LOOK_EVERY_S):
                    await self._bell.wait()
                return
            except TimeoutError:
                continue

    async def _wind_down(self) -> None:
        """Hand back what asked for no permit yet; let sends end within the grace period, then abort: unknown."""
        for task, carrier in self._carrying.items():
            if not carrier.has_asked:
                task.cancel()
        if self._carrying:
            await asyncio.wait(self._carrying, timeout=self.stop_grace_s)
        # The followers last: a send that ended within the grace period has just begun one, and it may take 20 s.
        tasks = (*self._carrying, *self._following)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, store: Store) -> None:
        while True:
            try:
                doorbell = await store.open("doorbell")
                await doorbell.execute(f"LISTEN {DOORBELL}")
                self._bell.set()
                async for _ in doorbell.notifies():
                    self._bell.set()
            except psycopg.Error as error:
                # Without the doorbell the loop still looks every second.
                logger.warning("dispatcher lost the doorbell: %s", type(error).__name__)
                await asyncio.sleep(DATABASE_RETRY_S)

    async def _sweep(self) -> None:
        """Sweep from here as well: beat's sweeper hangs on the broker, and no promise may."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await in_thread(sweep_commands)
            except DatabaseError as error:
                logger.warning("sweeping failed: %s", type(error).__name__)

    async def _reconcile(self, store: Store, makers: Makers) -> None:
        """Look for the effect of commands that nobody follows any more."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await look_at_due(store, makers)
            except (psycopg.Error, DatabaseError) as error:
                logger.warning("reconciling failed: %s", type(error).__name__)

    async def _keep_alive(self, store: Store) -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY_S)
            try:
                await store.note_alive(len(self._carrying))
            except psycopg.Error as error:
                # Silent for longer, the sweeper takes our commands back; their fences then refuse what we still do.
                logger.warning("dispatcher could not give a sign of life: %s", type(error).__name__)


def _after_crash(carrier: Carrier, job: Job) -> Outcome:
    if carrier.is_permitted:
        return Outcome(job.id, job.fence, "sending", "unknown", code="outcome_unknown", check_s=1.0)
    return Outcome(job.id, job.fence, "claimed", "queued", code="upstream_error", retry_s=1.0, is_crash=True)


def _room_for_sockets() -> int:
    """Return how many connections to makers this process may hold, having asked for as many as it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with suppress(ValueError, OSError):  # some systems refuse what they call the limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return max(soft - OTHER_FILES, 1) if soft != resource.RLIM_INFINITY else 1_000_000
