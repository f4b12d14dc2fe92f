"""The verbs of schedules: make, change, pause, resume, remove. What the clock does with them is in running.py."""

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from uuid import UUID

from commands.jobs.services import needs_number
from commands.programs.ahead import next_due, plan_of, zones_of
from commands.programs.clock import database_now
from commands.programs.models import SCHEDULABLE, Schedule
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.models import SavedFilter

# A rule without a day in so long a time was not meant; the short look comes first because it is quick.
LOOK_AHEAD = (timedelta(days=400), timedelta(days=5 * 366))


class NotAllowed(Exception):
    """The person's role may not send commands, so no clock may in their name."""

    code = "role"


@dataclass(frozen=True)
class Wish:
    """What a person fills in: which command, for which cars (None: all), when, and what holidays change."""

    name: str
    order: Order
    saved_filter: SavedFilter | None
    starts_on: date
    at: time
    rule: str = ""
    ends_on: date | None = None
    time_zone: str = ""
    on_holiday: str = "run"
    holiday_country: str = ""
    holiday_region: str = ""
    own_dates: list[date] = field(default_factory=list)
    grace_min: int = 10
    within_min: int = 60
    confirmed_count: int | None = None


def draft(wish: Wish, *, membership: Membership) -> Schedule:
    """Return a schedule as it would be, not saved: what a dry run looks at."""
    now = database_now()
    return Schedule(
        team=membership.team, membership=membership, effective_from=now, looked_at=now, look_at=now, **_fields(wish)
    )


def _fields(wish: Wish) -> dict[str, object]:
    plain = {name: value for name, value in vars(wish).items() if name != "order"}
    return plain | {"kind": wish.order.kind, "parameters": wish.order.parameters()}


def create_schedule(*, wish: Wish, membership: Membership) -> Schedule:
    """Make a schedule that runs in its maker's name, and return it.

    Raises NotAllowed, InvalidParameter: kind (secret), saved_filter (foreign), starts_on (never), confirmed_count
    (wrong_number: a risky command for more than 25 cars wants their number).
    """
    schedule = draft(wish, membership=membership)
    _check(schedule, membership)
    with acting_as(membership.user.actor):
        schedule.save(force_insert=True)
        tell(schedule, "created", actor=membership.user.actor)
    return schedule


def change_schedule(*, schedule: Schedule, wish: Wish, membership: Membership) -> Schedule:
    """Give a schedule new values; from now on it runs in the name of whoever changed it. Raises as create_schedule.

    What was due before the change is over: neither made up for nor missed. A paused one stays paused.
    """
    changed = draft(wish, membership=membership)
    _check(changed, membership)
    now = database_now()
    fields = _fields(wish) | {
        "membership": membership,
        "effective_from": now,
        "looked_at": now,
        "look_at": now,
        "changed_at": now,
    }
    if schedule.state == Schedule.State.ENDED:
        fields["state"] = Schedule.State.ACTIVE
    with acting_as(membership.user.actor):
        Schedule.objects.this(schedule).exclude(state=Schedule.State.REMOVED).update(**fields)
        schedule.refresh_from_db()
        tell(schedule, "changed", actor=membership.user.actor)
    return schedule


def _check(schedule: Schedule, membership: Membership) -> None:
    if not membership.may(Permission.COMMAND):
        raise NotAllowed
    if schedule.kind not in SCHEDULABLE:
        raise InvalidParameter("kind", "secret")
    if schedule.saved_filter is not None and schedule.saved_filter.team_id != membership.team_id:
        raise InvalidParameter("saved_filter", "unknown")
    zones = zones_of(schedule)
    plan, one_zone = plan_of(schedule), list(zones)[:1]
    if not any(next_due(plan, one_zone, schedule.effective_from, within) for within in LOOK_AHEAD):
        raise InvalidParameter("starts_on", "never")
    count = sum(len(cars) for cars in zones.values())
    if not needs_number(schedule.order(), count):
        schedule.confirmed_count = None
    elif schedule.confirmed_count != count:
        raise InvalidParameter("confirmed_count", "wrong_number", number=count)


def pause_schedule(*, schedule_id: UUID, actor: str, reason: str = "") -> bool:
    """Let a schedule do nothing until it is resumed; say whether it was active. reason: "" when a person wished it."""
    with acting_as(actor):
        active = Schedule.objects.across_teams().filter(pk=schedule_id, state=Schedule.State.ACTIVE)
        if not active.update(state=Schedule.State.PAUSED, reason=reason):
            return False
        tell(Schedule.objects.across_teams().get(pk=schedule_id), "paused", actor=actor)
    return True


def resume_schedule(*, schedule_id: UUID, membership: Membership) -> bool:
    """Let a paused schedule go on, from now and in the name of whoever resumes it; say whether it was paused.

    What was due during the pause is not made up for. Raises NotAllowed.
    """
    if not membership.may(Permission.COMMAND):
        raise NotAllowed
    now = database_now()
    with acting_as(membership.user.actor):
        mine = Schedule.objects.filter(team_id=membership.team_id)
        paused = mine.filter(pk=schedule_id, state=Schedule.State.PAUSED)
        fields = {"effective_from": now, "looked_at": now, "look_at": now, "membership": membership, "reason": ""}
        if not paused.update(state=Schedule.State.ACTIVE, **fields):
            return False
        tell(mine.get(pk=schedule_id), "resumed", actor=membership.user.actor)
    return True


def remove_schedule(*, schedule_id: UUID, actor: str) -> bool:
    """Remove a schedule; its runs stay in the history. Say whether it was there."""
    with acting_as(actor):
        there = Schedule.objects.across_teams().filter(pk=schedule_id).exclude(state=Schedule.State.REMOVED)
        if not there.update(state=Schedule.State.REMOVED, saved_filter=None):
            return False
        tell(Schedule.objects.across_teams().get(pk=schedule_id), "removed", actor=actor)
    return True


def tell(schedule: Schedule, verb: str, *, actor: str, **data: object) -> None:
    """Write into the log what happened to a schedule."""
    record(
        f"schedule.{verb}",
        actor=actor,
        team_id=schedule.team_id,
        subject=f"schedule:{schedule.id}",
        data={"kind": schedule.kind} | ({"reason": schedule.reason} if schedule.reason else {}) | data,
    )
