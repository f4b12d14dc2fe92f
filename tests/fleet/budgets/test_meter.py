"""The meter of an event loop and of Django's code: few trips, a refusal with its time, no query for nothing."""

import asyncio
import subprocess
import sys

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commands.dispatch.batcher import Batcher
from fleet.adapters.errors import AdapterError
from fleet.budgets import meter as budget_meter
from fleet.budgets.holds import hold_app
from fleet.budgets.meter import Payer, open_meter
from fleet.run.environment import ROOT
from tests.fleet.budgets.conftest import uses
from tests.fleet.budgets.rows import make_budget


def batched(write):
    return Batcher(write).submit


async def granted(meter, payer, many, **options):
    answers = await asyncio.gather(*(meter.take(payer, **options) for _ in range(many)), return_exceptions=True)
    return [answer for answer in answers if answer is None], [answer for answer in answers if answer is not None]


def test_meter_when_many_ask_at_once_then_exactly_the_limit_is_granted(app, database):
    make_budget(app, 30, window_s=600)

    async def run():
        async with open_meter(batched) as first, open_meter(batched) as second:
            return await asyncio.gather(*(granted(meter, Payer(app.id), 40) for meter in (first, second)))

    (granted_1, refused_1), (granted_2, refused_2) = asyncio.run(run())

    assert (len(granted_1) + len(granted_2), uses(database)) == (30, {app.id: 30})
    refusal = (refused_1 + refused_2)[0]
    assert isinstance(refusal, AdapterError)
    assert refusal.code == "quota_exhausted"
    assert refusal.retry_after_s == pytest.approx(600, abs=12)


def test_meter_when_it_could_never_be_then_waiting_does_not_help(app):
    make_budget(app, 3, reserve=2)

    async def run():
        async with open_meter(batched) as meter:
            return await granted(meter, Payer(app.id), 1, n=2)

    _, (refusal,) = asyncio.run(run())

    assert (refusal.code, refusal.retry_after_s) == ("quota_exhausted", None)


def test_meter_when_given_back_then_there_is_room_again(app, database):
    make_budget(app, 3)

    async def run():
        async with open_meter(batched) as meter:
            payer = Payer(app.id, is_urgent=True)
            await meter.take(payer, n=3)
            await meter.give_back(payer, n=2)
            await meter.calls_of(payer)(1)

    asyncio.run(run())

    assert uses(database) == {app.id: 2}


def test_meter_when_an_application_has_no_budget_then_nothing_is_asked(app):
    asked = []

    async def submit(take):
        asked.append(take)

    async def find_budgeted():
        asked.append("which")
        return frozenset()

    async def run():
        meter = budget_meter.Meter(submit, find_budgeted)
        for _ in range(100):
            await meter.take(Payer(app.id))

    asyncio.run(run())

    assert asked == ["which"]


def test_meter_when_its_connection_breaks_then_the_next_one_asks_over_a_new_one(app, as_owner, database):
    make_budget(app, 3)
    end_all = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE query LIKE '%budget%' AND datname = current_database() AND pid <> pg_backend_pid()
    """

    async def run():
        async with open_meter(batched) as meter:
            await meter.take(Payer(app.id))
            await asyncio.to_thread(database.execute, end_all)
            broken = (await granted(meter, Payer(app.id), 1))[1]
            await meter.take(Payer(app.id))
            return broken

    broken = asyncio.run(run())

    # Not granted is not sent: an error of the database is a no.
    assert len(broken) == 1
    assert uses(database) == {app.id: 2}


TAKER = """
import django; django.setup()
from fleet.budgets.meter import Payer, take
from fleet.adapters.errors import AdapterError
granted = 0
for _ in range(60):
    try:
        take(Payer({app!r}))
        granted += 1
    except AdapterError:
        pass
print(granted)
"""


def test_take_when_two_processes_take_then_together_they_get_the_limit(app, database):
    make_budget(app, 70)
    command = [sys.executable, "-c", TAKER.format(app=str(app.id))]

    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert (sum(counts), uses(database)) == (70, {app.id: 70})


def test_calls_when_nothing_is_counted_then_reads_are_not_metered(app):
    with CaptureQueriesContext(connection) as queries:
        assert budget_meter.calls_of(Payer(app.id)) is None

    assert len(queries) == 1


def test_calls_when_counted_then_each_request_is_taken_and_the_last_refused(app, database):
    make_budget(app, 2)
    take_call = budget_meter.calls_of(Payer(app.id))

    async def run():
        await take_call(1)
        await take_call(1)
        await take_call(1)

    with pytest.raises(AdapterError) as refused:
        asyncio.run(run())

    assert (refused.value.code, uses(database)) == ("quota_exhausted", {app.id: 2})


def test_hold_when_a_maker_says_wait_then_the_longest_holds_an_hour_at_most(app, database):
    def held_for():
        query = "SELECT extract(epoch FROM held_until - clock_timestamp())::float8 FROM vehicles_providerapp"
        return database.execute(query).fetchone()[0]

    hold_app(app.id, 120)
    first = held_for()
    hold_app(app.id, 30)
    shorter = held_for()
    hold_app(app.id, 1e9)
    longest = held_for()

    assert first == pytest.approx(120, abs=5)
    assert shorter == pytest.approx(120, abs=5)
    assert longest == pytest.approx(3600, abs=5)
