"""The local days and times of a schedule: a recurrence rule, its end, and what holidays change. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.rrule import rrule, rrulestr

RULE_MAX_LENGTH = 200
# The end is a field of its own, and the time of day too; what is left says on which days.
PARTS = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYWEEKNO", "BYYEARDAY", "WKST"})
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
# No holidays in a row are longer; also how far back a moved occurrence can come from.
MAX_MOVE_DAYS = 14
SATURDAY = 5

RUN, SKIP, MOVE = "run", "skip", "move"


class BadRule(ValueError):
    """A recurrence rule that we do not take; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Plan:
    """When a schedule runs, in local time. rule: an RRULE without the time of day; "" for once.

    on_holiday: run, skip or move (to the next Monday to Friday that is no holiday). holiday: the name of a day's
    holiday, "" for any other day.
    """

    starts_on: date
    at: time
    rule: str
    ends_on: date | None
    on_holiday: str
    holiday: Callable[[date], str]


@dataclass(frozen=True)
class Occurrence:
    """One local time at which a schedule is due. holiday: it fell on one; is_skipped: and therefore does not run."""

    local_at: datetime
    moved_from: date | None = None
    holiday: str = ""
    is_skipped: bool = False


def check_rule(raw: str) -> str:
    """Return a rule in its one way of writing. Raises BadRule: too_long, not_a_rule, unknown_part, frequency."""
    text = raw.strip().upper().removeprefix("RRULE:")
    if len(text) > RULE_MAX_LENGTH:
        raise BadRule("too_long")
    parts = dict(part.partition("=")[::2] for part in text.split(";") if part)
    if not parts or not all(re.fullmatch(r"[A-Z0-9,+-]+", value) for value in parts.values()):
        raise BadRule("not_a_rule")
    if not parts.keys() <= PARTS:
        raise BadRule("unknown_part")
    if parts.get("FREQ") not in FREQUENCIES:
        raise BadRule("frequency")
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    # dateutil would never come to an end with an interval of 0, and overflow with a very long one.
    if not re.fullmatch(r"[1-9][0-9]{0,2}", parts.get("INTERVAL", "1")):
        raise BadRule("not_a_rule")
    try:
        rule = _rule(text, starts_at=datetime(2024, 1, 1), until=datetime(2030, 1, 1))  # noqa: DTZ001 - local on purpose
        next(iter(rule), None)  # some nonsense is found only when a day is asked for
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise BadRule("not_a_rule") from error
    return text


def occurrences(plan: Plan, *, first: date, last: date) -> Iterator[Occurrence]:
    """Yield what is due from one local day to another, both included, in order; each local time at most once.

    A moved occurrence counts on the day to which it was moved; a skipped one on its own.
    """
    seen: set[tuple[datetime, bool]] = set()
    found = [_settle(plan, day) for day in _days(plan, first=first - timedelta(days=MAX_MOVE_DAYS), last=last)]
    # A day on which it runs anyway stays as it is; what was moved onto it is the same run.
    found.sort(key=lambda occurrence: (occurrence.local_at, occurrence.moved_from is not None))
    for occurrence in found:
        key = (occurrence.local_at, occurrence.is_skipped)
        if key not in seen and first <= occurrence.local_at.date() <= last:
            seen.add(key)
            yield occurrence


def _days(plan: Plan, *, first: date, last: date) -> Iterator[date]:
    """Yield the days on which the rule falls, before any holiday changes them."""
    starts_at = datetime.combine(plan.starts_on, plan.at)
    until = datetime.combine(min(last, plan.ends_on or last), plan.at)
    if not plan.rule:
        if first <= plan.starts_on and starts_at <= until:
            yield plan.starts_on
        return
    # `until` bounds the search: a rule that never falls, as 30 February, would else look up to the year 9999.
    rule = _rule(plan.rule, starts_at=starts_at, until=until)
    for moment in rule.xafter(datetime.combine(first, time.min), inc=True):
        yield moment.date()


def _rule(text: str, *, starts_at: datetime, until: datetime) -> rrule:
    rule = rrulestr(text, dtstart=starts_at)
    assert isinstance(rule, rrule)  # noqa: S101 - one line without EXDATE is never a set
    return rule.replace(until=until)


def _settle(plan: Plan, day: date) -> Occurrence:
    at = datetime.combine(day, plan.at)
    holiday = plan.holiday(day)
    if not holiday or plan.on_holiday == RUN:
        return Occurrence(at, holiday=holiday)
    if plan.on_holiday == SKIP:
        return Occurrence(at, holiday=holiday, is_skipped=True)
    for days in range(1, MAX_MOVE_DAYS + 1):
        other = day + timedelta(days=days)
        if other.weekday() < SATURDAY and not plan.holiday(other):
            return Occurrence(datetime.combine(other, plan.at), moved_from=day, holiday=holiday)
    return Occurrence(at, holiday=holiday, is_skipped=True)
