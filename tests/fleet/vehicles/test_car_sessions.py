"""Sessions with cars in the database: counters that nobody gets twice, and epochs that end."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet.adapters.sessions import CarSession, SessionsInMemory
from fleet.vehicles.car_sessions import KeptSessions
from fleet.vehicles.models import ProviderApp

pytestmark = pytest.mark.usefixtures("committed_db")
CAR, PART = "5YJ3E1EA7KF000001", "2"
FIRST = CarSession(b"\x04" + b"k" * 64, b"e" * 16, 7, 1_790_000_000.5)


@pytest.fixture
def app() -> ProviderApp:
    return ProviderApp.objects.create(provider="simulator", name="A maker", client_id="id", client_secret_sealed=b"")


@pytest.fixture(params=["kept", "in_memory"])
def sessions(request: pytest.FixtureRequest, app: ProviderApp) -> KeptSessions | SessionsInMemory:
    return KeptSessions(app.id) if request.param == "kept" else SessionsInMemory()


def test_session_when_saved_then_it_is_loaded_as_it_was_and_counted_on_from_there(sessions):
    async def use():
        nothing = await sessions.load(CAR, PART)
        await sessions.save(CAR, PART, FIRST)
        loaded = await sessions.load(CAR, PART)
        return nothing, loaded, [await sessions.take_counter(CAR, PART, epoch=FIRST.epoch) for _ in range(3)]

    assert asyncio.run(use()) == (None, FIRST, [8, 9, 10])


def test_session_when_an_older_answer_is_saved_last_then_the_counter_does_not_go_back(sessions):
    async def use():
        await sessions.save(CAR, PART, FIRST)
        await sessions.take_counter(CAR, PART, epoch=FIRST.epoch)
        await sessions.save(CAR, PART, FIRST)
        return await sessions.take_counter(CAR, PART, epoch=FIRST.epoch)

    assert asyncio.run(use()) == 9


def test_session_when_the_car_began_a_new_epoch_then_the_old_one_gives_no_counter(sessions):
    second = CarSession(FIRST.public_key, b"f" * 16, 1, FIRST.clock_zero_s)

    async def use():
        await sessions.save(CAR, PART, FIRST)
        await sessions.save(CAR, PART, second)
        return [await sessions.take_counter(CAR, PART, epoch=epoch) for epoch in (FIRST.epoch, second.epoch)]

    assert asyncio.run(use()) == [None, 2]


def test_counter_when_many_workers_take_one_at_once_then_each_gets_another(app):
    asyncio.run(KeptSessions(app.id).save(CAR, PART, FIRST))

    def work(_number: int) -> list[int | None]:
        # A worker of its own: nothing is shared but the database.
        async def take():
            return [await KeptSessions(app.id).take_counter(CAR, PART, epoch=FIRST.epoch) for _ in range(10)]

        return asyncio.run(take())

    with ThreadPoolExecutor(8) as workers:
        taken = [counter for counters in workers.map(work, range(8)) for counter in counters]

    assert sorted(taken) == list(range(8, 88))


def test_sessions_when_two_registrations_reach_one_car_then_each_has_its_own(app):
    other = ProviderApp.objects.create(provider="simulator", name="B", client_id="other", client_secret_sealed=b"")

    async def use():
        await KeptSessions(app.id).save(CAR, PART, FIRST)
        return await KeptSessions(other.id).load(CAR, PART)

    assert asyncio.run(use()) is None
