"""Making a job's commands just in time: a round looks at every active job once, in a transaction of its own each.

A round may die at any point and any number may run at once: the job's row is locked while its commands and its cars
are written together, and every command has a key of its own. So nothing is asked for twice and nothing is forgotten.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from commands.bulk import Request, request_commands
from commands.dispatch.failpoints import reach
from commands.jobs import sql
from commands.jobs.models import ACTIVE, Job, JobItem, JobState, Outcome
from commands.jobs.room import Room, rooms_of
from commands.jobs.selection import fresh_s_of
from commands.jobs.services import cause_of, end_waiting, halt, record_job, settle
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as
from fleet.teams.access import with_rights
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

logger = logging.getLogger(__name__)

ACTOR = "system:jobs"
# Cars asked for in one transaction: enough to be cheap, few enough that nobody waits for the locks.
CHUNK = 250
# Commands leave no later than 2 s before their end (commands.dispatch.sql.MARGIN_S): later ones would be in vain.
LAST_MOMENT = timedelta(seconds=3)
# A pace that fell behind, while a maker was silent, is not made up for in one burst.
CATCH_UP_S = 2.0
# A failure share means something once so many cars are over.
SHARE_AFTER = 10
FAILURES = (Outcome.FAILED, Outcome.REFUSED, Outcome.EXPIRED, Outcome.UNPROVED, Outcome.CONTRADICTED)
# A car is asked for anew so often when the maker's quota stood in the way of its command.
MOST_TRIES = 50
# How often the ends of commands are written down while there is still something to feed.
SETTLE_EVERY_S = 1.0
IDLE_S = 0.1
LEADER = "fleetwell:feed-jobs"


def feed_all(*, within_s: float, is_stopping: Callable[[], bool]) -> None:
    """Look at every active job once; and go on for within_s while there is something to feed and nobody else does."""
    until = time.monotonic() + within_s
    settled: dict[UUID, float] = {}
    fed = feed_round(settled)
    if fed is None:
        return
    with _leading() as is_leader:
        while is_leader and fed is not None and time.monotonic() < until and not is_stopping():
            if fed == 0:
                time.sleep(IDLE_S)
            fed = feed_round(settled)


def feed_round(settled: dict[UUID, float] | None = None) -> int | None:
    """Look at every active job once, the oldest first. Returns how many cars were fed; None when none can be soon."""
    settled = {} if settled is None else settled
    fed: list[int] = []
    for job_id in list(Job.objects.filter(state__in=ACTIVE).order_by("created_at").values_list("id", flat=True)):
        try:
            number = feed_job(job_id, settled)
        except (DatabaseError, InvalidParameter) as error:
            # One job's trouble is not the others'; it is tried again in the next round.
            logger.warning("feeding job %s: %s", job_id, type(error).__name__)
            continue
        if number is not None:
            fed.append(number)
    return sum(fed) if fed else None


def feed_job(job_id: UUID, settled: dict[UUID, float] | None = None) -> int | None:
    """Take one job as far as it goes now. Returns how many cars were fed; None when nothing can be fed before a second.

    settled: when the ends of a job's commands were last written down, by this process; so that it is not done in every
    round of many in a second.
    """
    settled = {} if settled is None else settled
    with acting_as(ACTOR):
        job = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id, state__in=ACTIVE).first()
        if job is None:
            return None
        now = _clock()
        if job.state == JobState.WAITING and not _begin(job, now):
            return None
        if time.monotonic() - settled.get(job.id, -math.inf) >= SETTLE_EVERY_S:
            if job.state == JobState.RUNNING and now < job.deadline - LAST_MOMENT:
                _try_again(job)
            settle(job)
            settled[job.id] = time.monotonic()
            if job.state == JobState.RUNNING:
                _stop_by_share(job)
        fed = _feed(job, now) if job.state == JobState.RUNNING else None
        if fed is None:
            _finish(job, now)
        return fed


def _clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _begin(job: Job, now: datetime) -> bool:
    """Start a job whose undo window is over."""
    assert job.undo_until is not None  # noqa: S101 - the database holds it
    if now < job.undo_until:
        return False
    job.state, job.started_at = JobState.RUNNING, now
    job.save(update_fields=["state", "started_at"])
    record_job(job, "started", actor=ACTOR)
    return True


def _try_again(job: Job) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.AGAIN, {"job": job.id, "most": MOST_TRIES})


def _stop_by_share(job: Job) -> None:
    if job.stop_share_percent is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.SHARE, {"job": job.id, "failures": list(FAILURES)})
        failed, finished = cursor.fetchone()
    if finished >= SHARE_AFTER and failed * 100 >= job.stop_share_percent * finished:
        halt(job, "stop_share", actor=ACTOR)


def _feed(job: Job, now: datetime) -> int | None:
    """Ask for as many cars as may be asked for now; None when nothing can be fed before a second."""
    with connection.cursor() as cursor:
        cursor.execute(sql.WAITING_BY_APP, {"job": job.id})
        waiting = dict(cursor.fetchall())
    if not waiting:
        return None
    membership = _member(job)
    if membership is None:
        halt(job, "rights", actor=ACTOR)
        return None
    rooms = rooms_of(job, list(waiting), now)
    _note_held(job, rooms)
    if now >= job.deadline - LAST_MOMENT:
        _end_by_time(job)
        return None
    allowed = min(CHUNK, _allowed_by_pace(job, now))
    items = _next_items(job, membership, rooms, allowed)
    if items:
        _ask(job, membership, items, now)
        if job.pace_per_min is not None:
            _note_pace(job, now, len(items))
        return len(items)
    if allowed > 0:
        _end_beyond_budget(job, rooms)
    is_soon = any(room.is_soon for room in rooms.values())
    return 0 if is_soon or _is_due_soon(job, now) else None


def _member(job: Job) -> Membership | None:
    """Return the membership in whose name the job acts, if its rights are what they were when it began."""
    found = with_rights().filter(authority_id=job.authority_id)
    membership = found.first()
    if membership is None or not membership.may(Permission.COMMAND) or not membership.user.is_active:
        return None
    authority = membership.authority
    is_same = authority.version == job.authority_version and authority.revoked_at is None
    return membership if is_same else None


def _note_held(job: Job, rooms: dict[UUID, Room]) -> None:
    held = {str(app_id): room.held for app_id, room in rooms.items() if room.held}
    if held != job.held:
        job.held = held
        job.save(update_fields=["held"])


def _end_by_time(job: Job) -> None:
    """Its time is over: what waited for the maker's quota says so, the rest was too much for the time."""
    by_budget = [UUID(app_id) for app_id, why in job.held.items() if why == "budget"]
    waiting = JobItem.objects.filter(job=job, outcome=Outcome.WAITING)
    ended = waiting.filter(app_id__in=by_budget).update(outcome=Outcome.NOT_SENT, code="budget")
    ended += end_waiting(job, "deadline")
    record_job(job, "ran_out", actor=ACTOR, data={"why": "deadline", "cars": ended})


