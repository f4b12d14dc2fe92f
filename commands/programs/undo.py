"""What the clock does with ways back: find those whose time has come, request them once, and say how they ended."""

import logging
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from commands.models import FINAL, WAITING, Command, State
from commands.programs.clock import database_now
from commands.programs.models import TimedCommand, TimedState
from commands.programs.steps import alone
from commands.programs.wayback import next_due
from commands.services import CommandError, request_command
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as, record
from fleet.teams.access import with_rights
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.models import Lane, Vehicle

logger = logging.getLogger(__name__)

ACTOR = "system:programs"
BATCH = 200
# Certain that the car did nothing, so there is nothing to undo.
UNSENT = (State.EXPIRED, State.CANCELLED, State.REFUSED, State.SUPERSEDED)
NOT_DONE = (*UNSENT, State.FAILED)

# A way back to look at: its time has come, its first command did nothing, or somebody has commanded the same since.
TO_DECIDE = """
SELECT t.id FROM programs_timedcommand t JOIN commands_command f ON f.id = t.first_id
WHERE t.state = 'armed' AND (
    t.due_at <= clock_timestamp() OR f.state = ANY(%(not_done)s) OR EXISTS (
        SELECT 1 FROM commands_command o
        WHERE o.lane_id = f.lane_id AND o.team_id = f.team_id AND o.family = f.family AND o.sequence > f.sequence
          AND o.cause <> 'undo:' || f.id AND NOT o.state = ANY(%(open)s)))
ORDER BY t.due_at LIMIT %(batch)s
"""

# A way back whose commands are all over.
TO_END = """
SELECT t.id FROM programs_timedcommand t
WHERE t.state = 'requested' AND NOT EXISTS (
    SELECT 1 FROM commands_command c WHERE c.id = ANY(t.sent) AND NOT c.state = ANY(%(final)s))
ORDER BY t.requested_at LIMIT %(batch)s
"""


def undo_due() -> int:
    """Do everything that is due with ways back; return how many changed. Any number of workers may run it at once.

    Every one is decided and requested in a transaction of its own under its row's lock, so that a crash at any point
    leaves it either as it was or requested, never requested twice.
    """
    open_states = [*UNSENT, *WAITING]
    given: dict[str, Any] = {"not_done": list(NOT_DONE), "open": open_states, "final": list(FINAL), "batch": BATCH}
    changed = sum(alone(_decide, timed_id) for timed_id in _ids(TO_DECIDE, given))
    return changed + sum(alone(_end, timed_id) for timed_id in _ids(TO_END, given))


