"""What the clock does with schedules: find what is due, once per local occurrence, and make a job of it."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from commands.jobs.errors import JobError
from commands.jobs.models import Job
from commands.jobs.services import create_job, needs_number
from commands.programs.ahead import Due, cars_of, due_between, is_over, next_due, plan_of, zones_of
from commands.programs.clock import database_now
from commands.programs.models import RunState, Schedule, ScheduleRun
from commands.programs.schedules import pause_schedule, tell
from commands.programs.steps import alone
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as
from fleet.teams.access import with_rights
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.filters import VehicleFilter

logger = logging.getLogger(__name__)

ACTOR = "system:programs"
BATCH = 1000
# So often every schedule is looked at, due or not: a car may have moved to another zone, a membership may have ended.
LOOK_EVERY = timedelta(minutes=1)
# After a long standstill the last of what was missed is kept, not all of it.
MAX_MISSED = 100


def run_due_schedules() -> int:
    """Find what is due and start it; return how many runs were started. Any number of workers may run it at once."""
    now = database_now()
    # A look that is planned for later than ever was planned by a clock that ran ahead.
    is_time = Q(look_at__lte=now) | Q(look_at__gt=now + 2 * LOOK_EVERY)
    due = Schedule.objects.filter(is_time, state=Schedule.State.ACTIVE).order_by("look_at")
    for schedule_id in list(due.values_list("id", flat=True)[:BATCH]):
        if not alone(look, schedule_id):
            # What cannot be looked at goes to the end, so that it never stands before the others.
            Schedule.objects.filter(pk=schedule_id).update(look_at=now + LOOK_EVERY)
    runs = ScheduleRun.objects.filter(state=RunState.DUE, due_at__lte=database_now()).order_by("due_at")
    return sum(alone(start_run, run_id) for run_id in list(runs.values_list("id", flat=True)[:BATCH]))


def look(schedule_id: UUID) -> bool:
    """Write down every occurrence of a schedule that has become due since the last look, each exactly once.

    The key of the rows is the local occurrence, so that neither a second beat nor a clock that was put back makes a
    second run. One transaction under the schedule's lock. Always true.
    """
    with acting_as(ACTOR):
        rows = Schedule.objects.select_for_update(skip_locked=True, of=("self",))
        schedule = (
            rows.select_related("team", "saved_filter").filter(pk=schedule_id, state=Schedule.State.ACTIVE).first()
        )
        if schedule is None:
            return True
        if reason := _why_not(_maker_of(schedule)):
            pause_schedule(schedule_id=schedule.id, actor=ACTOR, reason=reason)
            return True
        now = database_now()
        plan, zones = plan_of(schedule), list(_zones(schedule))
        # Also what a clock that ran ahead and was put back has passed over; rows that exist are not written again.
        after = max(min(schedule.looked_at, now) - _grace(schedule), schedule.effective_from)
        found = [due for zone in zones for due in due_between(plan, zone, after, now)]
        _write(schedule, found, now)
        schedule.looked_at = now
        following = next_due(plan, zones, now, LOOK_EVERY)
        schedule.look_at = following or now + LOOK_EVERY
        if following is None and is_over(plan, zones, now):
            schedule.state = Schedule.State.ENDED
        schedule.save(update_fields=["looked_at", "look_at", "state"])
    return True


def _zones(schedule: Schedule) -> dict[str, list[UUID]]:
    try:
        return zones_of(schedule)
    except InvalidParameter as error:  # the saved filter became nonsense; the run will say so
        logger.warning("schedule %s: its selection makes no sense: %s", schedule.id, error.code)
        return {schedule.time_zone or "UTC": []}


def _maker_of(schedule: Schedule) -> Membership:
    return with_rights().get(pk=schedule.membership_id)


def _why_not(membership: Membership) -> str:
    """Return why a member's schedules may not run any more, or ""."""
    if membership.ended_at is not None or not membership.user.is_active:
        return "membership_ended"
    return "" if membership.may(Permission.COMMAND) else "role"


def _grace(schedule: Schedule) -> timedelta:
    return timedelta(minutes=schedule.grace_min)


