"""What a loop keeps: loaded once for all who wait, forgotten when loading failed or when it is told to."""

import asyncio

import pytest

from commands.dispatch.kept import Kept


def test_value_when_many_ask_at_once_then_it_is_loaded_once():
    async def run() -> tuple[list[int], int]:
        kept: Kept[str, int] = Kept(60.0)
        loads = 0

        async def load() -> int:
            nonlocal loads
            loads += 1
            await asyncio.sleep(0)
            return loads

        return list(await asyncio.gather(*(kept.get("a", load) for _ in range(50)))), loads

    assert asyncio.run(run()) == ([1] * 50, 1)


def test_value_when_its_life_is_over_then_it_is_loaded_again():
    async def run() -> list[int]:
        kept: Kept[str, int] = Kept(-1.0)
        values = iter(range(10))

        async def load() -> int:
            return next(values)

        return [await kept.get("a", load) for _ in range(3)]

    assert asyncio.run(run()) == [0, 1, 2]


def test_value_when_loading_fails_then_all_who_wait_hear_of_it_and_the_next_tries_again():
    async def run() -> tuple[list[str], int]:
        kept: Kept[str, int] = Kept(60.0)

        async def fail() -> int:
            await asyncio.sleep(0)
            raise LookupError("not there")

        async def load() -> int:
            return 7

        said = await asyncio.gather(*(kept.get("a", fail) for _ in range(3)), return_exceptions=True)
        return [str(error) for error in said], await kept.get("a", load)

    assert asyncio.run(run()) == (["not there"] * 3, 7)


def test_value_when_one_who_waits_is_cancelled_then_the_others_still_get_it():
    async def run() -> int:
        kept: Kept[str, int] = Kept(60.0)
        go = asyncio.Event()

        async def load() -> int:
            await go.wait()
            return 7

        impatient = asyncio.create_task(kept.get("a", load))
        patient = asyncio.create_task(kept.get("a", load))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        go.set()
        return await patient

    assert asyncio.run(run()) == 7


@pytest.mark.parametrize(("told", "found"), [(7, 8), (6, 7)], ids=["the one that is kept", "one that was replaced"])
def test_value_when_it_is_to_be_forgotten_then_only_if_it_is_still_the_one(told, found):
    async def run() -> int:
        kept: Kept[str, int] = Kept(60.0)
        values = iter([7, 8])

        async def load() -> int:
            return next(values)

        await kept.get("a", load)
        kept.forget("a", told)
        return await kept.get("a", load)

    assert asyncio.run(run()) == found
