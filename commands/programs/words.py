"""What people read of programs: schedules in one plain sentence, ways back, why something did not run. Translated."""

from datetime import date
from typing import Any

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format, number_format, time_format
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from commands.programs.models import RunState, Schedule, TimedCommand, TimedState
from commands.programs.shapes import DAYS, shape_of
from commands.words import LABELS, NOT_OFFERED, PARAMETER_ERRORS, STATES, reason_of
from fleet.teams.units import temperature

# --- Schedules in one sentence -------------------------------------------------------------------------------------


def sentence_of(schedule: Schedule, *, count: int) -> str:
    """Return what a schedule does: "Every weekday at 06:30 in each car’s own time zone: start climate, on …"."""
    return gettext("%(when)s, %(zone)s: %(what)s, %(cars)s.") % {
        "when": when_of(schedule),
        "zone": zone_of(schedule),
        "what": what_of(schedule),
        "cars": cars_of(schedule, count),
    }


def when_of(schedule: Schedule) -> str:
    """Return on which days and at what time: "Every 2 weeks on Monday and Thursday at 06:30"."""
    words = {"days": _days_of(schedule), "time": time_format(schedule.at, "H:i")}
    # Translators: %(days)s is "Every weekday" or "Once on 24 Dec 2026".
    return gettext("%(days)s at %(time)s") % words


def _days_of(schedule: Schedule) -> str:
    shape = shape_of(schedule.rule, schedule.starts_on)
    values = {"every": shape.every, "date": _date(schedule.starts_on), "day": schedule.starts_on.day}
    match shape.repeat:
        case "once":
            return gettext("Once on %(date)s") % values
        case "daily":
            return ngettext("Every day", "Every %(every)s days", shape.every) % values
        case "weekdays":
            return gettext("Every weekday (Monday to Friday)")
        case "weekly":
            days = _join([str(WEEKDAYS[DAYS.index(day)]) for day in shape.days])
            words = ngettext("Every week on %(days)s", "Every %(every)s weeks on %(days)s", shape.every)
            return words % {**values, "days": days}
        case "monthly":
            words = ngettext("Every month on day %(day)s", "Every %(every)s months on day %(day)s", shape.every)
            return words % values
        case "month_end":
            words = ngettext("On the last day of every month", "On the last day of every %(every)s months", shape.every)
            return words % values
        case "yearly":
            month = str(MONTHS[schedule.starts_on.month])
            words = ngettext(
                "Every year on %(day)s %(month)s", "Every %(every)s years on %(day)s %(month)s", shape.every
            )
            return words % {**values, "month": month}
    return gettext("By the rule %(rule)s") % {"rule": schedule.rule}


def _date(day: date) -> str:
    # Translators: a date format of Django: day, short month, year.
    return date_format(day, pgettext("date format", "j M Y"))


