"""What a schedule would do, without doing it: the next times, zone by zone, and which cars would get the command."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from commands.jobs.selection import select_cars
from commands.jobs.words import sentence_of
from commands.programs.ahead import Due, cars_of, due_between, plan_of, zones_of
from commands.programs.clock import database_now
from commands.programs.models import Schedule
from fleet.teams.models import Membership
from fleet.teams.zones import find_zone

SHOWN = 10
HORIZONS = (timedelta(days=20), timedelta(days=400), timedelta(days=10 * 366))


@dataclass(frozen=True)
class ZoneTime:
    """One local time in one zone. note: "", "gap" or "twice"."""

    zone: str
    at: datetime
    note: str
    cars: int

    @property
    def runs_at(self) -> datetime:
        """Return the local time at which it really runs; it differs where the planned one does not exist."""
        return self.at.astimezone(find_zone(self.zone))


@dataclass(frozen=True)
class Planned:
    """One local time at which the schedule would run, in every zone where it would."""

    local_at: datetime
    holiday: str
    is_skipped: bool
    moved_from: date | None
    times: list[ZoneTime] = field(default_factory=list)


@dataclass(frozen=True)
class Reach:
    """Who would get the command today. skipped: how many not, and why, in words."""

    total: int
    eligible: int
    skipped: list[tuple[int, str]]


def plan_ahead(schedule: Schedule, *, count: int = SHOWN) -> list[Planned]:
    """Return the next local times of a schedule, saved or not; those that a holiday skips are among them."""
    now = database_now()
    plan, zones = plan_of(schedule), zones_of(schedule)
    found: dict[tuple[datetime, bool], Planned] = {}
    for horizon in HORIZONS:
        found = {}
        for name, cars in sorted(zones.items()):
            for due in due_between(plan, name, now, now + horizon):
                _add(found, due, len(cars))
        if len(found) >= count:
            break
    return [found[key] for key in sorted(found)][:count]


def _add(found: dict[tuple[datetime, bool], Planned], due: Due, cars: int) -> None:
    occurrence = due.occurrence
    planned = found.setdefault(
        (occurrence.local_at, occurrence.is_skipped),
        Planned(occurrence.local_at, occurrence.holiday, occurrence.is_skipped, occurrence.moved_from),
    )
    planned.times.append(ZoneTime(due.zone, due.moment.at, due.moment.note, cars))


def reach_of(schedule: Schedule, membership: Membership) -> Reach:
    """Return who would get the command if it ran now, in the name of this member. Raises InvalidParameter."""
    codes = Counter(code for _, code in select_cars(membership, cars_of(schedule), schedule.order()))
    eligible = codes.pop("", 0)
    skipped = [(number, sentence_of("skipped", code) or code) for code, number in codes.most_common()]
    return Reach(total=eligible + sum(codes.values()), eligible=eligible, skipped=skipped)
