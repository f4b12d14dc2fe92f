"""Looking, again and more slowly, for the effect of commands that no dispatcher follows any more."""

from __future__ import annotations

import asyncio
import logging
import time

from commands.dispatch.batcher import Batcher
from commands.dispatch.follow import Look, look_again
from commands.dispatch.makers import Makers, in_thread
from commands.dispatch.postpone import postpone
from commands.dispatch.store import Store, open_store
from commands.dispatch.stored import load_stored
from fleet.adapters.http import Http
from fleet.budgets.meter import open_meter

logger = logging.getLogger(__name__)

BATCH = 200
# After a dispatcher was killed, thousands may be due at once; one run goes on for so long, then beat calls the next.
BUSY_S = 20.0


async def reconcile_due() -> int:
    """Look once at every sent or unknown command that is due; return how many were looked at. Never sends."""
    ends = time.monotonic() + BUSY_S
    total = 0
    async with open_store() as store, Http() as http, open_meter(lambda write: Batcher(write).submit) as meter:
        makers = Makers(http, meter)
        while True:
            looked = await look_at_due(store, makers)
            total += looked
            if looked < BATCH or time.monotonic() > ends:
                return total


async def look_at_due(store: Store, makers: Makers) -> int:
    """Look once at up to 200 commands that are due; return how many. A dispatcher does so beside its work."""
    checks = await store.due_checks(BATCH)
    if not checks:
        return 0
    stored = await in_thread(load_stored, checks)
    work = (look_again(store, makers, check, stored=stored[check.id]) for check in checks)
    looks = await asyncio.gather(*work, return_exceptions=True)
    waits_s = {}
    for check, outcome in zip(checks, looks, strict=True):
        if isinstance(outcome, Look) and not outcome.is_final:
            waits_s[check.id] = outcome.wait_s
        elif isinstance(outcome, Exception):
            # A bug in looking at one car must not keep the others from being looked at.
            logger.error("looking for the effect of command %s failed", check.id, exc_info=outcome)
    await postpone(waits_s)
    return len(checks)
