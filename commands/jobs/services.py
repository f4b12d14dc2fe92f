"""The verbs of jobs: start, undo, stop, try the failed again. Sending happens in feeding, looking in progress."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from commands.jobs import sql
from commands.jobs.errors import NotAllowed, NothingToRetry, TooLate
from commands.jobs.models import Job, JobItem, JobState, Outcome
from commands.jobs.selection import select_cars
from commands.jobs.words import sentence_of
from commands.services import cancel_many
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter, Number, RetryClass
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.filters import VehicleFilter

logger = logging.getLogger(__name__)

# A harmless job sends nothing for so long, so that a slip of the finger can be taken back.
UNDO_WINDOW = timedelta(seconds=8)
# Above so many cars a risky command asks for their number in digits.
NUMBER_ABOVE = 25
DEFAULT_LIFE = timedelta(hours=24)
MAX_LIFE_DAYS = 7
PACE = Number(1, 6000, 1, "/min")
STOP_SHARE = Number(1, 100, 1, "%")
# What may be another outcome the next time, by the error taxonomy; the rest fails again, or somebody has to act first.
RETRY_CODES = frozenset(
    {
        "vehicle_asleep",
        "vehicle_unreachable",
        "vehicle_refused",
        "busy",
        "rate_limited",
        "quota_exhausted",
        "upstream_down",
        "upstream_error",
        "not_written",
        "deadline",
        "budget",
        "stop_share",
        "consent_changed",
        "rule",
    }
)
RETRY_OUTCOMES = (Outcome.FAILED, Outcome.REFUSED, Outcome.EXPIRED, Outcome.NOT_SENT)
# The car may have acted: sending again could act twice. A person looks at the car.
NEVER_AGAIN = (Outcome.UNKNOWN, Outcome.UNPROVED, Outcome.CONTRADICTED)


@dataclass(frozen=True)
class Kept:
    """Cars that are not tried again, and why."""

    outcome: str
    code: str
    count: int
    sentence: str


@dataclass(frozen=True)
class RetryPlan:
    """What "retry only the failed" would do: how many cars, and which it leaves alone and why.

    uncertain: cars that may have acted although nobody can prove it; they are never sent again by a machine.
    needs_number: above 25 cars a risky command asks for `count` in digits.
    """

    count: int
    uncertain: int
    kept: tuple[Kept, ...]
    needs_number: bool


def needs_number(order: Order, count: int) -> bool:
    """Say whether a person has to type the number of cars before this order goes to so many."""
    return order.asks and count > NUMBER_ABOVE


def check_options(
    order: Order,
    *,
    pace_per_min: int | None,
    stop_share_percent: int | None,
    deadline: datetime | None,
    now: datetime,
) -> datetime:
    """Return the job's deadline, or raise InvalidParameter with the field that makes no sense."""
    if order.retry_class is RetryClass.D or order.secrets:
        raise InvalidParameter("kind", "secret")
    if pace_per_min is not None:
        PACE.check("pace_per_min", pace_per_min)
    if stop_share_percent is not None:
        STOP_SHARE.check("stop_share_percent", stop_share_percent)
    if deadline is None:
        return now + DEFAULT_LIFE
    if deadline <= now:
        raise InvalidParameter("deadline", "in_the_past")
    if deadline > now + timedelta(days=MAX_LIFE_DAYS):
        raise InvalidParameter("deadline", "too_late", maximum=MAX_LIFE_DAYS)
    return deadline


