"""Forms for commands that take values; their limits are those of the car."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from commands.words import PARAMETER_ERRORS
from fleet.adapters.commands import KINDS, Command, make_command
from fleet.adapters.rules import LABEL_MAX_LENGTH, InvalidParameter, Number
from fleet.teams.measures import MeasureField, told_limits


class CommandForm(forms.Form):
    """Base of all: turns clean values into a command, and a command's complaint into an error at its field."""

    kind = ""

    def make_order(self) -> Command | None:
        """Return the command, or None with the errors at their fields."""
        if not self.is_valid():
            return None
        values = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        try:
            return make_command(self.kind, values)
        except InvalidParameter as error:
            self.note(error)
            return None

    def note(self, error: InvalidParameter) -> None:
        """Show what the vocabulary, or the car's own limits, refused."""
        message = str(PARAMETER_ERRORS[error.code]) % told_limits(self, error.field, error.limits)
        self.add_error(error.field if error.field in self.fields else None, message)


def _number(number: Number, label: Any, *, whole: bool = False, required: bool = True) -> forms.Field:
    make = forms.IntegerField if whole else forms.FloatField
    shown = int if whole else float
    field = make(label=label, required=required, min_value=shown(number.minimum), max_value=shown(number.maximum))
    field.localize = False
    field.widget.attrs["step"] = shown(number.step) if number.step else "any"
    return field


def _pin(*, required: bool) -> forms.CharField:
    digits = RegexValidator(r"\A[0-9]{4}\Z", PARAMETER_ERRORS["not_four_digits"])
    widget = forms.PasswordInput(
        attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": 4, "pattern": "[0-9]{4}"}
    )
    help_text = _("Four digits. We pass it on and forget it.")
    return forms.CharField(
        label=_("PIN"), required=required, strip=False, validators=[digits], widget=widget, help_text=help_text
    )


def has_form(kind: str) -> bool:
    """Say whether a command takes values."""
    return bool(_fields(kind, KINDS[kind].ranges))


def make_form(
    kind: str, ranges: Mapping[str, Number], *, data: Any = None, initial: Mapping[str, Any] | None = None
) -> CommandForm | None:
    """Return the form of a command with the car's own limits; None for a command without values."""
    fields = _fields(kind, {**KINDS[kind].ranges, **ranges})
    if not fields:
        return None
    form = type("Form", (CommandForm,), {"kind": kind, **fields})
    return form(data, initial=dict(initial or {}), auto_id=f"{kind}-%s")


def _fields(kind: str, ranges: Mapping[str, Number]) -> dict[str, forms.Field]:
    match kind:
        case "set_charge_limit":
            return {"limit_percent": _number(ranges["limit_percent"], _("Charge limit"), whole=True)}
        case "set_temperature":
            return {"temperature_c": MeasureField(ranges["temperature_c"], label=_("Cabin temperature"))}
        case "send_destination":
            label = forms.CharField(label=_("Name of the place"), required=False, max_length=LABEL_MAX_LENGTH)
            return {
                "latitude": _number(ranges["latitude"], _("Latitude")),
                "longitude": _number(ranges["longitude"], _("Longitude")),
                "label": label,
            }
        case "set_pin" | "enable_valet":
            return {"pin": _pin(required=True)}
        case "disable_valet":
            return {"pin": _pin(required=False)}
    return {}
