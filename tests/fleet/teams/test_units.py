"""Units and the fields typed in them: what comes back is what was typed, and no limit is crossed on the way."""

import pytest
from django import forms
from django.utils import translation

from fleet.adapters.rules import TEMPERATURE, Number
from fleet.teams import units
from fleet.teams.measures import MeasureField, told_limits
from fleet.teams.units import FAHRENHEIT, METRIC, MILES, Units, override

SPACE = "\N{NO-BREAK SPACE}"
IMPERIAL = Units(MILES, FAHRENHEIT)


class Form(forms.Form):
    temperature_c = MeasureField(TEMPERATURE, label="Cabin")
    radius_km = MeasureField(Number(0.1, 1000.0, 0, "km"), label="Radius", required=False)


def bound(chosen: Units, data: dict[str, str]) -> Form:
    with override(chosen):
        return Form(data)


@pytest.mark.parametrize(
    ("chosen", "value", "sign", "language", "shown"),
    [
        (METRIC, 41_287.3, "km", "en", ("41,287", "km")),
        (IMPERIAL, 41_287.3, "km", "en", ("25,655", "mi")),
        (IMPERIAL, 41_287.3, "km", "de", ("25.655", "mi")),
        (METRIC, 21.5, "°C", "de", ("21,5", "°C")),
        (IMPERIAL, 21.5, "°C", "de", ("71", "°F")),
        (IMPERIAL, -17.8, "°C", "en", ("0", "°F")),
        (IMPERIAL, -40, "°C", "en", ("-40", "°F")),
        (IMPERIAL, 68.4, "%", "en", ("68", "%")),
    ],
)
def test_shown_when_units_are_chosen_then_number_and_sign_follow(chosen, value, sign, language, shown) -> None:
    with override(chosen), translation.override(language):
        assert units.shown(value, sign) == shown


def test_current_when_nobody_chose_then_it_is_metric_again_after_each_block() -> None:
    with override(IMPERIAL):
        with override(METRIC):
            assert units.temperature(20) == f"20.0{SPACE}°C"
        assert units.temperature(20) == f"68{SPACE}°F"

    assert units.current() == METRIC


@pytest.mark.parametrize("typed", range(59, 83))
def test_temperature_when_whole_fahrenheit_is_typed_then_a_step_is_sent_and_the_same_is_read(typed: int) -> None:
    form = bound(IMPERIAL, {"temperature_f": str(typed)})

    assert form.is_valid(), form.errors
    sent = form.cleaned_data["temperature_c"]
    TEMPERATURE.check("temperature_c", sent)
    with override(IMPERIAL):
        assert units.temperature(sent) == f"{typed}{SPACE}°F"
        assert Form(initial={"temperature_c": sent})["temperature_c"].value() == typed


@pytest.mark.parametrize("typed", ["0.07", "0.1", "1", "1.24", "3.75", "621.37"])
def test_radius_when_miles_are_typed_then_the_same_miles_are_read(typed: str) -> None:
    form = bound(IMPERIAL, {"temperature_f": "70", "radius_mi": typed})

    assert form.is_valid(), form.errors
    with override(IMPERIAL):
        assert units.radius(form.cleaned_data["radius_km"]) == f"{typed}{SPACE}mi"


def test_field_when_the_team_changed_its_units_meanwhile_then_an_open_page_means_what_it_showed() -> None:
    metric_page = bound(IMPERIAL, {"temperature_c": "21.5", "radius_km": "5"})
    imperial_page = bound(METRIC, {"temperature_f": "70", "radius_mi": "5"})

    assert (metric_page.is_valid(), imperial_page.is_valid()) == (True, True)
    assert metric_page.cleaned_data == {"temperature_c": 21.5, "radius_km": 5.0}
    assert imperial_page.cleaned_data == {"temperature_c": 21.0, "radius_km": 8.047}
    assert (metric_page["temperature_c"].value(), metric_page["temperature_c"].html_name) == (71, "temperature_f")


def test_field_when_shown_then_name_label_and_limits_are_in_the_unit() -> None:
    with override(IMPERIAL):
        form = Form(initial={"temperature_c": 21.0, "radius_km": 2})

    fields = [form["temperature_c"], form["radius_km"]]
    assert [(field.html_name, field.label, field.value()) for field in fields] == [
        ("temperature_f", "Cabin, °F", 70),
        ("radius_mi", "Radius, mi", 1.24),
    ]
    limits = [[field.field.widget.attrs[name] for name in ("min", "max", "step")] for field in fields]
    assert limits == [[59, 82, 1], [0.07, 621.37, "any"]]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("58", "Ensure this value is greater than or equal to 59."),
        ("83", "Ensure this value is less than or equal to 82."),
        ("21", "Ensure this value is greater than or equal to 59."),
        ("warm", "Enter a number."),
        ("NaN", "Enter a number."),
        ("inf", "Enter a number."),
        ("8" * 5000, "Enter a number."),
        ("", "This field is required."),
    ],
)
def test_temperature_when_what_is_typed_is_bad_then_it_is_told_in_its_own_unit(typed, complaint) -> None:
    form = bound(IMPERIAL, {"temperature_f": typed})

    assert not form.is_valid()
    assert form.errors == {"temperature_c": [complaint]}
    assert form["temperature_c"].value() == (typed or None)


def test_limits_when_a_car_refuses_then_they_are_told_in_the_unit_of_the_page() -> None:
    with override(IMPERIAL):
        form = Form()

    limits = {"minimum": 16.0, "maximum": 28.0}
    assert told_limits(form, "temperature_c", limits) == {"minimum": 61, "maximum": 82}
    assert told_limits(form, "unknown", limits) == limits
