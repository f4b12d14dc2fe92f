"""How many more cars a job may ask for at each maker now: what is queued, pauses of the maker, its quota."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from commands.jobs import sql
from commands.jobs.models import Job
from fleet.adapters.commands import Command as Order
from fleet.adapters.registry import get_adapter
from fleet.budgets.foresight import LONG_WINDOW_S, MOST_BEFORE
from fleet.budgets.models import Per, Resource
from fleet.budgets.services import BudgetLine, budget_lines, calls_for

# So many commands of a team wait for a dispatcher at one maker: more would only let their short lives run out.
FEED_AHEAD = 500
SOON = timedelta(seconds=1)
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Room:
    """free: so many cars may be asked for at most. calls: what they may cost before their answer; whole: what they may
    cost with the looks at their effect, `looks` each; None: no quota.

    is_soon: there may be more room within a second. held: why the maker keeps the rest waiting: "budget", "held" (it
    asked us to slow down), "breaker" (it was silent), or "". opens_at: for "budget", when there is more, if nothing of
    the job is on its way there that might still give some back.
    """

    free: int
    calls: int | None = None
    whole: int | None = None
    looks: int = 0
    is_soon: bool = False
    held: str = ""
    opens_at: datetime | None = None


@dataclass(frozen=True)
class InFlight:
    """Commands of a job at one maker. ahead: still to be paid. following: their effect is still to be looked at.

    due: of those, the ones whose time for the look has come.
    """

    ahead: int = 0
    following: int = 0
    due: int = 0


@dataclass(frozen=True)
class Price:
    """What one command of a job costs at a maker at most: calls before its answer, and looks at its effect after."""

    before: int
    after: int


def rooms_of(job: Job, app_ids: list[UUID], now: datetime) -> dict[UUID, Room]:
    """Return the room at each of these makers, in one query; in four where one of them has a quota."""
    order = job.order()
    with connection.cursor() as cursor:
        cursor.execute(sql.ROOMS, {"team": job.team_id, "apps": app_ids})
        rows = cursor.fetchall()
        metered = [row[0] for row in rows if row[-1]]
        flights: dict[UUID, InFlight] = {}
        if metered:
            cursor.execute(sql.IN_FLIGHT, {"job": job.id, "apps": metered, "settle_s": order.settle_s})
            flights = {app_id: InFlight(*counted) for app_id, *counted in cursor.fetchall()}
    lines = budget_lines(metered, now=now) if metered else []
    rooms = {}
    for app_id, provider, queued, gate, is_probing, _ in rows:
        room = _room_of_app(queued, gate, is_probing=is_probing)
        own = [line for line in lines if line.budget.app_id == app_id and line.budget.per == Per.APP]
        flight = flights.get(app_id, InFlight())
        rooms[app_id] = _within(room, own, _price(order, provider), flight, now) if own else room
    return rooms


def _room_of_app(queued: int, gate: str, *, is_probing: bool) -> Room:
    if gate:
        return Room(0, held=gate)
    # A maker that was silent gets one command to answer before it gets many.
    ahead = 1 if is_probing else FEED_AHEAD
    free = max(0, ahead - queued)
    return Room(free, is_soon=free == 0, held="breaker" if is_probing else "")


def _price(order: Order, provider: str) -> Price:
    after = calls_for(order.kind, can_poll=get_adapter(provider).manifest.can_poll) - 1
    return Price(before=MOST_BEFORE, after=after)


def _within(room: Room, lines: list[BudgetLine], price: Price, flight: InFlight, now: datetime) -> Room:
    """Narrow a maker's room to what its quota carries, looks at the effect included."""
    calls = [(line, _calls(line, price, flight)) for line in lines if line.budget.resource == Resource.CALLS]
    commands = [(line, line.left_ours - flight.ahead) for line in lines if line.budget.resource == Resource.COMMANDS]
    short = _least(left for line, left in calls if not _is_long(line))
    whole = _least(left for line, left in calls if _is_long(line))
    bounds = [left // (1 + _is_long(line) * price.after) for line, left in calls] + [left for _, left in commands]
    free = max(0, min([room.free, *bounds]))
    if room.held:
        return Room(free, short, whole, price.after, held=room.held)
    shut = [line for line, left in calls if left < price.before + _is_long(line) * price.after]
    shut += [line for line, left in commands if left < 1]
    is_limited = bool(shut) or free < room.free
    return Room(
        free,
        short,
        whole,
        price.after,
        is_soon=room.is_soon or any(line.next_at is not None and line.next_at <= now + SOON for line in lines),
        held="budget" if is_limited else "",
        opens_at=_opens_at(shut) if shut and not flight.ahead and not flight.following else None,
    )


def _opens_at(shut: list[BudgetLine]) -> datetime:
    """Return when the first of what was used counts no more; never, where nothing was and it still does not suffice."""
    return max(line.next_at or NEVER for line in shut)


def _calls(line: BudgetLine, price: Price, flight: InFlight) -> int:
    """Return what new commands may spend of one budget; of a long one, with the looks at their effect."""
    left = line.left_ours - flight.ahead * price.before
    if not _is_long(line):
        return left - flight.due * price.after
    # Each that is sent must leave enough for its look.
    return left - (flight.ahead + flight.following) * price.after


def _is_long(line: BudgetLine) -> bool:
    return line.budget.window_s >= LONG_WINDOW_S


def _least(lefts: Iterable[int]) -> int | None:
    least = min(lefts, default=None)
    return None if least is None else max(0, least)