def _end_beyond_budget(job: Job, rooms: dict[UUID, Room]) -> None:
    """What no quota will carry before the job's end has no need to wait for that end."""
    for app_id, room in rooms.items():
        if room.held == "budget" and room.opens_at is not None and room.opens_at > job.deadline:
            waiting = JobItem.objects.filter(job=job, outcome=Outcome.WAITING, app_id=app_id)
            ended = waiting.update(outcome=Outcome.NOT_SENT, code="budget")
            record_job(job, "ran_out", actor=ACTOR, data={"why": "budget", "cars": ended})


def _allowed_by_pace(job: Job, now: datetime) -> int:
    if job.pace_per_min is None:
        return CHUNK
    since = job.next_feed_at or now
    if since > now:
        return 0
    due_s = min((now - since).total_seconds(), CATCH_UP_S)
    return 1 + math.floor(due_s * job.pace_per_min / 60)


def _note_pace(job: Job, now: datetime, fed: int) -> None:
    assert job.pace_per_min is not None  # noqa: S101 - asked for before
    since = max(job.next_feed_at or now, now - timedelta(seconds=CATCH_UP_S))
    job.next_feed_at = since + timedelta(seconds=fed * 60 / job.pace_per_min)
    job.save(update_fields=["next_feed_at"])


