"""Forms of rules, one per kind: they read what people enter and turn it into the values of a rule."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from commands.rules.check import Rule
from commands.rules.models import CHECK_FIRST_MOST_S
from commands.rules.values import (
    EVERY_DAY,
    NAME_MAX_LENGTH,
    RADIUS_LEAST_KM,
    RADIUS_MOST_KM,
    Area,
    ChargeFloor,
    Guest,
    Hours,
    Moving,
    Values,
)
from commands.words import GROUPS, LABELS
from fleet.adapters.rules import Number
from fleet.teams.forms import no_control_characters
from fleet.teams.measures import MeasureField

# As maps show and copy it: "52.5200, 13.4050".
PLACE = re.compile(r"\s*(-?\d{1,2}(?:\.\d{1,12})?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*", re.ASCII)
CLOCK = "%H:%M"


class ClockInput(forms.TimeInput):
    """A time of day in the browser's own field."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format=CLOCK)


class RuleForm(forms.Form):
    """What all rules have: the commands they are about, and what they do while nobody knows."""

    kind = ""
    # The commands that are ticked on a new rule; the rest of a new rule are the fields' own initial values.
    usual: tuple[str, ...] = ()

    scope = forms.ChoiceField(
        label=_("Which commands?"),
        choices=[("some", _("Only these")), ("all", _("Every command"))],
        initial="some",
        widget=forms.RadioSelect,
    )
    commands = forms.MultipleChoiceField(
        label=_("Commands"), required=False, choices=list(LABELS.items()), widget=forms.CheckboxSelectMultiple
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("scope") == "some" and not cleaned.get("commands") and "commands" not in self.errors:
            self.add_error("commands", _("Choose at least one command."))
        return cleaned

    def chosen(self) -> list[str]:
        """Return the commands of the rule; empty means every command."""
        return [] if self.cleaned_data["scope"] == "all" else self.cleaned_data["commands"]

    def blocks_unknown(self) -> bool:
        return self.cleaned_data.get("when_unknown", "block") == "block"

    def values(self) -> Values:
        """Return the values of a form that is valid."""
        raise NotImplementedError

    def groups(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """Return the commands to tick, in the groups of the vehicle page: (kind, label, is ticked)."""
        ticked = set(self["commands"].value() or ())
        return [(str(title), [(kind, str(LABELS[kind]), kind in ticked) for kind in kinds]) for title, kinds in GROUPS]

    def own_fields(self) -> list[Any]:
        """Return the fields of this kind of rule alone."""
        return [self[name] for name in self.fields if name not in {"scope", "commands", "when_unknown"}]

    @classmethod
    def initial_of(cls, rule: Rule) -> dict[str, Any]:
        """Return a stored rule as this form shows it."""
        common = {
            "scope": "some" if rule.commands else "all",
            "commands": sorted(rule.commands),
            "when_unknown": "block" if rule.blocks_unknown else "allow",
        }
        return common if rule.values is None else common | cls._initial_of(rule.values)

    @classmethod
    def _initial_of(cls, values: Any) -> dict[str, Any]:
        return values.to_json()


def _when_unknown(label: Any, *, blocks: bool) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=[("block", _("Block it")), ("allow", _("Send it"))],
        initial="block" if blocks else "allow",
        widget=forms.RadioSelect,
    )


class MovingForm(RuleForm):
    kind = "moving"
    usual = ("unlock", "open_trunk", "open_frunk", "open_charge_port", "start_engine", "stop_engine")

    with_engine = forms.BooleanField(label=_("Also while its engine runs"), required=False)
    when_unknown = _when_unknown(_("When it is not known whether the car moves"), blocks=Moving.blocks_unknown)

    def values(self) -> Moving:
        return Moving(with_engine=self.cleaned_data["with_engine"])


class HoursForm(RuleForm):
    kind = "hours"
    usual = ("unlock", "start_engine")

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Allowed on"),
        coerce=int,
        choices=[(day, WEEKDAYS[day]) for day in EVERY_DAY],
        initial=[0, 1, 2, 3, 4],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day.")},
    )
    starts = forms.TimeField(label=_("From"), input_formats=[CLOCK, "%H:%M:%S"], initial="06:00", widget=ClockInput)
    ends = forms.TimeField(
        label=_("Until"),
        input_formats=[CLOCK, "%H:%M:%S"],
        initial="20:00",
        widget=ClockInput,
        help_text=_("By the clock where the car is. Earlier than the start means the next day."),
    )

    def values(self) -> Hours:
        cleaned = self.cleaned_data
        return Hours(tuple(sorted(cleaned["weekdays"])), _minute(cleaned["starts"]), _minute(cleaned["ends"]))


