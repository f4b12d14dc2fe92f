"""What one event loop keeps for a while, and loads once however many ask for it in the same moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Values with a life of `life_s`. Whoever comes while one is being loaded waits for that same loading."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._kept: dict[Key, tuple[float, asyncio.Future[Value]]] = {}

    async def get(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value of a key, or what `load` brings; what `load` raises is raised for all who wait for it."""
        kept = self._kept.get(key)
        if kept is None or kept[0] < time.monotonic():
            future = asyncio.ensure_future(load())
            kept = self._kept[key] = (time.monotonic() + self._life_s, future)
            future.add_done_callback(lambda done: self._forget_failure(key, done))
        # Shielded: one who is cancelled must not take the value from the others.
        return await asyncio.shield(kept[1])

    def forget(self, key: Key, value: Value) -> None:
        """Load anew next time, if it is still this value that is kept."""
        kept = self._kept.get(key)
        if kept is not None and _is_loaded(kept[1]) and kept[1].result() == value:
            del self._kept[key]

    def _forget_failure(self, key: Key, done: asyncio.Future[Value]) -> None:
        kept = self._kept.get(key)
        if kept is not None and kept[1] is done and not _is_loaded(done):
            del self._kept[key]


def _is_loaded(future: asyncio.Future[Value]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
