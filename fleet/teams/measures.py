"""Fields of forms for quantities: people type in their team's unit, the form hands out metric values."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import format_lazy

from fleet.adapters.rules import Number
from fleet.teams.units import DISTANCES, TEMPERATURES, Unit, current

MEASURES: Mapping[str, Mapping[str, Unit]] = {"km": DISTANCES, "°C": TEMPERATURES}
# So finely a typed distance is kept; a temperature goes by the steps of its range.
TYPED_DECIMALS = 2
METRIC_DECIMALS = 3


class Typed(NamedTuple):
    """What somebody typed, and in which unit: that of the page they typed it in."""

    raw: Any
    unit: Unit


class MeasureBoundField(BoundField):
    """The field as it stands in a page: its name ends with the unit, as temperature_f does.

    So a page that was open while the team changed its units still means what it showed.
    """

    def __init__(self, form: Any, field: "MeasureField", name: str) -> None:
        super().__init__(form, field, name)
        self.measured = field
        self.stem = self.html_name.removesuffix(field.metric.name)
        self.html_name = self.stem + field.unit.name

    @property
    def data(self) -> Any:
        units = self.measured.units.values()
        found = [(raw, unit) for unit in units if (raw := self.form.data.get(self.stem + unit.name)) is not None]
        return next((Typed(raw, unit) for raw, unit in found if raw != ""), None)


class MeasureField(forms.FloatField):
    """A number with a unit. number: its metric range; is_named: the label tells the unit, where the page does not."""

    def __init__(self, number: Number, *, label: Any, is_named: bool = True, **kwargs: Any) -> None:
        super().__init__(label=label, **kwargs)
        self.number, self.is_named, self.plain_label = number, is_named, label
        self.units = MEASURES[number.unit]
        self.metric = next(iter(self.units.values()))
        self.speak()

    def __deepcopy__(self, memo: Any) -> "MeasureField":
        # A form's own copy is made when the form is: that is when somebody is there who has a unit.
        field: MeasureField = super().__deepcopy__(memo)
        field.speak()
        return field

    def speak(self) -> None:
        """Take the unit that is active now."""
        self.unit = current().instead_of(self.number.unit) or self.metric
        if self.is_named:
            self.label = format_lazy("{}, {}", self.plain_label, self.unit.sign)
        least, most = self.limits(self.unit)
        step = self.number.step if self.unit.is_metric else (1 if self.number.step else 0)
        self.widget.attrs |= {"min": least, "max": most, "step": step or "any"}

    def limits(self, unit: Unit) -> tuple[float, float]:
        """Return the least and the most that may be typed in a unit; none of them lies outside of the metric range."""
        least, most = self.number.minimum, self.number.maximum
        if unit.is_metric:
            return least, most
        scale = 1 if self.number.step else 10**TYPED_DECIMALS
        least, most = math.ceil(unit.from_metric(least) * scale), math.floor(unit.from_metric(most) * scale)
        return (least, most) if scale == 1 else (least / scale, most / scale)

    def get_bound_field(self, form: Any, field_name: str) -> BoundField:
        return MeasureBoundField(form, self, field_name)

    def clean(self, value: Any) -> float | None:
        """Return the metric value of what was typed. What is wrong is told in the unit it was typed in."""
        typed = value if isinstance(value, Typed) else Typed(value, self.metric)
        least, most = self.limits(typed.unit)
        plain = forms.FloatField(required=self.required, min_value=least, max_value=most)
        number = plain.clean(typed.raw)
        return None if number is None else self._metric(number, typed.unit)

    def prepare_value(self, value: Any) -> Any:
        """Return what the page shows of a metric value, or what was typed in it."""
        if not isinstance(value, Typed):
            return self._shown(value)
        if value.unit == self.unit:
            return value.raw
        try:
            return self._shown(value.unit.to_metric(float(value.raw)))
        except (ValueError, OverflowError):
            return value.raw

    def _metric(self, number: float, unit: Unit) -> float:
        least, most, step = self.number.minimum, self.number.maximum, self.number.step
        if not step:
            number = round(number, TYPED_DECIMALS)
        if unit.is_metric:
            return number
        value = unit.to_metric(number)
        if step:
            value = least + round((value - least) / step) * step
        return min(max(round(value, METRIC_DECIMALS), least), most)

    def _shown(self, value: Any) -> Any:
        if not isinstance(value, int | float) or self.unit.is_metric:
            return value
        decimals = self.unit.decimals if self.number.step else TYPED_DECIMALS
        return round(self.unit.from_metric(value), decimals or None)


def told_limits(form: forms.Form, field: str, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return the limits that a value broke in the unit of its field; step stays as it is, a typed value has it."""
    measured = form.fields.get(field)
    if not isinstance(measured, MeasureField) or measured.unit.is_metric:
        return dict(limits)
    rounding = {"minimum": math.ceil, "maximum": math.floor}
    return {
        name: rounding[name](measured.unit.from_metric(value)) if name in rounding else value
        for name, value in limits.items()
    }