def _minute(clock: time) -> time:
    return clock.replace(second=0, microsecond=0)


class AreaForm(RuleForm):
    kind = "area"
    usual = ("unlock", "open_trunk", "open_frunk", "start_engine")

    side = forms.ChoiceField(
        label=_("Allowed"),
        choices=[("inside", _("inside the circle")), ("outside", _("outside of the circle"))],
        initial="inside",
        widget=forms.RadioSelect,
    )
    name = forms.CharField(label=_("Name of the place"), max_length=NAME_MAX_LENGTH, validators=[no_control_characters])
    place = forms.CharField(
        label=_("Its centre"),
        max_length=60,
        help_text=_("Latitude and longitude, as maps copy them: 52.5200, 13.4050"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text", "spellcheck": "false"}),
    )
    radius_km = MeasureField(Number(RADIUS_LEAST_KM, RADIUS_MOST_KM, 0, "km"), label=_("Radius"), initial=2)
    when_unknown = _when_unknown(_("When it is not known where the car is"), blocks=Area.blocks_unknown)

    def clean_place(self) -> tuple[float, float]:
        found = PLACE.fullmatch(self.cleaned_data["place"])
        latitude, longitude = (float(number) for number in found.groups()) if found else (91.0, 181.0)
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise forms.ValidationError(_("Write latitude and longitude with points, like 52.5200, 13.4050."))
        return latitude, longitude

    def values(self) -> Area:
        cleaned = self.cleaned_data
        latitude, longitude = cleaned["place"]
        is_inside = cleaned["side"] == "inside"
        return Area(latitude, longitude, cleaned["radius_km"], is_inside, cleaned["name"])

    @classmethod
    def _initial_of(cls, values: Area) -> dict[str, Any]:
        return {
            "side": "inside" if values.is_inside else "outside",
            "name": values.name,
            "place": f"{values.latitude}, {values.longitude}",
            "radius_km": values.radius_km,
        }


class ChargeFloorForm(RuleForm):
    kind = "charge_floor"
    usual = ("start_climate", "set_temperature")

    percent = forms.IntegerField(label=_("Lowest charge in %"), min_value=1, max_value=99, initial=20)
    when_unknown = _when_unknown(_("When it is not known how full the battery is"), blocks=ChargeFloor.blocks_unknown)

    def values(self) -> ChargeFloor:
        return ChargeFloor(self.cleaned_data["percent"])


class GuestForm(RuleForm):
    kind = "guest"
    usual = ("unlock", "lock", "open_trunk", "start_engine", "stop_engine", "honk_horn")

    def values(self) -> Guest:
        return Guest()


FORMS: Mapping[str, type[RuleForm]] = {
    form.kind: form for form in (MovingForm, HoursForm, AreaForm, ChargeFloorForm, GuestForm)
}


def make_rule_form(kind: str, *, data: Any = None, rule: Rule | None = None) -> RuleForm:
    """Return the form of a kind: filled in with `data`, else with a stored rule, else with what is usual."""
    form = FORMS[kind]
    initial = {"commands": list(form.usual)} if rule is None else form.initial_of(rule)
    return form(data, initial=initial, auto_id="rule-%s")


class CheckFirstForm(forms.Form):
    """How old the known state of a car may be when a command is sent."""

    check_first_s = forms.IntegerField(
        label=_("Seconds"), min_value=0, max_value=CHECK_FIRST_MOST_S, help_text=_("0 looks every time.")
    )