def _ids(statement: str, given: dict[str, Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return [row[0] for row in cursor.fetchall()]


def lock_lane(timed_id: UUID) -> None:
    """Lock the car’s lane before the row of its way back, as a press does; the other way round they would deadlock."""
    Lane.objects.select_for_update(no_key=True).filter(command__way_back=timed_id).first()


def _lock(timed_id: UUID, state: TimedState) -> TimedCommand | None:
    rows = TimedCommand.objects.select_for_update(skip_locked=True, of=("self",)).select_related("first")
    return rows.filter(pk=timed_id, state=state).first()


def _decide(timed_id: UUID) -> bool:
    with acting_as(ACTOR):
        lock_lane(timed_id)
        timed = _lock(timed_id, TimedState.ARMED)
        if timed is None:
            return False  # another worker has it
        if timed.first.state in NOT_DONE:
            drop(timed, f"first_{timed.first.state}")
            return True
        since = _commanded_since(timed)
        if any(other.family == timed.first.family and other.state not in WAITING for other in since):
            drop(timed, "overtaken")
            return True
        # What waits may still end unsent; only then is it known whether the way back is wanted.
        if timed.first.state in WAITING or any(other.state in WAITING for other in since):
            return False
        now = database_now()
        due_at = next_due(
            timed.due_at, minutes=timed.minutes, left_at=timed.first.answered_at or timed.first.permitted_at
        )
        if due_at > now:
            TimedCommand.objects.this(timed).update(due_at=due_at)
            return False
        return _request_as_maker(timed)


def _commanded_since(timed: TimedCommand) -> list[Command]:
    """Return what was commanded since by anybody in the team that decides the same things, and may have reached it."""
    families = {timed.first.family, *(step.family for step in timed.orders())}
    others = Command.objects.filter(
        team_id=timed.team_id, lane_id=timed.first.lane_id, family__in=families, sequence__gt=timed.first.sequence
    )
    return list(others.exclude(cause=timed.cause).exclude(state__in=UNSENT))


def _request_as_maker(timed: TimedCommand) -> bool:
    membership = with_rights().get(pk=timed.membership_id)
    if not (membership.may(Permission.COMMAND) and membership.user.is_active):
        drop(timed, "role")
        return True
    request_way_back(timed, membership, actor=ACTOR)
    return True


def request_way_back(timed: TimedCommand, membership: Membership, *, actor: str) -> None:
    """Request the commands of the way back in one's name and note it; the caller holds the row's lock.

    A step that somebody has overtaken is left out. One that is refused is noted and keeps the others from nothing.
    """
    vehicle = Vehicle.objects.select_related("team", "lane").get(pk=timed.vehicle_id, team_id=timed.team_id)
    overtaken = {other.family for other in _commanded_since(timed) if other.family != timed.first.family}
    timed.sent = []
    for n, order in enumerate(timed.orders()):
        if order.family in overtaken:
            continue
        try:
            with transaction.atomic():
                command = request_command(
                    vehicle=vehicle,
                    membership=membership,
                    order=order,
                    origin="undo",
                    cause=timed.cause,
                    idempotency_key=f"undo:{timed.id}:{n}",
                )
            timed.sent.append(command.id)
        except (CommandError, InvalidParameter) as error:
            logger.warning("way back %s: %s was not accepted: %s", timed.id, order.kind, error.code)
            timed.reason = error.code
    timed.requested_at = database_now()
    if not timed.sent:
        _finish(timed, TimedState.FAILED, timed.reason or "overtaken", actor=actor)
        return
    timed.state = TimedState.REQUESTED
    timed.save(update_fields=["state", "reason", "sent", "requested_at"])
    tell(timed, "program.undo_requested", actor=actor)


def _end(timed_id: UUID) -> bool:
    with acting_as(ACTOR):
        timed = _lock(timed_id, TimedState.REQUESTED)
        if timed is None:
            return False
        sent = Command.objects.filter(team_id=timed.team_id, id__in=timed.sent).order_by("sequence")
        ends = [(command.state, command.error_code) for command in sent]
        if any(state not in FINAL for state, _ in ends):
            return False
        not_done = [(state, code) for state, code in ends if state != State.CONFIRMED]
        if not not_done and not timed.reason:
            _finish(timed, TimedState.DONE, "", actor=ACTOR)
        elif not_done and {state for state, _ in not_done} <= {State.SUPERSEDED, State.CANCELLED}:
            drop(timed, "overtaken" if not_done[0][0] == State.SUPERSEDED else "kept")
        else:
            reason = timed.reason or next((code for _, code in not_done if code), not_done[0][0] if not_done else "")
            _finish(timed, TimedState.FAILED, reason, actor=ACTOR)
        return True


def drop(timed: TimedCommand, reason: str) -> None:
    """End a way back that is not taken, and say why."""
    _finish(timed, TimedState.DROPPED, reason, actor=ACTOR)


def _finish(timed: TimedCommand, state: TimedState, reason: str, *, actor: str) -> None:
    timed.state, timed.reason, timed.finished_at = state, reason, database_now()
    timed.save(update_fields=["state", "reason", "sent", "requested_at", "finished_at"])
    tell(timed, f"program.undo_{state.value}", actor=actor)


def tell(timed: TimedCommand, kind: str, *, actor: str) -> None:
    """Write into the log what happened to a way back; reasons are words of ours, never values of the car."""
    data = {"back": [step["kind"] for step in timed.back]} | ({"reason": timed.reason} if timed.reason else {})
    record(
        kind,
        actor=actor,
        team_id=timed.team_id,
        vehicle_id=timed.vehicle_id,
        subject=f"timed:{timed.id}",
        data=data,
    )
