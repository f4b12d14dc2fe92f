"""Which cars a schedule means, in which zones, and when it is due there: what the ticks and the dry run both ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from commands.programs.calendars import holiday_name
from commands.programs.models import Schedule
from commands.programs.recurrence import Occurrence, Plan, occurrences
from commands.programs.zones import Moment, moment_of
from fleet.teams.zones import find_zone
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import Vehicle

# The widest that a local day can be from the day of UTC.
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """One local occurrence in one zone, with the moment it stands for."""

    zone: str
    occurrence: Occurrence
    moment: Moment


def plan_of(schedule: Schedule) -> Plan:
    """Return when a schedule runs, as local days and a time."""
    return Plan(
        starts_on=schedule.starts_on,
        at=schedule.at,
        rule=schedule.rule,
        ends_on=schedule.ends_on,
        on_holiday=schedule.on_holiday,
        holiday=partial(_holiday, schedule.holiday_country, schedule.holiday_region, frozenset(schedule.own_dates)),
    )


def _holiday(country: str, region: str, own_dates: frozenset[date], day: date) -> str:
    # A date of the team's own has no name but its date.
    return holiday_name(country, region, day) or (day.isoformat() if day in own_dates else "")


def cars_of(schedule: Schedule) -> VehicleFilter:
    """Return the selection of a schedule as it stands now. Raises InvalidParameter for one that makes no sense."""
    if schedule.saved_filter is None:
        return VehicleFilter()
    return VehicleFilter.from_values(schedule.saved_filter.values)


def zones_of(schedule: Schedule) -> dict[str, list[UUID]]:
    """Return the zones in which a schedule runs, each with its cars now, in two queries.

    A car without a zone is in its team's, a team without one in the installation's; one zone if the schedule has one.
    """
    live = Vehicle.objects.filter(team_id=schedule.team_id, removed_at__isnull=True)
    rows = cars_of(schedule).apply(live).values_list("id", "time_zone")
    found: dict[str, list[UUID]] = {} if not schedule.time_zone else {schedule.time_zone: []}
    for vehicle_id, time_zone in rows:
        name = schedule.time_zone or _name_of(time_zone, schedule.team.time_zone)
        found.setdefault(name, []).append(vehicle_id)
    return found or {_name_of("", schedule.team.time_zone): []}


def _name_of(*names: str) -> str:
    return find_zone(*names, settings.TIME_ZONE).key


def due_between(plan: Plan, zone_name: str, after: datetime, until: datetime) -> Iterator[Due]:
    """Yield what is due in a zone after one moment and up to another, in local order; holidays that are skipped too."""
    zone = find_zone(zone_name)
    first, last = _day(after, zone) - A_DAY, _day(until, zone) + A_DAY
    for occurrence in occurrences(plan, first=first, last=last):
        moment = moment_of(occurrence.local_at, zone)
        if after < moment.at <= until:
            yield Due(zone_name, occurrence, moment)


def next_due(plan: Plan, zone_names: list[str], after: datetime, within: timedelta) -> datetime | None:
    """Return the next moment at which something is due in any of the zones; None if nothing is within that time."""
    found = (next(due_between(plan, name, after, after + within), None) for name in zone_names)
    return min((due.moment.at for due in found if due is not None), default=None)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def is_over(plan: Plan, zone_names: list[str], now: datetime) -> bool:
    """Say whether nothing will ever be due any more."""
    last = plan.starts_on if not plan.rule else plan.ends_on
    if last is None:
        return False
    if now.date() < last - A_DAY:
        return False
    # A holiday may have moved the last one by up to two weeks.
    end = datetime.combine(last + timedelta(days=17), plan.at, UTC)
    return now >= end or next_due(plan, zone_names, now, end - now) is None
