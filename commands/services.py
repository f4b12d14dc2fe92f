"""The verbs of commands: request, cancel, and what the sweeper does. The only way to move a car begins here."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from kombu.exceptions import OperationalError

from commands.availability import Availability, check_availability
from commands.dispatch import sql
from commands.dispatch.failpoints import reach
from commands.models import WAITING, Command, CommandSecret, State, Turn
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter
from fleet.events.services import acting_as
from fleet.teams.models import Membership
from fleet.vehicles.access import find_link, may_reach
from fleet.vehicles.models import Lane, Vehicle, VehicleLink
from fleet.vehicles.sealing import seal

logger = logging.getLogger(__name__)

# Two presses of the same command within this time are one.
DOUBLE_PRESS = timedelta(seconds=10)


class CommandError(Exception):
    """A command was not accepted; `code` is stable, nothing was written."""

    code = "command_error"


class NotAllowed(CommandError):
    """The person may not: their role, a rule of the team, its end, or the owner did not allow it."""

    def __init__(self, availability: Availability) -> None:
        super().__init__(availability.code)
        self.code = availability.code


class NotSupported(CommandError):
    """The car, its maker or the connection cannot."""

    def __init__(self, availability: Availability) -> None:
        super().__init__(availability.code)
        self.code = availability.code


class KeyReused(CommandError):
    """The same idempotency key came with another command."""

    code = "idempotency_key_reused"


class TooLate(CommandError):
    """It can no longer be cancelled; the car may act, or has."""

    code = "too_late"

    def __init__(self, command: Command) -> None:
        super().__init__(command.state)
        self.command = command


def request_command(
    *,
    vehicle: Vehicle,
    membership: Membership,
    order: Order,
    origin: str = "page",
    cause: str = "",
    idempotency_key: str | None = None,
    not_after: datetime | None = None,
) -> Command:
    """Queue one command for one car and return it, in state QUEUED; or return the one that is on its way already.

    order: a value of fleet.adapters.commands, e.g. SetChargeLimit(limit_percent=80).
    origin: page, api, job, schedule or undo; a person waits for the first two, so within a team they go first.
    cause: what made it, e.g. "undo:<id>". For many cars at once see commands.bulk.
    not_after: aware UTC, only ever shortens the command's own deadline. Nothing is sent after it.
    The same idempotency_key of the same person brings the same command, however often; the same command pressed
    twice within 10 s is one command. A newer command supersedes those of its family in this team that are not yet
    permitted. Writes one Command and its events in one transaction; the car hears of it after the commit.

    Raises NotAllowed (role, rule or consent), NotSupported (car, maker or connection), InvalidParameter (outside what
    this car takes), KeyReused.
    """
    link = find_link(vehicle) if may_reach(membership, vehicle.id) else None
    availability = check_availability(link, membership, vehicle=vehicle)[order.kind]
    _refuse(availability)
    assert link is not None  # noqa: S101 - without a link nothing is offered
    for name, number in availability.ranges.items():
        if (value := getattr(order, name)) is not None:
            number.check(name, value)
    with acting_as(membership.user.actor):
        lane = Lane.objects.select_for_update(no_key=True).get(pk=vehicle.lane_id)
        known = _find_same(vehicle, membership, order, idempotency_key)
        if known is not None:
            return known
        _supersede(lane, membership, order)
        command = _write(lane, link, membership, order, origin, cause, idempotency_key, not_after)
        transaction.on_commit(ring_doorbell)
        reach("before_accept_commit")
    reach("after_accept_commit")
    return command


def _refuse(availability: Availability) -> None:
    if availability.code in {"team_closing", "role", "off_hours", "no_consent", "rule"}:
        raise NotAllowed(availability)
    if availability.code:
        raise NotSupported(availability)


def _find_same(vehicle: Vehicle, membership: Membership, order: Order, key: str | None) -> Command | None:
    """Return the command that this request repeats, by its key or as a double press. The lane is locked."""
    if key is not None:
        by_key = Command.objects.filter(
            team_id=membership.team_id, authority_id=membership.authority_id, idempotency_key=key
        ).first()
        if by_key is not None:
            same = (by_key.vehicle_id, by_key.kind, by_key.parameters) == (vehicle.id, order.kind, order.parameters())
            if not same:
                raise KeyReused
            return by_key
    latest = (
        Command.objects.filter(team_id=vehicle.team_id, lane_id=vehicle.lane_id, family=order.family)
        .order_by("-sequence")
        .first()
    )
    if latest is None or (latest.kind, latest.parameters) != (order.kind, order.parameters()):
        return None
    # A PIN cannot be compared with one that is no longer kept: only its key can tell a repeat.
    if order.secrets:
        return None
    if latest.state in {*WAITING, State.SENDING}:
        return latest
    is_fresh = timezone.now() - latest.accepted_at < DOUBLE_PRESS
    return latest if is_fresh and latest.state in {State.SENT, State.UNKNOWN, State.CONFIRMED} else None


def _supersede(lane: Lane, membership: Membership, order: Order) -> None:
    older = Command.objects.filter(team_id=membership.team_id, lane=lane, family=order.family, state__in=WAITING)
    older.update(state=State.SUPERSEDED, lease_until=None, finished_at=timezone.now())


def _write(
    lane: Lane,
    link: VehicleLink,
    membership: Membership,
    order: Order,
    origin: str,
    cause: str,
    idempotency_key: str | None,
    not_after: datetime | None,
) -> Command:
    now = timezone.now()
    command = Command.objects.create(
        team_id=membership.team_id,
        vehicle_id=link.vehicle_id,
        lane=lane,
        link=link,
        app_id=link.connection.account.app_id,
        kind=order.kind,
        family=order.family,
        retry_class=order.retry_class.value,
        parameters=order.parameters(),
        authority_id=membership.authority_id,
        authority_version=membership.authority.version,
        consent_version=link.consent_version,
        user_id=membership.user_id,
        origin=origin,
        cause=cause,
        rank=rank_of(origin),
        idempotency_key=idempotency_key,
        sequence=lane.next_sequence,
        max_attempts=order.retry_class.max_requests,
        accepted_at=now,
        ready_at=now,
        deadline=deadline_of(order, now=now, not_after=within_hours(membership, now=now, not_after=not_after)),
    )
    Lane.objects.filter(pk=lane.pk).update(next_sequence=F("next_sequence") + 1)
    Turn.objects.bulk_create([Turn(app_id=command.app_id, team_id=command.team_id)], ignore_conflicts=True)
    for name, value in order.secret_parameters().items():
        sealed = seal(value, bound_to=f"command:{command.id}:{name}")
        CommandSecret.objects.create(command=command, team_id=command.team_id, sealed=sealed)
    return command


def rank_of(origin: str) -> int:
    """Return 0 where somebody waits for this one command, also a door to be locked again; 1 where it is one of many."""
    return 1 if origin in {"job", "schedule"} else 0


def deadline_of(order: Order, *, now: datetime, not_after: datetime | None) -> datetime:
    """Return when the command must have left. Raises InvalidParameter("not_after") when that is over already."""
    deadline = now + timedelta(seconds=order.deadline_s)
    if not_after is not None:
        deadline = min(deadline, not_after)
    if deadline <= now:
        raise InvalidParameter("not_after", "in_the_past")
    return deadline


def within_hours(membership: Membership, *, now: datetime, not_after: datetime | None) -> datetime | None:
    """Return the last moment at which the role's hours, and the caller, let a command leave; None: no such limit."""
    hours = membership.rights.hours
    if hours is None:
        return not_after
    end = hours.end_after(now, membership.team.zone)
    return end if not_after is None else min(end, not_after)