def _join(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return gettext("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}


def zone_of(schedule: Schedule) -> str:
    """Return whose clock counts."""
    if not schedule.time_zone:
        return gettext("in each car’s own time zone")
    return gettext("%(zone)s time") % {"zone": schedule.time_zone.replace("_", " ")}


def what_of(schedule: Schedule) -> str:
    """Return the command with its values, as a clause: "Start climate 21.0 °C"."""
    return order_words(schedule.kind, schedule.parameters)


def order_words(kind: str, parameters: dict[str, Any]) -> str:
    """Return a command with its values in a few words."""
    label = str(LABELS[kind])
    if "limit_percent" in parameters:
        return f"{label} {number_format(parameters['limit_percent'])}\N{NO-BREAK SPACE}%"
    if parameters.get("temperature_c") is not None:
        return f"{label} {temperature(parameters['temperature_c'])}"
    if parameters.get("label"):
        return gettext("%(command)s “%(place)s”") % {"command": label, "place": parameters["label"]}
    return label


def which_cars(schedule: Schedule) -> str:
    """Return which cars are meant, in a list's words."""
    return gettext("All cars") if schedule.saved_filter is None else schedule.saved_filter.name


def cars_of(schedule: Schedule, count: int) -> str:
    """Return for which cars, and how many that are today."""
    words = {"count": number_format(count, force_grouping=True)}
    if schedule.saved_filter is None:
        return ngettext("for all cars (%(count)s car today)", "for all cars (%(count)s cars today)", count) % words
    words["name"] = schedule.saved_filter.name
    return ngettext("for “%(name)s” (%(count)s car today)", "for “%(name)s” (%(count)s cars today)", count) % words


HOLIDAYS = {
    "run": _("Runs on public holidays too."),
    "skip": _("Does not run on public holidays."),
    "move": _("On a public holiday it runs on the next working day instead."),
}

SCHEDULE_STATES = {
    Schedule.State.ACTIVE: (pgettext_lazy("schedule", "Active"), "ok", "check"),
    Schedule.State.PAUSED: (_("Paused"), "warn", "hourglass"),
    Schedule.State.ENDED: (_("Over"), "", "badge-check"),
    Schedule.State.REMOVED: (_("Removed"), "", "trash"),
}

PAUSED_BY = {
    "": _("Somebody paused it. What was due meanwhile is not made up for."),
    "membership_ended": _("It paused by itself: the person in whose name it ran is no longer in the team."),
    "role": _("It paused by itself: the person in whose name it ran may no longer send commands."),
    "team_closing": _("It paused when the team was closed."),
}

RUN_STATES = {
    RunState.DUE: (_("Starting"), "accent", "clock"),
    RunState.STARTED: (_("Started"), "ok", "check"),
    RunState.EMPTY: (_("No car to send to"), "", "minus"),
    RunState.MISSED: (_("Missed"), "warn", "warn"),
    RunState.HOLIDAY: (_("Left out, a holiday"), "", "ban"),
    RunState.FAILED: (_("Not started"), "danger", "x"),
}

RUN_REASONS = {
    "late": _("Nothing was running at that time. It is not made up for, because late is worse than not at all."),
    "paused": _("It was paused before it could start."),
    "membership_ended": _("The person in whose name it ran is no longer in the team."),
    "role": _("The person in whose name it ran may no longer send commands."),
    "no_cars": _("No car of the selection could get the command."),
    "more_cars": _("There are more cars now than were agreed to. Open the schedule and save it again."),
    "too_many": _("These are more cars than one job takes."),
}

NOTES = {
    "gap": _("The clocks go forward: this time does not exist, so it runs at %(time)s."),
    "twice": _("The clocks go back: this time comes twice, it runs the first time only."),
}

PROBLEMS = {
    "never": _("On none of the coming days would this ever run."),
    "wrong_number": _("This goes to %(number)s cars. Type this number to say that you mean it."),
    "secret": _("A command with a PIN cannot wait for its hour."),
    "unknown": _("There is no such filter."),
    "not_a_rule": _("This is no recurrence rule, for example FREQ=MONTHLY;BYDAY=1MO."),
    "unknown_part": _("Leave out the time of day, the number of times and the end: they are fields of their own."),
    "frequency": _("Begin with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY."),
    "too_long": _("This rule is too long."),
    "too_many": _("These are more cars than one job takes."),
    "in_the_past": _("Choose a time in the future."),
    "too_far": _("Choose a time within the next 24 hours."),
}


def problem_of(code: str, limits: dict[str, Any] | None = None) -> str:
    """Return one sentence for what a service refused."""
    words = PROBLEMS.get(code) or PARAMETER_ERRORS.get(code) or NOT_OFFERED.get(code)
    return str(words or _("This makes no sense.")) % (limits or {})


# --- Ways back -----------------------------------------------------------------------------------------------------

# kind: title of the program, what it will do, and the two buttons while it waits.
TIMED_TITLES = {
    "unlock": _("Unlock for a while"),
    "start_climate": _("Climate for a while"),
    "start_engine": _("Engine for a while"),
    "stop_charge": _("Pause charging"),
    "set_charge_limit": _("Another charge limit for a while"),
}
TIMED_SENTENCES = {
    "unlock": _("Unlocks now and locks again by itself."),
    "start_climate": _("Starts the climate now and stops it by itself."),
    "start_engine": _("Starts the engine now and stops it by itself."),
    "stop_charge": _("Stops charging now, then restores the charge limit and charges again."),
    "set_charge_limit": _("Sets the limit now and later the one that the car has today."),
}
NOW_LABELS = {
    "unlock": _("Lock now"),
    "start_climate": _("Stop now"),
    "start_engine": _("Stop now"),
    "stop_charge": _("Charge now"),
    "set_charge_limit": _("Restore now"),
}
KEEP_LABELS = {
    "unlock": _("Keep unlocked"),
    "start_climate": _("Keep running"),
    "start_engine": _("Keep running"),
    "stop_charge": _("Leave it stopped"),
    "set_charge_limit": _("Keep this limit"),
}

TIMED_STATES = {
    TimedState.ARMED: (_("Waits for its time"), "accent", "hourglass"),
    TimedState.REQUESTED: (_("On its way"), "accent", "send"),
    TimedState.DONE: (_("Done, and confirmed"), "ok", "check"),
    TimedState.FAILED: (_("The way back failed"), "danger", "x"),
    TimedState.DROPPED: (_("No way back"), "", "minus"),
}

DROPPED = {
    "kept": _("Somebody chose to leave it as it is."),
    "overtaken": _("Somebody sent another command meanwhile, so it was left alone."),
    "role": _("The person who started it may no longer send commands, so nothing was sent. Please look at the car."),
    "first_expired": _("The first command was never sent, so there was nothing to undo."),
    "first_cancelled": _("The first command was cancelled, so there was nothing to undo."),
    "first_refused": _("The first command was refused, so there was nothing to undo."),
    "first_superseded": _("The first command was replaced before it was sent, so there was nothing to undo."),
    "first_failed": _("The first command did nothing, so there was nothing to undo."),
}

NOTHING_TO_RESTORE = {
    "not_known": _("Nobody knows how the car stands now, so nothing could be restored. Read the car again first."),
    "not_charging": _("The car does not charge now, so there would be nothing to restore."),
    "same_limit": _("The car has this limit already."),
}


def ended_sentence(timed: TimedCommand) -> str:
    """Return why a way back ended as it did; "" for one that is done."""
    if timed.state == TimedState.DROPPED:
        return str(DROPPED.get(timed.reason, ""))
    if timed.state != TimedState.FAILED:
        return ""
    words = reason_of(timed.reason) or NOT_OFFERED.get(timed.reason) or STATES.get(timed.reason) or ""
    return gettext("%(why)s Please look at the car.") % {"why": words}


def way_back_words(timed: TimedCommand) -> str:
    """Return what the way back does: "Charge limit 80 %, Start charging"."""
    return ", ".join(order_words(step["kind"], step["parameters"]) for step in timed.back)
