"""How people say "how often", and the recurrence rule that it stands for, both ways. Pure."""

import re
from dataclasses import dataclass
from datetime import date

from commands.programs.recurrence import check_rule

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WORKDAYS = DAYS[:5]
MAX_EVERY = 99


@dataclass(frozen=True)
class Shape:
    """One way to repeat: once, daily, weekdays, weekly, monthly, month_end, yearly, or a rule written by hand."""

    repeat: str
    every: int = 1
    days: tuple[str, ...] = ()
    rule: str = ""


def rule_of(shape: Shape, starts_on: date) -> str:
    """Return the recurrence rule of a shape, "" for once. Raises BadRule for one written by hand that is none."""
    interval = f";INTERVAL={shape.every}" if shape.every > 1 else ""
    match shape.repeat:
        case "once":
            return ""
        case "daily":
            return f"FREQ=DAILY{interval}"
        case "weekdays":
            return f"FREQ=WEEKLY;BYDAY={','.join(WORKDAYS)}"
        case "weekly":
            days = [day for day in DAYS if day in shape.days] or [DAYS[starts_on.weekday()]]
            return f"FREQ=WEEKLY{interval};BYDAY={','.join(days)}"
        case "monthly":
            return f"FREQ=MONTHLY{interval};BYMONTHDAY={starts_on.day}"
        case "month_end":
            return f"FREQ=MONTHLY{interval};BYMONTHDAY=-1"
        case "yearly":
            return f"FREQ=YEARLY{interval};BYMONTH={starts_on.month};BYMONTHDAY={starts_on.day}"
    return check_rule(shape.rule)


def shape_of(rule: str, starts_on: date) -> Shape:
    """Return the shape that a stored rule came from; one that no other shape says is "rule"."""
    if not rule:
        return Shape("once")
    found = re.search(r";INTERVAL=(\d+)", rule)
    every = int(found[1]) if found else 1
    days = tuple(rule.partition(";BYDAY=")[2].split(","))
    for shape in (
        Shape("daily", every),
        Shape("weekdays"),
        Shape("weekly", every, days),
        Shape("monthly", every),
        Shape("month_end", every),
        Shape("yearly", every),
    ):
        if rule_of(shape, starts_on) == rule:
            return shape
    return Shape("rule", rule=rule)
