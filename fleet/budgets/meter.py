"""Asking the database whether a call, a command or a wake may leave now. Nothing leaves that was not granted here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import isinf
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection as django_connection

from fleet.adapters.errors import AdapterError
from fleet.budgets.models import Resource
from fleet.events.database import open_connection

# For so long a new budget of an application that had none is not seen.
BUDGETED_LIFE_S = 5.0

# In one order of applications for everybody: each is taken from by one transaction at a time.
TAKE_MANY = """
SELECT t.i, CASE WHEN t.age_s IS NOT NULL
                 THEN budget_renew(t.app, t.account, t.lane, t.resource, t.n, t.urgent, t.age_s)
                 ELSE budget_take(t.app, t.account, t.lane, t.resource, t.n, t.urgent) END
FROM (
    SELECT * FROM unnest(%(apps)s::uuid[], %(accounts)s::uuid[], %(lanes)s::uuid[], %(resources)s::text[],
                         %(ns)s::int[], %(urgents)s::boolean[], %(ages)s::float8[])
        WITH ORDINALITY AS g(app, account, lane, resource, n, urgent, age_s, i) ORDER BY app, i
) t
"""
BUDGETED = "SELECT DISTINCT app_id FROM budgets_budget"


@dataclass(frozen=True)
class Payer:
    """Whose budgets a call is charged to. is_urgent: a person waits for it, so it may use the reserve."""

    app_id: UUID
    account_id: UUID | None = None
    lane_id: UUID | None = None
    is_urgent: bool = False


@dataclass(frozen=True)
class Take:
    """One wish: n of a resource at once, all or none. A negative n gives back what was taken and not used.

    age_s: they were taken so long ago, and leave only now.
    """

    payer: Payer
    resource: str = Resource.CALLS
    n: int = 1
    age_s: float | None = None


Submit = Callable[[Take], Awaitable[float | None]]
Write = Callable[[list[Take]], Awaitable[list[float | None]]]


async def write_takes(connection: psycopg.AsyncConnection[Any], takes: Sequence[Take]) -> list[float | None]:
    """Ask for many at once; each gets None when it is granted, else the seconds until it could be (or infinity)."""
    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
    await cursor.execute(TAKE_MANY, take_parameters(takes))
    answers: dict[int, float | None] = dict(await cursor.fetchall())
    return [answers[number] for number in range(1, len(takes) + 1)]


def take_parameters(takes: Sequence[Take]) -> dict[str, Any]:
    """Return the parameters of TAKE_MANY."""
    return {
        "apps": [take.payer.app_id for take in takes],
        "accounts": [take.payer.account_id for take in takes],
        "lanes": [take.payer.lane_id for take in takes],
        "resources": [str(take.resource) for take in takes],
        "ns": [take.n for take in takes],
        "urgents": [take.payer.is_urgent for take in takes],
        "ages": [take.age_s for take in takes],
    }


class Meter:
    """The budgets as one event loop asks them. An application without budgets costs no query."""

    def __init__(self, submit: Submit, find_budgeted: Callable[[], Awaitable[frozenset[UUID]]]) -> None:
        self._submit = submit
        self._find_budgeted = find_budgeted
        self._budgeted: frozenset[UUID] = frozenset()
        self._known_until = 0.0
        self._finding = asyncio.Lock()

    async def has_budgets(self, app_id: UUID) -> bool:
        """Say whether anything is counted for an application."""
        if self._known_until < time.monotonic():
            async with self._finding:
                if self._known_until < time.monotonic():
                    self._budgeted = await self._find_budgeted()
                    self._known_until = time.monotonic() + BUDGETED_LIFE_S
        return app_id in self._budgeted

    async def take(self, payer: Payer, *, resource: str = Resource.CALLS, n: int = 1) -> None:
        """Take n of a resource. Raises AdapterError (quota_exhausted; retry_after_s None: waiting does not help)."""
        if await self.has_budgets(payer.app_id):
            refuse(await self._submit(Take(payer, resource, n)))

    async def renew(self, payer: Payer, *, age_s: float, resource: str = Resource.CALLS, n: int = 1) -> None:
        """Count what was set aside `age_s` seconds ago from now on: it leaves only now, and the maker counts arrivals.

        Raises AdapterError (quota_exhausted) when it was set aside so long ago that it no longer counts, and there is
        no room by now.
        """
        if await self.has_budgets(payer.app_id):
            refuse(await self._submit(Take(payer, resource, n, age_s)))

    async def give_back(self, payer: Payer, *, resource: str = Resource.CALLS, n: int = 1) -> None:
        """Return n that were taken, and of which it is certain that they did not leave."""
        if await self.has_budgets(payer.app_id):
            await self._submit(Take(payer, resource, -n))

    def calls_of(self, payer: Payer) -> Callable[[int], Awaitable[None]]:
        """Return what an Http client awaits before each request to the maker's API."""

        async def take(n: int) -> None:
            await self.take(payer, n=n)

        return take


@asynccontextmanager
async def open_meter(batch: Callable[[Write], Submit]) -> AsyncIterator[Meter]:
    """Open a meter for one event loop, with a connection of its own.

    batch: makes of a function that writes many a function that submits one, e.g. `lambda write: Batcher(write).submit`.
    """
    connections = [await open_connection()]

    async def connect() -> psycopg.AsyncConnection[Any]:
        if connections[0].closed:
            connections[0] = await open_connection()
        return connections[0]

    async def write(takes: list[Take]) -> list[float | None]:
        return await write_takes(await connect(), takes)

    async def find_budgeted() -> frozenset[UUID]:
        cursor = (await connect()).cursor(row_factory=psycopg.rows.tuple_row)
        await cursor.execute(BUDGETED)
        return frozenset(app_id for (app_id,) in await cursor.fetchall())

    try:
        yield Meter(batch(write), find_budgeted)
    finally:
        await connections[0].close()


def refuse(wait_s: float | None) -> None:
    """Raise AdapterError (quota_exhausted) unless the database granted it."""
    if wait_s is not None:
        raise AdapterError(
            "quota_exhausted", detail="our own budget", retry_after_s=None if isinf(wait_s) else max(wait_s, 0.001)
        )


# Code of Django's ------------------------------------------------------------------------------------------------


def has_budgets(app_id: UUID) -> bool:
    """Say whether anything is counted for an application, in one query."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM budgets_budget WHERE app_id = %s)", [app_id])
        (found,) = cursor.fetchone()
    return bool(found)


def take(payer: Payer, *, resource: str = Resource.CALLS, n: int = 1) -> None:
    """Take n of a resource through Django's connection. Raises AdapterError (quota_exhausted)."""
    with django_connection.cursor() as cursor:
        cursor.execute(TAKE_MANY, take_parameters([Take(payer, resource, n)]))
        ((_, wait_s),) = cursor.fetchall()
    refuse(wait_s)


def calls_of(payer: Payer) -> Callable[[int], Awaitable[None]] | None:
    """Return what an Http client awaits before each request, for a loop that Django's code runs for one car.

    None when nothing is counted for the application. Not to be called inside the loop.
    """
    if not has_budgets(payer.app_id):
        return None

    def run(n: int) -> None:
        try:
            take(payer, n=n)
        finally:
            django_connection.close()

    async def take_in_thread(n: int) -> None:
        await asyncio.to_thread(run, n)

    return take_in_thread
