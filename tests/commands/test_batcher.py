"""Batches of writes: one round trip for many, and one bad item is its own trouble."""

import asyncio

import pytest

from commands.dispatch.batcher import Batcher


class Table:
    """Stands for the database: takes a batch or none of it, a moment later."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def write(self, items: list[str]) -> list[str]:
        self.batches.append(items)
        await asyncio.sleep(0)
        if "poison" in items:
            raise ValueError("poison")
        if "outage" in items:
            raise OSError("outage")
        return [item.upper() for item in items]


def submit_all(table: Table, *items: str, limit: int = 500) -> list[object]:
    async def run() -> list[object]:
        batcher = Batcher(table.write, limit=limit, divide_on=(ValueError,))
        async with asyncio.timeout(5):
            return await asyncio.gather(*(batcher.submit(item) for item in items), return_exceptions=True)

    return asyncio.run(run())


def test_batcher_when_many_come_at_once_then_they_are_few_writes_and_each_gets_its_own_answer():
    table = Table()

    answers = submit_all(table, "a", "b", "c", "d", "e", limit=2)

    assert answers == ["A", "B", "C", "D", "E"]
    assert table.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_batcher_when_one_item_is_poisonous_then_the_others_are_written_all_the_same():
    answers = submit_all(Table(), "a", "poison", "c")

    assert [answers[0], answers[2]] == ["A", "C"]
    assert isinstance(answers[1], ValueError)


def test_batcher_when_the_table_is_away_then_all_who_wait_are_told_and_it_goes_on():
    table = Table()

    first = submit_all(table, "a", "outage", "c")

    assert [type(answer) for answer in first] == [OSError] * 3
    assert len(table.batches) == 1


@pytest.mark.parametrize("trouble", ["poison", "outage"])
def test_batcher_when_a_batch_failed_then_the_next_one_is_written(trouble):
    table = Table()

    answers = submit_all(table, trouble, "b", limit=1)

    assert answers[1] == "B"
