"""Many small writes become few: whatever arrives while one batch is being written goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# A batch of no more than this is no load.
FEW = 3


class Batcher(Generic[Item, Result]):
    """Groups items for `write`, which answers for each in order.

    A lone item is written at once, and under load batches grow by themselves to what one round trip takes, and by
    linger_s: for so long the next batch waits after one that was more than a few. divide_on: errors that one item can
    bring upon all; then each is written alone.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], Awaitable[list[Result]]],
        *,
        limit: int = 500,
        linger_s: float = 0.0,
        divide_on: tuple[type[Exception], ...] = (),
    ) -> None:
        self._write = write
        self._divide_on = divide_on
        self._limit = limit
        self._linger_s = linger_s
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Write one item with the next batch and return its answer, or raise what the batch raised."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            await self._write_and_tell(batch)
            if self._linger_s and FEW < len(batch) < self._limit:
                await asyncio.sleep(self._linger_s)

    async def _write_and_tell(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits is told; nobody may wait for ever
            if len(batch) > 1 and isinstance(error, self._divide_on):
                for one in batch:
                    await self._write_and_tell([one])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