def create_job(
    *,
    membership: Membership,
    cars: VehicleFilter,
    order: Order,
    pace_per_min: int | None = None,
    stop_share_percent: int | None = None,
    deadline: datetime | None = None,
    confirmed_count: int | None = None,
    expected_s: float | None = None,
    origin: str = "job",
    cause: str = "",
) -> Job:
    """Start one order for many cars and return the job; who gets it is decided now, and cannot grow later.

    A harmless order waits for 8 s in which undo_job takes all of it back; a risky one (order.asks) for more than 25
    cars needs confirmed_count, the number of cars that will get it. origin "schedule": nobody watches, so neither.
    deadline: nothing is sent after it; a day from now unless told. expected_s: what the preview foretold.

    Raises NotAllowed, InvalidParameter with the field ("filter": no_cars, too_many; "kind": secret; "deadline",
    "pace_per_min", "stop_share_percent", "confirmed_count": wrong_number).
    """
    now = timezone.now()
    until = check_options(
        order, pace_per_min=pace_per_min, stop_share_percent=stop_share_percent, deadline=deadline, now=now
    )
    if not membership.may(Permission.COMMAND):
        raise NotAllowed
    rows = [(target.vehicle_id, target.app_id, code) for target, code in select_cars(membership, cars, order)]
    job = _make(membership, order, rows, now=now, origin=origin, confirmed_count=confirmed_count)
    job.filter, job.pace_per_min, job.stop_share_percent = cars.values(), pace_per_min, stop_share_percent
    job.deadline, job.expected_s, job.cause = until, expected_s, cause
    return _start(job, rows, actor=membership.user.actor)


def _make(
    membership: Membership,
    order: Order,
    rows: Sequence[tuple[UUID, UUID | None, str]],
    *,
    now: datetime,
    origin: str,
    confirmed_count: int | None,
) -> Job:
    eligible = sum(1 for _, _, code in rows if not code)
    if not eligible:
        raise InvalidParameter("filter", "no_cars")
    is_watched = origin != "schedule"
    if is_watched and needs_number(order, eligible) and confirmed_count != eligible:
        raise InvalidParameter("confirmed_count", "wrong_number", number=eligible)
    can_undo = is_watched and not order.asks
    return Job(
        team_id=membership.team_id,
        authority_id=membership.authority_id,
        authority_version=membership.authority.version,
        user_id=membership.user_id,
        origin=origin,
        kind=order.kind,
        parameters=order.parameters(),
        state=JobState.WAITING if can_undo else JobState.RUNNING,
        undo_until=now + UNDO_WINDOW if can_undo else None,
        started_at=None if can_undo else now,
        total=len(rows),
        eligible=eligible,
    )


def _start(job: Job, rows: Sequence[tuple[UUID, UUID | None, str]], *, actor: str) -> Job:
    with acting_as(actor):
        job.save(force_insert=True)
        with connection.cursor() as cursor:
            cursor.execute(
                sql.INSERT_ITEMS,
                {
                    "job": job.id,
                    "team": job.team_id,
                    "vehicles": [vehicle_id for vehicle_id, _, _ in rows],
                    "apps": [app_id for _, app_id, _ in rows],
                    "codes": [code for _, _, code in rows],
                },
            )
        data = {"kind": job.kind, "origin": job.origin, "cars": job.eligible, "skipped": job.skipped}
        record_job(job, "created", actor=actor, data=data)
        transaction.on_commit(ring_feeder)
    return job


def undo_job(*, job_id: UUID, actor: str) -> Job:
    """Take a job back before anything of it was sent. Raises TooLate when it has begun, or is over."""
    with acting_as(actor):
        job = Job.objects.across_teams().select_for_update().get(pk=job_id)
        if job.state == JobState.STOPPED and job.code == "undone":
            return job
        if job.state != JobState.WAITING:
            raise TooLate(job)
        end_waiting(job, "undone")
        job.state, job.code, job.finished_at = JobState.STOPPED, "undone", timezone.now()
        job.save(update_fields=["state", "code", "finished_at"])
        record_job(job, "undone", actor=actor)
    return job


def stop_job(*, job_id: UUID, actor: str) -> Job:
    """Stop a job: what was not sent yet never will be, what is on its way is followed to its end.

    Raises TooLate when the job is over. Stopping twice is stopping once.
    """
    with acting_as(actor):
        job = Job.objects.across_teams().select_for_update().get(pk=job_id)
        if not job.is_active:
            raise TooLate(job)
        if job.state != JobState.STOPPING:
            halt(job, "stopped", actor=actor)
    return job