def _is_due_soon(job: Job, now: datetime) -> bool:
    """A pace faster than beat's own is kept by going round, a slower one by beat."""
    return job.next_feed_at is not None and now < job.next_feed_at <= now + timedelta(seconds=1)


@dataclass(frozen=True)
class Item:
    """A car whose turn it is. is_stale: it is looked at before the send, which costs a call."""

    id: int
    n: int
    vehicle_id: UUID
    tries: int
    app_id: UUID
    is_stale: bool


def _next_items(job: Job, membership: Membership, rooms: dict[UUID, Room], allowed: int) -> list[Item]:
    """Return the cars whose turn it is, in the job's order, within each maker's room and quota."""
    open_rooms = {app_id: room.free for app_id, room in rooms.items() if room.free > 0}
    if not open_rooms or allowed <= 0:
        return []
    parameters: dict[str, Any] = {
        "job": job.id,
        "apps": list(open_rooms),
        "free": [min(free, allowed) for free in open_rooms.values()],
        "allowed": allowed,
        "fresh_s": fresh_s_of(membership.team_id, job.order()) if _is_metered(rooms) else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.NEXT_ITEMS, parameters)
        items = [Item(*row) for row in cursor.fetchall()]
    left = {app_id: (room.calls, room.whole) for app_id, room in rooms.items()}
    return [item for item in items if _can_pay(item, left, looks=rooms[item.app_id].looks)]


def _is_metered(rooms: dict[UUID, Room]) -> bool:
    return any(room.calls is not None or room.whole is not None for room in rooms.values())


def _can_pay(item: Item, left: dict[UUID, tuple[int | None, int | None]], *, looks: int) -> bool:
    """Take what a car's command costs off its maker's room; the first that does not fit ends it."""
    cost = 1 + item.is_stale
    calls, whole = (
        None if has is None else has - costs for has, costs in zip(left[item.app_id], (cost, cost + looks), strict=True)
    )
    if (calls is not None and calls < 0) or (whole is not None and whole < 0):
        left[item.app_id] = (0, 0)
        return False
    left[item.app_id] = (calls, whole)
    return True


def _ask(job: Job, membership: Membership, items: list[Item], now: datetime) -> None:
    order = job.order()
    requests = [Request(item.vehicle_id, order, key=_key(job, item)) for item in items]
    answers = request_commands(
        membership=membership, requests=requests, origin=job.origin, cause=cause_of(job), not_after=job.deadline
    )
    reach("in_feed")
    with connection.cursor() as cursor:
        cursor.execute(
            sql.NOTE_FED,
            {
                "items": [item.id for item in items],
                "commands": [answer.command_id for answer in answers],
                "codes": [answer.code for answer in answers],
                "now": now,
            },
        )


def _key(job: Job, item: Item) -> str:
    return f"job:{job.id}:{item.n}" + (f":{item.tries}" if item.tries else "")


def _finish(job: Job, now: datetime) -> None:
    """End a job of which every car has its end."""
    settle(job)
    is_open = JobItem.objects.filter(job=job, outcome__in=[Outcome.WAITING, Outcome.RUNNING]).exists()
    if is_open:
        return
    job.state = JobState.STOPPED if job.state == JobState.STOPPING else JobState.DONE
    job.finished_at, job.held = now, {}
    job.save(update_fields=["state", "finished_at", "held"])
    with connection.cursor() as cursor:
        cursor.execute(sql.OUTCOMES, {"job": job.id})
        counts = dict(cursor.fetchall())
    record_job(job, "finished", actor=ACTOR, data={"outcomes": counts})


@contextmanager
def _leading() -> Iterator[bool]:
    """Hold the one place of the process that goes round quickly; a process that dies gives it back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [LEADER])
        (is_leader,) = cursor.fetchone()
    try:
        yield is_leader
    finally:
        if is_leader and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [LEADER])
