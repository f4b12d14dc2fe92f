"""How many more cars a job may ask for at each maker now: what is queued, pauses of the maker, its quota."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from commands.jobs import sql
from commands.jobs.models import Job
from fleet.adapters.commands import Command as Order
from fleet.budgets.models import Per, Resource
from fleet.budgets.services import BudgetLine, budget_lines, calls_for

# So many commands of a team wait for a dispatcher at one maker: more would only let their short lives run out.
FEED_AHEAD = 500
# In a window shorter than this a look at the effect, which comes later, falls into another one.
LONG_WINDOW_S = 120
SOON = timedelta(seconds=1)


@dataclass(frozen=True)
class Room:
    """free: so many cars may be asked for at most. calls: what they may cost before their answer; None: no quota.

    is_soon: there may be more room within a second. held: why the maker keeps the rest waiting: "budget", "held" (it
    asked us to slow down), "breaker" (it was silent), or "".
    """

    free: int
    calls: int | None = None
    is_soon: bool = False
    held: str = ""


@dataclass(frozen=True)
class InFlight:
    """Commands of a job at one maker. ahead: still to be paid. following: their effect is still to be looked at.

    due: of those, the ones whose time for the look has come.
    """

    ahead: int = 0
    following: int = 0
    due: int = 0


def rooms_of(job: Job, app_ids: list[UUID], now: datetime) -> dict[UUID, Room]:
    """Return the room at each of these makers, in one query; in four where one of them has a quota."""
    order = job.order()
    with connection.cursor() as cursor:
        cursor.execute(sql.ROOMS, {"team": job.team_id, "apps": app_ids})
        rows = cursor.fetchall()
        metered = [app_id for app_id, _, _, _, is_metered in rows if is_metered]
        flights: dict[UUID, InFlight] = {}
        if metered:
            cursor.execute(sql.IN_FLIGHT, {"job": job.id, "apps": metered, "settle_s": order.settle_s})
            flights = {app_id: InFlight(*counted) for app_id, *counted in cursor.fetchall()}
    lines = budget_lines(metered, now=now) if metered else []
    rooms = {}
    for app_id, queued, gate, is_probing, _ in rows:
        room = _room_of_app(queued, gate, is_probing=is_probing)
        own = [line for line in lines if line.budget.app_id == app_id and line.budget.per == Per.APP]
        rooms[app_id] = _within(room, own, order, flights.get(app_id, InFlight()), now)
    return rooms


def _room_of_app(queued: int, gate: str, *, is_probing: bool) -> Room:
    if gate:
        return Room(0, held=gate)
    # A maker that was silent gets one command to answer before it gets many.
    ahead = 1 if is_probing else FEED_AHEAD
    free = max(0, ahead - queued)
    return Room(free, is_soon=free == 0, held="breaker" if is_probing else "")


def _within(room: Room, lines: list[BudgetLine], order: Order, flight: InFlight, now: datetime) -> Room:
    """Narrow a maker's room to what its quota carries, looks at the effect included."""
    calls = [_calls(line, order, flight) for line in lines if line.budget.resource == Resource.CALLS]
    commands = [line.left_ours - flight.ahead for line in lines if line.budget.resource == Resource.COMMANDS]
    if not calls and not commands:
        return room
    least_calls = max(0, min(calls)) if calls else None
    free = max(0, min([room.free, *commands, *([least_calls] if least_calls is not None else [])]))
    if free == room.free or room.held:
        return Room(free, least_calls, room.is_soon, room.held)
    is_soon = any(line.next_at is not None and line.next_at <= now + SOON for line in lines)
    return Room(free, least_calls, is_soon, "budget")


def _calls(line: BudgetLine, order: Order, flight: InFlight) -> int:
    """Return what new commands may spend of one budget before their answers."""
    looks_after = 1 if order.signal is not None else 0
    before = calls_for(order.kind, has_stale_state=1) - looks_after
    left = line.left_ours - flight.ahead * before
    if line.budget.window_s < LONG_WINDOW_S:
        return left - flight.due * looks_after
    # Each that is sent must leave one for its look: of n calls before the answer, n / before are looks to come.
    left -= (flight.ahead + flight.following) * looks_after
    return left * before // (before + looks_after)