def halt(job: Job, code: str, *, actor: str) -> None:
    """Send no more of a job whose row is locked: end the cars that wait, cancel what is queued, follow the rest."""
    settle(job)
    end_waiting(job, code)
    with connection.cursor() as cursor:
        cursor.execute(sql.QUEUED_COMMANDS, {"job": job.id, "cause": cause_of(job)})
        queued = [command_id for (command_id,) in cursor.fetchall()]
    if queued:
        cancel_many(command_ids=queued, actor=actor)
    job.state, job.code, job.held = JobState.STOPPING, code, {}
    job.save(update_fields=["state", "code", "held"])
    settle(job)
    record_job(job, "stopped", actor=actor, data={"why": code})
    transaction.on_commit(ring_feeder)


def end_waiting(job: Job, code: str) -> int:
    """End the cars whose turn had not come, as not sent; returns how many."""
    waiting = JobItem.objects.filter(job=job, outcome=Outcome.WAITING)
    return waiting.update(outcome=Outcome.NOT_SENT, code=code)


def settle(job: Job) -> int:
    """Write down the ends of the job's commands at their cars; returns how many ended since the last time."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SETTLE, {"job": job.id, "stop_code": job.code})
        return cursor.rowcount


def cause_of(job: Job) -> str:
    """Return how commands name this job as what made them."""
    return f"job:{job.id}"


def record_job(job: Job, verb: str, *, actor: str, data: dict[str, Any] | None = None) -> None:
    """Write what happened to a job into the log."""
    record(f"job.{verb}", actor=actor, team_id=job.team_id, subject=f"job:{job.id}", data=data)


# Trying again -----------------------------------------------------------------------------------------------------


def plan_retry(job: Job) -> RetryPlan:
    """Say what retry_failed would do, in one query: how many cars are worth another try, and why others are not."""
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS, {"job": job.id})
        rows = cursor.fetchall()
    count, uncertain, kept = 0, 0, []
    for outcome, code, reason, number in rows:
        if outcome in RETRY_OUTCOMES and code in RETRY_CODES:
            count += number
        elif outcome in NEVER_AGAIN:
            uncertain += number
        elif outcome in RETRY_OUTCOMES:
            kept.append(Kept(outcome, code, number, sentence_of(outcome, code, reason)))
    kept.sort(key=lambda group: -group.count)
    return RetryPlan(count, uncertain, tuple(kept), needs_number(job.order(), count))


def retry_failed(
    *,
    job: Job,
    membership: Membership,
    deadline: datetime | None = None,
    confirmed_count: int | None = None,
) -> Job:
    """Start a new job for the cars of this one that failed for a reason worth another try, and return it.

    Cars of which nobody knows whether they acted are never among them. Cars that can no longer get the order are
    skipped, with the reason. Raises NotAllowed, NothingToRetry, TooLate while the old job still runs,
    InvalidParameter as create_job.
    """
    if job.is_active:
        raise TooLate(job)
    if not membership.may(Permission.COMMAND):
        raise NotAllowed
    order, now = job.order(), timezone.now()
    until = check_options(order, pace_per_min=None, stop_share_percent=None, deadline=deadline, now=now)
    failed = JobItem.objects.filter(job=job, outcome__in=RETRY_OUTCOMES, code__in=RETRY_CODES)
    ids = tuple(failed.order_by("n").values_list("vehicle_id", flat=True))
    if not ids:
        raise NothingToRetry
    rows = [
        (target.vehicle_id, target.app_id, code)
        for target, code in select_cars(membership, VehicleFilter(ids=ids), order)
    ]
    again = _make(membership, order, rows, now=now, origin="job", confirmed_count=confirmed_count)
    again.parent, again.filter, again.cause = job, job.filter, cause_of(job)
    again.pace_per_min, again.stop_share_percent, again.deadline = job.pace_per_min, job.stop_share_percent, until
    return _start(again, rows, actor=membership.user.actor)


def ring_feeder() -> None:
    """Tell the workers that a job has something to do. A lost ring costs a second: beat looks anyway."""
    from commands.jobs.tasks import feed_jobs

    try:
        feed_jobs.apply_async(expires=5, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not take the ring for a job, beat will: %s", type(error).__name__)
