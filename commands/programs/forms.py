"""Forms of programs: when, which cars, which command with what values; how long a timed one lasts. Services decide."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commands.programs.calendars import regions_of
from commands.programs.models import SCHEDULABLE, Schedule
from commands.programs.recurrence import BadRule
from commands.programs.schedules import Wish
from commands.programs.shapes import DAYS, MAX_EVERY, Shape, rule_of, shape_of
from commands.programs.wayback import PROGRAMS
from commands.programs.words import problem_of
from commands.programs.zones import moment_of
from commands.words import GROUPS, LABELS
from fleet.adapters.commands import KINDS, Command, make_command
from fleet.adapters.rules import LABEL_MAX_LENGTH, InvalidParameter, Number
from fleet.countries import COUNTRIES
from fleet.teams.forms import no_control_characters
from fleet.teams.measures import MeasureField, told_limits
from fleet.teams.zones import zone_names
from fleet.vehicles.models import SavedFilter

EACH_CARS_OWN = "car"
ALL_CARS = ""
MAX_OWN_DATES = 60
VALUES = ("limit_percent", "temperature_c", "duration_min", "latitude", "longitude", "label")


class DateBox(forms.DateInput):
    input_type = "date"


class TimeBox(forms.TimeInput):
    input_type = "time"


def _number(number: Number, label: Any, *, whole: bool, required: bool = False) -> forms.Field:
    shown: Any = int if whole else float
    make: Any = forms.IntegerField if whole else forms.FloatField
    field: forms.Field = make(
        label=label, required=required, min_value=shown(number.minimum), max_value=shown(number.maximum)
    )
    field.localize = False
    field.widget.attrs["step"] = shown(number.step) if number.step else "any"
    return field


def _range(kind: str, name: str) -> Number:
    return KINDS[kind].ranges[name]


def _temperature(kind: str) -> MeasureField:
    return MeasureField(_range(kind, "temperature_c"), label=_("Cabin temperature"), required=False)


class TimedForm(forms.Form):
    """How long a timed command lasts, and its value if it has one. A time of day is the car's local one."""

    def __init__(self, kind: str, zone: ZoneInfo, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.zone, self.program = kind, zone, PROGRAMS[kind]
        if kind == "set_charge_limit":
            limit = _number(_range(kind, "limit_percent"), _("Charge limit, percent"), whole=True, required=True)
            self.fields["limit_percent"] = limit
        if kind == "start_climate":
            self.fields["temperature_c"] = _temperature(kind)
        if self.program.until == "minutes":
            minutes = Number(1, self.program.max_minutes, 1, "min")
            self.fields["minutes"] = _number(minutes, _("For how many minutes?"), whole=True, required=True)
            self.fields["minutes"].initial = self.program.minutes
            self.fields["minutes"].help_text = _("Counted from the moment in which the command has left.")
        else:
            help_text = gettext("Local time of the car (%(zone)s), today or tomorrow.") % {"zone": zone.key}
            self.fields["until"] = forms.TimeField(
                label=_("Until"), widget=TimeBox(), input_formats=["%H:%M", "%H:%M:%S"], help_text=help_text
            )

    def make_order(self) -> Command:
        """Return the first command. Raises InvalidParameter."""
        given = {name: self.cleaned_data.get(name) for name in VALUES}
        if self.kind == "start_engine":
            given["duration_min"] = self.cleaned_data["minutes"]
        return make_command(self.kind, {name: value for name, value in given.items() if value is not None})

    def until(self, now: datetime) -> datetime | None:
        """Return the next moment at which the clock of the car shows the chosen time; None for minutes."""
        if (at := self.cleaned_data.get("until")) is None:
            return None
        today = now.astimezone(self.zone).date()
        moments = (moment_of(datetime.combine(today + timedelta(days=days), at), self.zone).at for days in range(3))
        return next(moment for moment in moments if moment > now)

    def note(self, error: InvalidParameter) -> None:
        """Show at its field what was refused."""
        limits = told_limits(self, error.field, error.limits)
        self.add_error(error.field if error.field in self.fields else None, problem_of(error.code, limits))


class ScheduleForm(forms.Form):
    """Everything about a schedule. What does not belong to the chosen command or repetition is left unread."""

    name = forms.CharField(label=_("Name"), max_length=100, validators=[no_control_characters])
    kind = forms.ChoiceField(label=_("Command"))
    limit_percent = _number(_range("set_charge_limit", "limit_percent"), _("Charge limit, percent"), whole=True)
    temperature_c = _temperature("set_temperature")
    duration_min = _number(_range("start_engine", "duration_min"), _("For how many minutes?"), whole=True)
    latitude = _number(_range("send_destination", "latitude"), _("Latitude"), whole=False)
    longitude = _number(_range("send_destination", "longitude"), _("Longitude"), whole=False)
    label = forms.CharField(
        label=_("Name of the place"), required=False, max_length=LABEL_MAX_LENGTH, validators=[no_control_characters]
    )
    saved_filter = forms.ChoiceField(label=_("For which cars?"), required=False)

    repeat = forms.ChoiceField(
        label=_("How often?"),
        choices=[
            ("once", _("Once")),
            ("daily", _("Every day, or every few days")),
            ("weekdays", _("Every weekday, Monday to Friday")),
            ("weekly", _("Every week, or every few weeks")),
            ("monthly", _("Every month, on the day of the first date")),
            ("month_end", _("On the last day of the month")),
            ("yearly", _("Every year, on the first date")),
            ("rule", _("By a rule of my own (RRULE)")),
        ],
        initial="weekdays",
    )
    every = forms.IntegerField(
        label=_("Only every so many"),
        required=False,
        min_value=1,
        max_value=MAX_EVERY,
        initial=1,
        help_text=_("2 for every second day, week, month or year."),
    )
    days = forms.MultipleChoiceField(
        label=_("On these days"),
        required=False,
        choices=[(day, WEEKDAYS[number]) for number, day in enumerate(DAYS)],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: the day of the first date."),
    )
    rule = forms.CharField(
        label=_("Rule"),
        required=False,
        max_length=200,
        validators=[no_control_characters],
        help_text=_("For example FREQ=MONTHLY;BYDAY=1MO for the first Monday of every month."),
    )
    starts_on = forms.DateField(label=_("First day"), widget=DateBox(), input_formats=["%Y-%m-%d"])
    at = forms.TimeField(label=_("Time"), widget=TimeBox(), input_formats=["%H:%M", "%H:%M:%S"])
    ends_on = forms.DateField(label=_("Last day"), required=False, widget=DateBox(), input_formats=["%Y-%m-%d"])
    time_zone = forms.ChoiceField(label=_("Whose clock?"))
    on_holiday = forms.ChoiceField(
        label=_("On public holidays"),
        choices=[
            ("run", _("Run as on any day")),
            ("skip", _("Leave it out")),
            ("move", _("Run on the next working day instead")),
        ],
        initial="run",
    )
    holiday_country = forms.ChoiceField(label=_("Holidays of"), required=False)
    holiday_region = forms.CharField(
        label=_("Region"),
        required=False,
        max_length=10,
        validators=[no_control_characters],
        help_text=_("The region’s code, for example BE for Berlin. Empty: the holidays of the whole country."),
    )
    own_dates = forms.CharField(
        label=_("Days off of your own"),
        required=False,
        max_length=800,
        validators=[no_control_characters],
        help_text=_("Dates such as 2026-12-24, separated by commas."),
    )
    grace_min = forms.IntegerField(
        label=_("May begin how late, in minutes?"),
        min_value=1,
        max_value=120,
        initial=10,
        help_text=_("If nothing was running at its time, it is found later: up to so many minutes it still runs."),
    )
    within_min = forms.IntegerField(
        label=_("Give up after how many minutes?"),
        min_value=1,
        max_value=1440,
        initial=60,
        help_text=_("What has not left by then is not sent."),
    )
    confirmed_count = forms.IntegerField(label=_("Number of cars"), required=False, min_value=0, max_value=1_000_000)

    def __init__(self, *args: Any, filters: Iterable[SavedFilter], team_zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters = {str(row.id): row for row in filters}
        kinds = [
            (str(title), [(kind, LABELS[kind]) for kind in kinds if kind in SCHEDULABLE]) for title, kinds in GROUPS
        ]
        self._choose("kind", [choice for _title, choices in kinds for choice in choices])
        self._choose(
            "saved_filter", [(ALL_CARS, _("All cars")), *((key, row.name) for key, row in self.filters.items())]
        )
        names = dict.fromkeys(name for name in (team_zone, *zone_names()) if name)
        own = [(EACH_CARS_OWN, _("Each car’s own time zone"))]
        self._choose("time_zone", [*own, *((name, name.replace("_", " ")) for name in names)])
        countries = sorted(COUNTRIES.items(), key=lambda item: str(item[1]))
        self._choose("holiday_country", [("", _("No country")), *countries])

    def _choose(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean_own_dates(self) -> list[date]:
        raw = [part for part in self.cleaned_data["own_dates"].replace(";", ",").replace(" ", ",").split(",") if part]
        try:
            days = sorted({date.fromisoformat(part) for part in raw})
        except ValueError as error:
            raise forms.ValidationError(gettext("Write dates as year-month-day, for example 2026-12-24.")) from error
        if len(days) > MAX_OWN_DATES:
            raise forms.ValidationError(gettext("Use at most %(maximum)s dates.") % {"maximum": MAX_OWN_DATES})
        return days

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        country, region = cleaned.get("holiday_country", ""), cleaned.get("holiday_region", "").upper()
        if region and region not in regions_of(country):
            known = ", ".join(regions_of(country))
            self.add_error(
                "holiday_region",
                gettext("Choose one of %(regions)s.") % {"regions": known}
                if known
                else gettext("This country has no regions with holidays of their own."),
            )
        cleaned["holiday_region"] = region
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", gettext("The last day is before the first."))
        if cleaned.get("on_holiday") in {"skip", "move"} and not country and not cleaned.get("own_dates"):
            self.add_error("holiday_country", gettext("Choose a country, or enter days of your own."))
        return cleaned

    def make_wish(self) -> Wish | None:
        """Return what was filled in, or None with the errors at their fields."""
        if not self.is_valid():
            return None
        cleaned = self.cleaned_data
        try:
            order = self._make_order()
            shape = Shape(cleaned["repeat"], cleaned["every"] or 1, tuple(cleaned["days"]), cleaned["rule"])
            rule = rule_of(shape, cleaned["starts_on"])
        except InvalidParameter as error:
            self.note(error)
            return None
        except BadRule as error:
            self.add_error("rule", problem_of(error.code))
            return None
        zone, dates = cleaned["time_zone"], ("starts_on", "at", "ends_on", "own_dates")
        kept = ("name", "on_holiday", "holiday_country", "holiday_region", "grace_min", "within_min", "confirmed_count")
        return Wish(
            order=order,
            rule=rule,
            saved_filter=self.filters.get(cleaned["saved_filter"]),
            time_zone="" if zone == EACH_CARS_OWN else zone,
            **{name: cleaned[name] for name in (*kept, *dates)},
        )

    def _make_order(self) -> Command:
        kind = self.cleaned_data["kind"]
        names = value_names(kind)
        given = {name: self.cleaned_data[name] for name in names if self.cleaned_data[name] not in (None, "")}
        return make_command(kind, given)

    def note(self, error: InvalidParameter) -> None:
        """Show at its field what was refused."""
        limits = told_limits(self, error.field, error.limits)
        self.add_error(error.field if error.field in self.fields else None, problem_of(error.code, limits))


def value_names(kind: str) -> list[str]:
    """Return which of the value fields a command has."""
    fields = KINDS[kind].__dataclass_fields__
    return [name for name in VALUES if name in fields]


def initial_of(schedule: Schedule) -> dict[str, Any]:
    """Return what the form shows of a schedule that is there already; dates as a browser's date field wants them."""
    shape = shape_of(schedule.rule, schedule.starts_on)
    kept = ("name", "kind", "on_holiday", "holiday_country", "holiday_region", "grace_min", "within_min")
    return {
        **{name: getattr(schedule, name) for name in kept},
        **schedule.parameters,
        "saved_filter": str(schedule.saved_filter_id or ALL_CARS),
        "repeat": shape.repeat,
        "every": shape.every,
        "days": list(shape.days),
        "rule": shape.rule,
        "starts_on": schedule.starts_on.isoformat(),
        "at": schedule.at.strftime("%H:%M"),
        "ends_on": schedule.ends_on.isoformat() if schedule.ends_on else "",
        "time_zone": schedule.time_zone or EACH_CARS_OWN,
        "own_dates": ", ".join(day.isoformat() for day in schedule.own_dates),
    }
