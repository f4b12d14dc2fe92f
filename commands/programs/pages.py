"""What pages of schedules show: rows of the list, the next times of a dry run, the history. Words are made here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from commands.programs.ahead import due_between, plan_of
from commands.programs.dryrun import Planned, ZoneTime
from commands.programs.models import RunState, Schedule, ScheduleRun
from commands.programs.words import (
    NOTES,
    RUN_REASONS,
    RUN_STATES,
    SCHEDULE_STATES,
    what_of,
    when_of,
    which_cars,
    zone_of,
)

HISTORY = 50
SOON = timedelta(days=400)


@dataclass(frozen=True)
class Sign:
    """A state as icon, word and colour."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True)
class ScheduleRow:
    """One line of the list. next_words: the next local time, "" when there is none."""

    schedule: Schedule
    icon: str
    what: str
    when: str
    cars: str
    sign: Sign
    next_words: str
    last: ScheduleRun | None
    last_sign: Sign | None


def schedule_rows(schedules: Iterable[Schedule], now: datetime) -> list[ScheduleRow]:
    """Return the lines of the list, in one query beside that of the schedules."""
    schedules = list(schedules)
    latest = ScheduleRun.objects.filter(schedule__in=schedules).order_by("schedule_id", "-due_at")
    last = {run.schedule_id: run for run in latest.distinct("schedule_id")}
    return [_row(schedule, last.get(schedule.id), now) for schedule in schedules]


def _row(schedule: Schedule, last: ScheduleRun | None, now: datetime) -> ScheduleRow:
    return ScheduleRow(
        schedule=schedule,
        icon=schedule.kind,
        what=what_of(schedule),
        when=f"{when_of(schedule)}, {zone_of(schedule)}",
        cars=which_cars(schedule),
        sign=sign_of(schedule),
        next_words=_next_words(schedule, now),
        last=last,
        last_sign=Sign(*map(str, RUN_STATES[RunState(last.state)])) if last else None,
    )


def sign_of(schedule: Schedule) -> Sign:
    """Return a schedule's state as icon, word and colour."""
    return Sign(*map(str, SCHEDULE_STATES[Schedule.State(schedule.state)]))


def _next_words(schedule: Schedule, now: datetime) -> str:
    if not schedule.is_active:
        return ""
    zone = schedule.time_zone or schedule.team.time_zone or settings.TIME_ZONE
    found = due_between(plan_of(schedule), zone, now, now + SOON)
    following = next((due for due in found if not due.occurrence.is_skipped), None)
    return local_words(following.occurrence.local_at) if following else ""


def local_words(moment: datetime) -> str:
    """Return a local time as people say it: "Sun 29 Mar 2026, 02:30". No zone is applied to it."""
    return f"{day_words(moment.date())}, {time_format(moment.time(), 'H:i')}"


def day_words(day: date) -> str:
    """Return a date with its day of the week."""
    # Translators: a date format of Django: day, short month, year.
    return f"{WEEKDAYS_ABBR[day.weekday()]} {date_format(day, pgettext('date format', 'j M Y'))}"


@dataclass(frozen=True)
class TimeRow:
    """One zone of a planned time: when that is in UTC, for how many cars, and what is odd about it."""

    zone: str
    utc: datetime
    utc_words: str
    cars: int
    note: str


@dataclass(frozen=True)
class PlannedRow:
    """One line of a dry run. skipped: which holiday leaves it out. moved: from which one it comes."""

    local: str
    skipped: str
    moved: str
    times: list[TimeRow]


def planned_rows(planned: Iterable[Planned]) -> list[PlannedRow]:
    """Return a dry run's times in words."""
    return [
        PlannedRow(
            local=local_words(plan.local_at),
            skipped=_holiday_words(plan.holiday) if plan.is_skipped else "",
            moved=_("Moved from %(day)s, %(holiday)s")
            % {"day": day_words(plan.moved_from), "holiday": _holiday_words(plan.holiday)}
            if plan.moved_from
            else "",
            times=[] if plan.is_skipped else [_time_row(plan, time) for time in plan.times],
        )
        for plan in planned
    ]


def _holiday_words(name: str) -> str:
    # A day off of the team's own has its date for a name.
    return _("a day off of your own") if name[:4].isdigit() else name


def _time_row(plan: Planned, time: ZoneTime) -> TimeRow:
    utc = time.at.astimezone(UTC)
    clock = time_format(utc.time(), "H:i")
    if utc.date() != plan.local_at.date():
        clock = f"{day_words(utc.date())}, {clock}"
    note = str(NOTES[time.note]) % {"time": time_format(time.runs_at.time(), "H:i")} if time.note else ""
    return TimeRow(time.zone.replace("_", " "), utc, f"{clock} UTC", time.cars, note)


@dataclass(frozen=True)
class RunRow:
    """One line of the history."""

    run: ScheduleRun
    local: str
    zone: str
    sign: Sign
    why: str
    note: str
    job_url: str


def run_rows(schedule: Schedule) -> list[RunRow]:
    """Return what a schedule did lately, newest first, in one query."""
    runs = ScheduleRun.objects.filter(schedule=schedule).order_by("-due_at", "zone")[:HISTORY]
    return [_run_row(run) for run in runs]


def _run_row(run: ScheduleRun) -> RunRow:
    why = str(RUN_REASONS.get(run.reason, ""))
    if run.state == RunState.HOLIDAY:
        why = _holiday_words(run.holiday)
    return RunRow(
        run=run,
        local=f"{day_words(run.local_on)}, {time_format(run.local_at, 'H:i')}",
        zone=run.zone.replace("_", " "),
        sign=Sign(*map(str, RUN_STATES[RunState(run.state)])),
        why=why,
        note=_("Moved from %(day)s") % {"day": day_words(run.moved_from)} if run.moved_from else "",
        job_url=reverse("jobs:detail", args=[run.job_id]) if run.job_id else "",
    )
