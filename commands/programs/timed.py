"""The verbs of timed commands: start one, take its way back at once, or leave it out. The clock's part is undo.py."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from commands.availability import check_availability
from commands.models import Command
from commands.programs.clock import database_now
from commands.programs.models import TimedCommand, TimedState
from commands.programs.undo import lock_lane, request_way_back, tell
from commands.programs.wayback import LONGEST, PROGRAMS, way_back
from commands.services import CommandError, request_command
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as
from fleet.teams.models import Membership
from fleet.vehicles.access import find_link
from fleet.vehicles.models import Vehicle
from fleet.vehicles.readings import readings_of

PASSES_LATER = ("", "rule")


class NoWayBack(CommandError):
    """The car could be sent there, but not back: then it is not sent there under a promise. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TimedOver(CommandError):
    """The way back is on its way, or over; nothing about it can be changed."""

    code = "too_late"


def start_timed(
    *,
    vehicle: Vehicle,
    membership: Membership,
    order: Order,
    minutes: int | None = None,
    until: datetime | None = None,
    idempotency_key: str | None = None,
) -> TimedCommand:
    """Request a command and promise its way back, in one transaction; repeated by key, it returns the same promise.

    minutes: how long after the command left; or until: a fixed time, at most a day ahead. Exactly one of the two.
    What is restored is what the car reported before this call.

    Raises what request_command raises, NothingToRestore (the old state is not known or the same), NoWayBack (the car
    cannot do the way back, or its owner did not allow it), InvalidParameter (minutes, until, kind).
    """
    due_at = _due(order.kind, minutes, until)
    readings = readings_of(vehicle)
    names = ("charging_state", "charge_limit_percent")
    back = way_back(order, {name: getattr(readings, name) for name in names})
    _check_way_back(vehicle, membership, back)
    with acting_as(membership.user.actor):
        first = request_command(
            vehicle=vehicle, membership=membership, order=order, idempotency_key=idempotency_key, not_after=until
        )
        promise = {
            "back": [{"kind": step.kind, "parameters": step.parameters()} for step in back],
            "minutes": minutes,
            "due_at": due_at,
        }
        return _arm(first, membership, promise)


def _due(kind: str, minutes: int | None, until: datetime | None) -> datetime:
    program = PROGRAMS.get(kind)
    if program is None:
        raise InvalidParameter("kind", "unknown_command")
    now = database_now()
    if (minutes is None) == (until is None):
        raise InvalidParameter("minutes", "missing")
    if minutes is not None:
        if not 1 <= minutes <= program.max_minutes:
            raise InvalidParameter("minutes", "out_of_range", minimum=1, maximum=program.max_minutes)
        return now + timedelta(minutes=minutes)
    assert until is not None  # noqa: S101 - exactly one is given
    if until <= now:
        raise InvalidParameter("until", "in_the_past")
    if until > now + LONGEST:
        raise InvalidParameter("until", "too_far")
    return until


def _check_way_back(vehicle: Vehicle, membership: Membership, back: list[Order]) -> None:
    offered = check_availability(find_link(vehicle), membership)
    for step in back:
        # A rule is judged when the way back leaves: one for these hours says nothing about later ones.
        if (code := offered[step.kind].code) not in PASSES_LATER:
            raise NoWayBack(code)


def _arm(first: Command, membership: Membership, promise: Mapping[str, Any]) -> TimedCommand:
    """Write the promise beside its command; a repeated press finds it, and renews one that was let go."""
    timed, is_new = TimedCommand.objects.select_for_update().get_or_create(
        first=first,
        defaults={"team_id": first.team_id, "vehicle_id": first.vehicle_id, "membership": membership, **promise},
    )
    if not is_new and timed.is_open:
        return timed
    if not is_new:
        renewed = {"state": TimedState.ARMED, "reason": "", "finished_at": None, "membership": membership, **promise}
        TimedCommand.objects.this(timed).update(**renewed)
        timed.refresh_from_db()
    tell(timed, "program.armed", actor=membership.user.actor)
    return timed


def drop_way_back(*, timed_id: UUID, actor: str) -> TimedCommand:
    """Leave the way back out: the car stays as it is. Raises TimedOver when it is on its way or over."""
    with acting_as(actor):
        timed = TimedCommand.objects.across_teams().select_for_update().get(pk=timed_id)
        if timed.state != TimedState.ARMED:
            raise TimedOver
        timed.state, timed.reason, timed.finished_at = TimedState.DROPPED, "kept", database_now()
        timed.save(update_fields=["state", "reason", "finished_at"])
        tell(timed, "program.undo_dropped", actor=actor)
    return timed


def undo_now(*, timed_id: UUID, membership: Membership) -> TimedCommand:
    """Take the way back at once, in the name of whoever asks. Raises TimedOver, and what request_command raises."""
    with transaction.atomic():
        lock_lane(timed_id)
        timed = TimedCommand.objects.select_for_update().get(pk=timed_id, team_id=membership.team_id)
        if timed.state != TimedState.ARMED:
            raise TimedOver
        request_way_back(timed, membership, actor=membership.user.actor)
    return timed
