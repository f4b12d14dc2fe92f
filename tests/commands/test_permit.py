"""The permit in the database: for the holder of the newest fence, once, and on record before a byte leaves."""

import asyncio

from commands.dispatch.store import Mark, open_store
from commands.models import CommandAttempt
from commands.services import sweep_commands
from fleet.adapters.commands import Lock, Unlock
from tests.commands.rig import claim, end_time_of, known, make_dispatchers_silent, press
from tests.factories import join_simulated_car

WAIT_S = 30.0


def test_permit_when_another_has_claimed_since_then_only_the_newest_fence_gets_it(link, as_owner):
    command = press(link, Unlock())

    async def run():
        async with open_store() as frozen, open_store() as fresh:
            [old] = await claim(frozen, 10)
            await asyncio.to_thread(make_dispatchers_silent, as_owner)
            await asyncio.to_thread(sweep_commands)
            [new] = await claim(fresh, 10)
            marks = [Mark(old.id, old.fence, WAIT_S), Mark(new.id, new.fence, WAIT_S)]
            return old.fence < new.fence, [await frozen.permit(marks[0]), await fresh.permit(marks[1])]

    assert asyncio.run(run()) == (True, [False, True])
    assert known(command)[0] == "sending"
    assert [attempt.fence for attempt in CommandAttempt.objects.all()] == [command.fence]


def test_permit_when_it_is_asked_for_twice_then_it_is_given_once(link):
    command = press(link, Lock())

    async def run():
        async with open_store() as store:
            [job] = await claim(store, 10)
            mark = Mark(job.id, job.fence, WAIT_S)
            return [await store.permit(mark) for _ in range(2)] + await asyncio.gather(*[store.permit(mark)] * 3)

    assert asyncio.run(run()) == [True, False, False, False, False]
    assert (known(command)[0], command.attempts, CommandAttempt.objects.count()) == ("sending", 1, 1)


def test_permit_when_one_of_a_batch_is_too_late_then_the_others_get_theirs(membership, simulator, as_owner):
    links = [join_simulated_car(membership, simulator, learn=False) for _ in range(3)]
    commands = [press(link, Unlock()) for link in links]

    async def run():
        async with open_store() as store:
            jobs = {job.id: job for job in await claim(store, 10)}
            await asyncio.to_thread(end_time_of, as_owner, commands[1])
            marks = [Mark(command.id, jobs[command.id].fence, WAIT_S) for command in commands]
            given = await asyncio.gather(*[store.permit(mark) for mark in marks])
            why = await store.why_not(jobs[commands[1].id])
            return given, why and why.code

    assert asyncio.run(run()) == ([True, False, True], "expired")
    assert [known(command)[0] for command in commands] == ["sending", "claimed", "sending"]


def test_claim_when_the_claimed_command_was_superseded_then_its_car_is_free_at_once(link):
    press(link, Lock())

    async def run():
        async with open_store() as store:
            first = await claim(store, 10)
            await asyncio.to_thread(press, link, Unlock(), idempotency_key="k")
            return len(first), len(await claim(store, 10))

    # The unlock superseded the lock that was claimed, and the lane was free again in the same transaction.
    assert asyncio.run(run()) == (1, 1)


def test_claim_when_less_room_is_given_than_there_is_work_then_no_more_is_taken(membership, simulator):
    links = [join_simulated_car(membership, simulator, learn=False) for _ in range(3)]
    for link in links:
        press(link, Lock())

    async def run():
        async with open_store() as store:
            return [len(await claim(store, free)) for free in (2, 2, 2)]

    assert asyncio.run(run()) == [2, 1, 0]
