"""Budgets in words: how long a window is, what is left, and why commands wait."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from fleet.budgets.models import Per, Resource

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

TITLES: dict[tuple[str, str], Promise] = {
    (Resource.CALLS, Per.APP): gettext_lazy("Calls"),
    (Resource.CALLS, Per.ACCOUNT): gettext_lazy("Calls of each owner"),
    (Resource.CALLS, Per.CAR): gettext_lazy("Calls of each car"),
    (Resource.COMMANDS, Per.APP): gettext_lazy("Commands"),
    (Resource.COMMANDS, Per.ACCOUNT): gettext_lazy("Commands of each owner"),
    (Resource.COMMANDS, Per.CAR): gettext_lazy("Commands of each car"),
    (Resource.WAKES, Per.APP): gettext_lazy("Wakes"),
    (Resource.WAKES, Per.ACCOUNT): gettext_lazy("Wakes of each owner"),
    (Resource.WAKES, Per.CAR): gettext_lazy("Wakes of each car"),
}
_NAMED = {
    60: gettext_lazy("this minute"),
    3_600: gettext_lazy("this hour"),
    86_400: gettext_lazy("today"),
    604_800: gettext_lazy("this week"),
    2_592_000: gettext_lazy("this month"),
}
_UNITS = (86_400, 3_600, 60, 1)


def number(value: int | Decimal) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)


def window(window_s: int) -> str:
    """Return a budget's window as people say it: "today", "this minute", "within 90 seconds". It slides."""
    if window_s in _NAMED:
        return str(_NAMED[window_s])
    unit = next(unit for unit in _UNITS if window_s % unit == 0)
    count = window_s // unit
    return {
        86_400: ngettext("within %(n)s day", "within %(n)s days", count),
        3_600: ngettext("within %(n)s hour", "within %(n)s hours", count),
        60: ngettext("within %(n)s minute", "within %(n)s minutes", count),
        1: ngettext("within %(n)s second", "within %(n)s seconds", count),
    }[unit] % {"n": number(count)}


def left(left: int, limit: int, window_s: int) -> str:
    """Return "118 of 120 left today"."""
    return _("%(left)s of %(limit)s left %(window)s") % {
        "left": number(left),
        "limit": number(limit),
        "window": window(window_s),
    }


def costs(calls: int) -> str:
    """Return "Costs 2 calls"."""
    return ngettext("Costs %(n)s call", "Costs %(n)s calls", calls) % {"n": number(calls)}


def money(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency; prices of single calls need more than two places."""
    exact = amount.quantize(Decimal("0.0001")).normalize()
    places = min(4, max(2, -int(exact.as_tuple().exponent)))
    return f"{number_format(exact, places, use_l10n=True)}{NO_BREAK_SPACE}{currency}"


def span(seconds: float) -> str:
    """Return how long something takes, in the largest unit that fits."""
    if seconds < 90:
        return ngettext("%(n)s second", "%(n)s seconds", round(seconds)) % {"n": number(round(seconds))}
    if seconds < 90 * 60:
        return ngettext("%(n)s minute", "%(n)s minutes", round(seconds / 60)) % {"n": number(round(seconds / 60))}
    if seconds < 36 * 3600:
        return ngettext("%(n)s hour", "%(n)s hours", round(seconds / 3600)) % {"n": number(round(seconds / 3600))}
    return ngettext("%(n)s day", "%(n)s days", round(seconds / 86_400)) % {"n": number(round(seconds / 86_400))}


@dataclass(frozen=True)
class Notice:
    """Why commands to a maker wait. since and until are shown as times of day beside the words; either may be None."""

    kind: str
    text: str
    since: datetime | None = None
    until: datetime | None = None


def notice_of_app(app: Any, *, name: str, now: datetime) -> Notice | None:
    """Return what is wrong with an application now: its service does not answer, or it told us to wait."""
    if app.breaker_until is not None:
        text = pgettext("a maker’s service", "%(maker)s’s service does not answer. Commands wait.") % {"maker": name}
        return Notice("breaker", text, app.breaker_opened_at, app.breaker_until)
    if app.held_until is not None and app.held_until > now:
        return Notice(
            "held", _("%(maker)s asked us to slow down. Commands wait.") % {"maker": name}, None, app.held_until
        )
    return None


def notice_of_budget(line: Any, *, name: str) -> Notice | None:
    """Return that a budget is used up, for everybody or all but its reserve; None while there is some."""
    if line.left_ours > 0:
        return None
    limit = line.budget
    values = {"maker": name, "left": left(line.left, limit.limit, limit.window_s)}
    if line.left > 0:
        text = _("%(maker)s: %(left)s, kept for presses by a person. Jobs and schedules wait.") % values
    else:
        text = _("The limit of %(maker)s is used up: %(left)s. Commands wait.") % values
    return Notice("budget", text, None, line.next_at)
