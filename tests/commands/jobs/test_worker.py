"""Real workers feed a job; killed at any moment, another goes on and no car is asked twice or forgotten."""

import random

from django.db import connection

from commands.jobs.models import Job
from commands.jobs.services import ring_feeder
from commands.models import Command
from fleet.adapters.commands import Lock
from fleet.run.processes import wait_until
from tests.commands.jobs.rig import counts, make_car, over, start, work
from tests.commands.rig import car_of

CARS = 24


def test_job_when_the_feeding_worker_is_killed_again_and_again_then_each_car_gets_exactly_one(
    membership, simulator, worker
):
    cars = [make_car(membership, simulator, n) for n in range(1, CARS + 1)]
    job = start(membership, Lock(), pace_per_min=240)

    for kill in (1, 2):
        feeder = worker(queues="clock")
        wanted = random.Random(kill).randint(1, 4) + kill * 4
        assert wait_until(lambda wanted=wanted: _rung() and len(asked(job)) >= wanted, within_s=60), counts(job)
        feeder.kill9()

    # What the killed ones left, this process carries on.
    Job.objects.filter(pk=job.pk).update(pace_per_min=None)
    assert over(work(job)) == ("done", "")
    assert counts(job) == {"confirmed": CARS}
    assert [car_of(link, simulator).requests() for link in cars] == [["lock"]] * CARS
    assert Command.objects.filter(cause=f"job:{job.id}").count() == CARS


def _rung() -> bool:
    """As beat does every second."""
    ring_feeder()
    return True


def asked(job) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT n FROM jobs_jobitem WHERE job_id = %s AND command_id IS NOT NULL", [job.id])
        return [n for (n,) in cursor.fetchall()]
