"""The dispatcher: one event loop that claims, carries many commands at once, and lingers for the next press."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import psycopg

from commands.dispatch.carry import Carrier, finish_carrying
from commands.dispatch.follow import follow
from commands.dispatch.makers import Makers
from commands.dispatch.store import Job, Outcome, Store, open_store
from fleet.adapters.http import Http

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
ALIVE_EVERY_S = 2.0
STOP_LOOK_EVERY_S = 0.1


@dataclass(eq=False)
class Dispatcher:
    """Runs until nothing was to do for `linger_s`, or until told to stop; then it finishes or hands back.

    window: how many commands are held between claim and answer at once.
    stop_grace_s: how long sends may still wait for their answer once it is to stop.
    """

    window: int
    linger_s: float
    stop_grace_s: float
    is_stopping: Callable[[], bool] = lambda: False
    _carrying: dict[asyncio.Task[None], Carrier] = field(default_factory=dict)
    _following: set[asyncio.Task[None]] = field(default_factory=set)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> int:
        """Carry commands and return how many were claimed."""
        async with open_store() as store, Http() as http:
            makers = Makers(http)
            # Before the first claim: the sweeper takes back what a dispatcher without a sign of life holds.
            await store.note_alive(0)
            listener = asyncio.create_task(self._listen(store))
            keeper = asyncio.create_task(self._keep_alive(store))
            try:
                claimed = await self._work(store, makers)
                await self._wind_down()
            finally:
                listener.cancel()
                keeper.cancel()
                await asyncio.gather(listener, keeper, return_exceptions=True)
            await store.note_gone()
            return claimed

    async def _work(self, store: Store, makers: Makers) -> int:
        claimed = 0
        idle_since = time.monotonic()
        while not self.is_stopping():
            self._bell.clear()
            free = self.window - len(self._carrying)
            jobs = await store.claim(free) if free > 0 else []
            for job in jobs:
                carrier = Carrier(store, makers, job)
                self._carrying[self._start(self._carry(store, makers, job, carrier))] = carrier
            claimed += len(jobs)
            if jobs:
                continue
            if self._carrying or self._following:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self.linger_s:
                break
            await self._wait()
        return claimed

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
        if await finish_carrying(store, outcome) and outcome.state in {"sent", "unknown"}:
            self._following.add(self._start(follow(store, makers, job.id)))

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
        try:
            async for _ in store.doorbell.notifies():
                self._bell.set()
        except psycopg.Error as error:
            # Without the doorbell the loop still looks every second.
            logger.warning("dispatcher lost the doorbell: %s", type(error).__name__)

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
