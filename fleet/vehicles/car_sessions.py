"""Sessions with cars whose commands are signed and counted, in the database: shared by workers, kept over restarts."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.db import connection

from fleet.adapters.sessions import CarSession
from fleet.vehicles.models import CarSession as Row

P = ParamSpec("P")
T = TypeVar("T")

# One statement each, so that two workers never see the same number: the row's lock puts them in order.
SAVE = """
INSERT INTO vehicles_carsession AS s (app_id, car, part, public_key, epoch, counter, clock_zero_at, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (app_id, car, part) DO UPDATE SET
    counter = CASE WHEN s.epoch = excluded.epoch THEN greatest(s.counter, excluded.counter) ELSE excluded.counter END,
    public_key = excluded.public_key, epoch = excluded.epoch, clock_zero_at = excluded.clock_zero_at,
    updated_at = excluded.updated_at
"""
TAKE = """
UPDATE vehicles_carsession SET counter = counter + 1 WHERE app_id = %s AND car = %s AND part = %s AND epoch = %s
RETURNING counter
"""


class KeptSessions:
    """fleet.adapters.sessions.SessionStore for one registration."""

    def __init__(self, app_id: UUID) -> None:
        self._app_id = app_id

    async def load(self, car: str, part: str) -> CarSession | None:
        """Return the session, or None when there was no handshake yet."""
        return await _in_thread(self._load, car, part)

    async def save(self, car: str, part: str, session: CarSession) -> None:
        """Keep what a handshake brought; within one epoch the counter never goes down."""
        await _in_thread(self._save, car, part, session)

    async def take_counter(self, car: str, part: str, *, epoch: bytes) -> int | None:
        """Return the next counter, which nobody else gets; None when the epoch is another by now."""
        return await _in_thread(self._take, car, part, epoch)

    def _load(self, car: str, part: str) -> CarSession | None:
        row = Row.objects.filter(app_id=self._app_id, car=car, part=part).first()
        if row is None:
            return None
        return CarSession(bytes(row.public_key), bytes(row.epoch), row.counter, row.clock_zero_at)

    def _save(self, car: str, part: str, session: CarSession) -> None:
        held = (session.public_key, session.epoch, session.counter, session.clock_zero_s, datetime.now(UTC))
        with connection.cursor() as cursor:
            cursor.execute(SAVE, (self._app_id, car, part, *held))

    def _take(self, car: str, part: str, epoch: bytes) -> int | None:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [self._app_id, car, part, epoch])
            row = cursor.fetchone()
        return None if row is None else int(row[0])


async def _in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a query in a thread, and give its connection back."""

    def run() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)
