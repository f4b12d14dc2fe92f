"""What the tests of schedules share: the least wish for one, and a clock that can be turned."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import psycopg

from commands.programs.models import Schedule, TimedCommand
from commands.programs.schedules import Wish, create_schedule
from commands.programs.timed import start_timed
from fleet.adapters.commands import Command, FlashLights, Unlock
from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink


def wish(order: Command, due_at: datetime, **fields: Any) -> Wish:
    """A wish for one run at a moment, in UTC; rule=, time_zone= and the rest as told."""
    local = due_at.astimezone(UTC)
    given = {"name": "Morning", "saved_filter": None, "time_zone": "UTC", **fields}
    return Wish(order=order, **{"starts_on": local.date(), "at": local.time(), **given})


def daily(order: Command, at: time, **fields: Any) -> Wish:
    """A wish for every day at a local time, in each car's own zone unless told."""
    given = {"name": "Morning", "saved_filter": None, "rule": "FREQ=DAILY", "starts_on": date(2026, 1, 1), **fields}
    return Wish(order=order, at=at, **given)


def make_schedule(membership: Membership, **fields: Any) -> Schedule:
    """A schedule that flashes the lights of all cars every day."""
    return create_schedule(wish=daily(FlashLights(), time(6, 30), **fields), membership=membership)


def make_timed(link: VehicleLink, membership: Membership) -> TimedCommand:
    """An unlock that locks again after two minutes."""
    return start_timed(vehicle=link.vehicle, membership=membership, order=Unlock(), minutes=2)


@dataclass(frozen=True)
class Clock:
    """The clock of the test's own database: programs go by it, and by no other."""

    as_owner: psycopg.Connection

    def set(self, *parts: int) -> None:
        """Turn it to a moment in UTC, forwards or backwards."""
        self.as_owner.execute("UPDATE turned.clock SET at = %s", [datetime(*parts, tzinfo=UTC)])