def _write(schedule: Schedule, found: list[Due], now: datetime) -> None:
    runs = [_run(schedule, due, now) for due in found]
    late = [run for run in runs if run.state == RunState.MISSED]
    dropped = {run.id for run in sorted(late, key=lambda run: run.due_at)[:-MAX_MISSED]}
    ScheduleRun.objects.bulk_create([run for run in runs if run.id not in dropped], ignore_conflicts=True)
    for run in runs:
        if run.state != RunState.DUE:
            continue
        # A clock that ran ahead had given it up as missed; put back, it is in time after all.
        ScheduleRun.objects.filter(
            schedule=schedule, zone=run.zone, local_on=run.local_on, local_at=run.local_at, state=RunState.MISSED
        ).update(state=RunState.DUE, reason="")
    new = ScheduleRun.objects.filter(pk__in=[run.id for run in late])
    if missed := new.count():
        tell(schedule, "missed", actor=ACTOR, count=missed)


def _run(schedule: Schedule, due: Due, now: datetime) -> ScheduleRun:
    state = RunState.DUE if now - due.moment.at <= _grace(schedule) else RunState.MISSED
    if due.occurrence.is_skipped:
        state = RunState.HOLIDAY
    return ScheduleRun(
        team_id=schedule.team_id,
        schedule=schedule,
        zone=due.zone,
        local_on=due.occurrence.local_at.date(),
        local_at=due.occurrence.local_at.time(),
        due_at=due.moment.at,
        note=due.moment.note,
        moved_from=due.occurrence.moved_from,
        holiday=due.occurrence.holiday,
        state=state,
        reason="late" if state == RunState.MISSED else "",
    )


def start_run(run_id: UUID) -> bool:
    """Make the job of a run that is due, in the transaction that says so; return whether there is one now.

    A crash before the commit leaves the run due and no job; the next tick starts it, unless it is too late by then.
    """
    with acting_as(ACTOR):
        rows = ScheduleRun.objects.select_for_update(skip_locked=True, of=("self",))
        run = (
            rows.select_related("schedule__team", "schedule__saved_filter")
            .filter(pk=run_id, state=RunState.DUE)
            .first()
        )
        if run is None:
            return False
        schedule, now = run.schedule, database_now()
        if schedule.state in {Schedule.State.PAUSED, Schedule.State.REMOVED}:
            run.state, run.reason = RunState.MISSED, "paused"
        elif now - run.due_at > _grace(schedule):
            run.state, run.reason = RunState.MISSED, "late"
        else:
            _start(run, schedule)
        run.save(update_fields=["state", "reason", "job"])
        tell(schedule, run.state, actor=ACTOR, run=str(run.id))
    return run.state == RunState.STARTED


def _start(run: ScheduleRun, schedule: Schedule) -> None:
    membership = _maker_of(schedule)
    if reason := _why_not(membership):
        run.state, run.reason = RunState.FAILED, reason
        return
    try:
        with transaction.atomic():
            run.job = _make_job(run, schedule, membership)
        run.state = RunState.STARTED
    except InvalidParameter as error:
        is_empty = (error.field, error.code) == ("filter", "no_cars")
        run.state, run.reason = (RunState.EMPTY if is_empty else RunState.FAILED), error.code
    except JobError as error:
        run.state, run.reason = RunState.FAILED, error.code


def _make_job(run: ScheduleRun, schedule: Schedule, membership: Membership) -> Job:
    cars = cars_of(schedule)
    zones = zones_of(schedule)
    if not schedule.time_zone:
        cars = VehicleFilter(ids=tuple(zones.get(run.zone, ())))
    # The number that the maker agreed to is for all zones together.
    if _grew(schedule, sum(len(ids) for ids in zones.values())):
        raise InvalidParameter("confirmed_count", "more_cars")
    return create_job(
        membership=membership,
        cars=cars,
        order=schedule.order(),
        # By the clock that jobs and commands go by.
        deadline=timezone.now() + timedelta(minutes=schedule.within_min),
        origin="schedule",
        cause=f"schedule:{run.id}",
    )


def _grew(schedule: Schedule, count: int) -> bool:
    """Say whether a risky command would reach more cars than its maker agreed to."""
    return needs_number(schedule.order(), count) and count > (schedule.confirmed_count or 0)