def cancel_command(*, command_id: UUID, actor: str) -> Command:
    """Cancel a command before it is permitted; if this returns, not a byte of it will ever be written.

    Raises TooLate with the command's state when it may have left already or is over.
    """
    with acting_as(actor):
        # The lane first, as a press does; the other way round the two would deadlock.
        Lane.objects.select_for_update(no_key=True, of=("self",)).filter(command=command_id).first()
        cancelled = (
            Command.objects.across_teams()
            .filter(pk=command_id, state__in=WAITING)
            .update(state=State.CANCELLED, lease_until=None, finished_at=timezone.now())
        )
        command = Command.objects.across_teams().select_related("vehicle", "user").get(pk=command_id)
    if not cancelled and command.state != State.CANCELLED:
        raise TooLate(command)
    return command


def cancel_many(*, command_ids: Iterable[UUID], actor: str) -> int:
    """Cancel those of the commands that are not yet permitted, and return how many; the others are let go on."""
    ids = list(command_ids)
    with acting_as(actor):
        waiting = Command.objects.across_teams().filter(pk__in=ids, state__in=WAITING)
        lanes = Lane.objects.filter(id__in=waiting.values("lane_id")).order_by("id")
        list(lanes.select_for_update(no_key=True).values_list("id"))
        return waiting.update(state=State.CANCELLED, lease_until=None, finished_at=timezone.now())


def refuse_waiting(links: Iterable[VehicleLink], actor: str) -> None:
    """Refuse what waits to be sent through links whose consent has shrunk, in the transaction of that change.

    A car whose lane somebody holds is left to them: what they take out of the queue is refused at the permit.
    """
    ids = [link.id for link in links]
    with acting_as(actor):
        waiting = Command.objects.across_teams().filter(link_id__in=ids, state=State.QUEUED)
        lanes = Lane.objects.filter(id__in=waiting.values("lane_id")).order_by("id")
        held = list(lanes.select_for_update(no_key=True, skip_locked=True).values_list("id", flat=True))
        waiting.filter(lane_id__in=held).update(
            state=State.REFUSED, error_code="consent_changed", finished_at=timezone.now()
        )


def ring_doorbell() -> None:
    """Tell the dispatchers that there is work. A lost ring costs some seconds of latency, never a command."""
    from commands.tasks import dispatch

    try:
        dispatch.apply_async(expires=5, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("the broker did not take the doorbell, the sweeper will: %s", type(error).__name__)


def sweep_commands() -> None:
    """Bring commands that nobody holds to where they belong, and wake a dispatcher if one is needed.

    Idempotent; any process may run it, and one at a time does.
    """
    with acting_as("system:sweeper"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('commands.sweep', 0))")
        if not cursor.fetchone()[0]:
            return
        for statement in sql.SWEEP:
            cursor.execute(statement)
            reach("in_sweep")
        cursor.execute(sql.NEEDS_DISPATCHER)
        (needs_dispatcher,) = cursor.fetchone()
    if needs_dispatcher:
        ring_doorbell()
