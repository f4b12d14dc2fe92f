"""One job for a hundred cars of four providers, with faults: every car ends with the outcome that the ledger proves."""

import random
from typing import Any

from commands.jobs.models import JobItem
from fleet.adapters.commands import Lock
from fleet.adapters.registry import get_adapter
from tests.commands.jobs.rig import counts, over, start, work
from tests.factories import make_team
from tests.fleet.adapters.dialects.benches import EnodeBench, Joined, SmartcarBench, TeslaBench, VolvoBench
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

CARS_EACH = 25
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"refuse": "door_open"},
    {"lose_reply": True},
    {"reset_after_first_byte": True},
    {"garbage": "html"},
    {"status_after": {"status": 500}},
    {"latency_s": 0.3},
    {"effect_s": 0.2},
)
# Outcome of a car -> how often the ledger may say that it acted.
ACTED = {"confirmed": {1}, "refused": {0}, "skipped": {0}}


def test_job_when_a_hundred_cars_of_four_providers_have_faults_then_every_outcome_is_what_the_ledger_says(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    team = make_team()
    chance = random.Random(7)
    joined: dict[str, list[Joined]] = {}
    told: dict[Any, dict[str, Any]] = {}
    for bench in (TeslaBench, VolvoBench, SmartcarBench, EnodeBench):
        cars = bench(simulator).join(team, *({"state": {"locked": False}} for _ in range(CARS_EACH)))
        joined[bench.provider] = cars
        for one in cars:
            told[one.link.vehicle_id] = chance.choice(FAULTS)
            if told[one.link.vehicle_id]:
                one.car.behave(**told[one.link.vehicle_id])

    job = work(start(team, Lock()))

    assert over(job) == ("done", "")
    outcomes = dict(JobItem.objects.filter(job=job).values_list("vehicle_id", "outcome"))
    expected = {}
    for provider, cars in joined.items():
        offers = "lock" in get_adapter(provider).manifest.commands
        for one in cars:
            says_no = "refuse" in told[one.link.vehicle_id]
            expected[one.link.vehicle_id] = "skipped" if not offers else "refused" if says_no else "confirmed"
    assert outcomes == expected
    assert sum(counts(job).values()) == 4 * CARS_EACH
    ledger = {one.link.vehicle_id: one.car for cars in joined.values() for one in cars}
    assert all(len(ledger[car].executed()) in ACTED[outcome] for car, outcome in outcomes.items())
    assert all(len(car.requests()) <= 3 for car in ledger.values())
