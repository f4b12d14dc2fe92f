"""What people read of rules: what a rule will do, and why it blocks now. Whole sentences, translated."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from commands.rules.check import Rule
from commands.rules.values import EVERY_DAY, Area, ChargeFloor, Hours, Moving
from commands.words import LABELS
from fleet.teams.units import radius

TITLES = {
    "moving": gettext_lazy("While the car moves"),
    "hours": gettext_lazy("Outside hours"),
    "area": gettext_lazy("By place"),
    "charge_floor": gettext_lazy("Low battery"),
    "guest": gettext_lazy("Guest on board"),
}
HINTS = {
    "moving": gettext_lazy("For example: nobody unlocks a car or opens its trunk while it drives."),
    "hours": gettext_lazy("For example: engines are started on working days only."),
    "area": gettext_lazy("For example: cars are unlocked on the yard only."),
    "charge_floor": gettext_lazy("For example: no climate while the battery is below 20 %."),
    "guest": gettext_lazy("For example: nobody disturbs a guest who has the car."),
}
ICONS = {"moving": "driving", "hours": "clock", "area": "location", "charge_floor": "battery", "guest": "user"}
# So many commands are named in a sentence; a longer list is counted.
NAMED = 5
EN_DASH = "\N{EN DASH}"


def says(rule: Rule) -> str:
    """Return in one sentence what a rule does: "Nobody sends “Unlock” while the car moves."."""
    named = {"commands": commands_phrase(rule.commands)}
    match rule.values:
        case Moving(with_engine=True):
            return _("Nobody sends %(commands)s while the car moves or its engine runs.") % named
        case Moving():
            return _("Nobody sends %(commands)s while the car moves.") % named
        case Hours() as hours if hours.starts == hours.ends:
            return _("Nobody sends %(commands)s except %(days)s, by the clock where the car is.") % {
                **named,
                "days": days_phrase(hours.weekdays),
            }
        case Hours() as hours:
            return _(
                "Nobody sends %(commands)s except %(days)s from %(starts)s to %(ends)s, by the clock where the car is."
            ) % {**named, **_hours(hours)}
        case Area(is_inside=True) as area:
            return _("Nobody sends %(commands)s while the car is more than %(radius)s away from %(name)s.") % {
                **named,
                **_area(area),
            }
        case Area() as area:
            return _("Nobody sends %(commands)s while the car is within %(radius)s of %(name)s.") % {
                **named,
                **_area(area),
            }
        case ChargeFloor(percent=percent):
            return _("Nobody sends %(commands)s while the battery holds less than %(percent)s %%.") % {
                **named,
                "percent": percent,
            }
    if rule.kind == "guest":
        return _("Nobody sends %(commands)s while a guest has the car.") % named
    return _("This rule cannot be read any more. Remove it and make a new one.")


def says_unknown(rule: Rule) -> str:
    """Return what a rule does while nobody knows the fact that it asks for; "" where it always knows."""
    if rule.values is None or not rule.values.asks_for_fact:
        return ""
    wanted = {
        "moving": (
            _("While it is not known whether the car moves, nothing is sent either."),
            _("While it is not known whether the car moves, it is sent."),
        ),
        "area": (
            _("While it is not known where the car is, nothing is sent either."),
            _("While it is not known where the car is, it is sent."),
        ),
        "charge_floor": (
            _("While it is not known how full the battery is, nothing is sent either."),
            _("While it is not known how full the battery is, it is sent."),
        ),
    }[rule.kind]
    return wanted[0] if rule.blocks_unknown else wanted[1]


def _why(rule: Rule) -> str:
    if rule.is_unknown or rule.values is None:
        return _why_unknown(rule)
    match rule.values:
        case Moving(with_engine=True):
            return _("Blocked by your team’s rule: the car moves, or its engine runs.")
        case Moving():
            return _("Blocked by your team’s rule: the car moves.")
        case Hours() as hours if hours.starts == hours.ends:
            return _("Blocked by your team’s rule: only %(days)s.") % {"days": days_phrase(hours.weekdays)}
        case Hours() as hours:
            return _("Blocked by your team’s rule: only %(days)s from %(starts)s to %(ends)s.") % _hours(hours)
        case Area(is_inside=True) as area:
            return _("Blocked by your team’s rule: the car is more than %(radius)s away from %(name)s.") % _area(area)
        case Area() as area:
            return _("Blocked by your team’s rule: the car is within %(radius)s of %(name)s.") % _area(area)
        case ChargeFloor(percent=percent):
            return _("Blocked by your team’s rule: the battery holds less than %(percent)s %%.") % {"percent": percent}
    return _("Blocked by your team’s rule: a guest has the car.")


def _why_unknown(rule: Rule) -> str:
    return {
        "moving": _("Blocked by your team’s rule: it is not known whether the car moves."),
        "area": _("Blocked by your team’s rule: it is not known where the car is."),
        "charge_floor": _("Blocked by your team’s rule: it is not known how full the battery is."),
        "hours": _("Blocked by your team’s rule: it is not known what time it is where the car is."),
    }.get(rule.kind, _("Blocked by your team’s rule."))


# Why a rule blocks a command now, in the language of whoever reads it.
sentence = lazy(_why, str)


def commands_phrase(kinds: Iterable[str]) -> str:
    """Return the commands of a rule as one would say them: “Unlock”, “Open trunk” or “Start engine”."""
    chosen = set(kinds)
    labels = [_("“%(command)s”") % {"command": label} for kind, label in LABELS.items() if kind in chosen]
    if not labels:
        return _("any command")
    if len(labels) > NAMED:
        more = len(labels) - NAMED + 1
        counted = ngettext("%(count)s other command", "%(count)s other commands", more) % {"count": more}
        labels = [*labels[: NAMED - 1], counted]
    if len(labels) == 1:
        return labels[0]
    return _("%(first)s or %(last)s") % {"first": ", ".join(labels[:-1]), "last": labels[-1]}


def days_phrase(weekdays: Sequence[int]) -> str:
    """Return days of the week, runs of three and more as such: "Mon–Fri", "Mon, Wed", "every day"."""
    if tuple(weekdays) == EVERY_DAY:
        return _("every day")
    runs: list[list[int]] = []
    for day in weekdays:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts = []
    for run in runs:
        names = [str(WEEKDAYS_ABBR[day]) for day in run]
        parts += [f"{names[0]}{EN_DASH}{names[-1]}"] if len(run) > 2 else names
    return ", ".join(parts)


def _hours(hours: Hours) -> dict[str, Any]:
    return {
        "days": days_phrase(hours.weekdays),
        "starts": f"{hours.starts:%H:%M}",
        "ends": f"{hours.ends:%H:%M}",
    }


def _area(area: Area) -> dict[str, Any]:
    return {"radius": radius(area.radius_km), "name": area.name}
