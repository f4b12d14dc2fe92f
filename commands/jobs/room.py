"""How many more cars a job may ask for at each maker now: what is queued, pauses of the maker, its quota."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from commands.jobs import sql
from commands.jobs.models import Job
from fleet.adapters.commands import Command as Order
from fleet.budgets.services import calls_for

# So many commands of a team wait for a dispatcher at one maker: more would only let their short lives run out.
FEED_AHEAD = 500


@dataclass(frozen=True)
class Room:
    """free: so many cars may be asked for. is_full: there is room again as soon as a dispatcher takes some.

    held: why the maker keeps the rest waiting: "budget", "held" (it asked us to slow down), "breaker" (it is silent),
    or "".
    """

    free: int
    is_full: bool = False
    held: str = ""


def rooms_of(job: Job, app_ids: list[UUID]) -> dict[UUID, Room]:
    """Return the room at each of these makers, in two queries; a third where a maker has a quota."""
    parameters = {"job": job.id, "team": job.team_id, "apps": app_ids}
    with connection.cursor() as cursor:
        cursor.execute(sql.ROOMS, parameters)
        rows = cursor.fetchall()
        metered = [row[0] for row in rows if row[4] is not None or row[5] is not None]
        spoken_for: dict[UUID, tuple[int, int]] = {}
        if metered:
            cursor.execute(sql.IN_FLIGHT, parameters | {"apps": metered})
            spoken_for = {app_id: (ahead, following) for app_id, ahead, following in cursor.fetchall()}
    order = job.order()
    return {
        app_id: _room(queued, gate, is_probing, _by_budget(order, calls, commands, *spoken_for.get(app_id, (0, 0))))
        for app_id, queued, gate, is_probing, calls, commands in rows
    }


def _room(queued: int, gate: str, is_probing: bool, by_budget: int | None) -> Room:
    if gate:
        return Room(0, held=gate)
    # A maker that was silent gets one command to answer before it gets many.
    ahead = 1 if is_probing else FEED_AHEAD
    free = max(0, ahead - queued)
    if by_budget is not None and by_budget < free:
        return Room(by_budget, held="budget")
    return Room(free, is_full=free == 0, held="breaker" if is_probing else "")


def _by_budget(order: Order, calls: int | None, commands: int | None, ahead: int, following: int) -> int | None:
    """Return for how many more commands the quota is good now; None without one.

    ahead: commands that have still to take their calls. following: those whose effect is still to be looked at.
    """
    free: list[int] = []
    if calls is not None:
        # As for a car whose state is not known: a look before, the send, and a look after where one proves it.
        each = calls_for(order.kind, has_stale_state=1)
        left = calls - ahead * each - (following if order.signal is not None else 0)
        fits = max(0, left // each)
        # Where the quota is smaller than one command's calls, it takes them one window after the other.
        free.append(max(fits, 1 if calls > 0 and ahead == 0 else 0))
    if commands is not None:
        free.append(max(0, commands - ahead))
    return min(free, default=None)
