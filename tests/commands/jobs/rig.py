"""What the tests of jobs share: start one, take it past its undo window, carry it to its end, say what became of it."""

import math
from typing import Any
from uuid import UUID

from django.utils import timezone

from commands.jobs.feeding import feed_round
from commands.jobs.models import Job, JobItem
from commands.jobs.progress import count_progress
from commands.jobs.services import create_job
from commands.models import Command
from fleet.adapters.commands import Command as Order
from fleet.adapters.commands import Lock
from fleet.teams.models import Membership
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import Vehicle, VehicleLink
from tests.commands.rig import carry
from tests.factories import join_simulated_car
from tests.infrastructure.simulator import Simulator

ROUNDS = 40


def make_car(membership: Membership, simulator: Simulator, n: int, **facts: Any) -> VehicleLink:
    """One more car of the team, locked; the list has them in the order of n."""
    link = join_simulated_car(membership, simulator, **{"state": {"locked": True}, **facts})
    Vehicle.objects.filter(pk=link.vehicle_id).update(plate=f"JO-B {n:03}")
    return link


def start(by: Membership, order: Order | None = None, *, cars: VehicleFilter | None = None, **options: Any) -> Job:
    """Start a job and take it past its undo window."""
    job = create_job(membership=by, cars=cars or VehicleFilter(), order=order or Lock(), **options)
    return past_undo(job)


def past_undo(job: Job) -> Job:
    Job.objects.filter(pk=job.pk, state="waiting").update(undo_until=timezone.now())
    return job


def feed(*, settle: bool = True) -> int | None:
    """One round as a worker does it; settle=False as in the same second as the last."""
    return feed_round(None if settle else _Now())


class _Now(dict[UUID, float]):
    """Every job was settled just now."""

    def get(self, *_: object) -> float:  # type: ignore[override]
        return math.inf


def work(job: Job) -> Job:
    """Feed and carry until the job is over."""
    for _ in range(ROUNDS):
        feed()
        job.refresh_from_db()
        if not job.is_active:
            return job
        carry()
    raise AssertionError(f"{job} is {job.state}: {counts(job)}")


def counts(job: Job) -> dict[str, int]:
    """Cars per outcome, as people see them now."""
    return dict(count_progress(job.id).counts)


def ends(job: Job) -> list[tuple[str, str]]:
    """Outcome and code of every car, in the job's order."""
    return list(JobItem.objects.filter(job=job).order_by("n").values_list("outcome", "code"))


def states(job: Job) -> list[str]:
    """The states of the commands that the job made, in its order."""
    rows = Command.objects.filter(cause=f"job:{job.id}").order_by("idempotency_key")
    return list(rows.values_list("state", flat=True))


def over(job: Job) -> tuple[str, str]:
    """State and reason of a job now."""
    job.refresh_from_db()
    return job.state, job.code
