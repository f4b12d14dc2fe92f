"""Looking, again and more slowly, for the effect of commands that no dispatcher follows any more."""

from __future__ import annotations

import asyncio
import logging

from commands.dispatch.follow import look
from commands.dispatch.makers import Makers
from commands.dispatch.store import open_store
from fleet.adapters.http import Http

logger = logging.getLogger(__name__)

BATCH = 200


async def reconcile_due() -> int:
    """Look once at every sent or unknown command that is due; return how many were looked at. Never sends."""
    async with open_store() as store, Http() as http:
        makers = Makers(http)
        checks = await store.due_checks(BATCH)
        looks = await asyncio.gather(*(look(store, makers, check) for check in checks), return_exceptions=True)
        for check, outcome in zip(checks, looks, strict=True):
            # A bug in looking at one car must not keep the others from being looked at.
            if isinstance(outcome, Exception):
                logger.error("looking for the effect of command %s failed", check.id, exc_info=outcome)
        return len(checks)
