"""The vocabulary: its table of classes and deadlines, and the values that each parameter takes."""

import math

import pytest

from fleet.adapters.commands import KINDS, EnableValet, SetPin, make_command
from fleet.adapters.rules import InvalidParameter, Number
from fleet.adapters.signals import SIGNALS

CLASSES = {
    "A": "lock stop_charge set_charge_limit stop_climate set_temperature stop_engine close_charge_port",
    "B": "unlock start_charge start_climate start_engine open_charge_port",
    "C": "open_trunk close_trunk open_frunk close_frunk honk_horn flash_lights send_destination",
    "D": "set_pin reset_pin enable_valet disable_valet",
}
DEADLINES_S = {"A": 600, "B": 120, "C": 60, "D": 60} | {"unlock": 60, "start_engine": 60, "send_destination": 300}
NO_NUMBERS = [True, False, math.nan, "80", "", [], {}, b"80", object]
NO_PINS = [
    "12345",
    "123",
    "12a4",
    "",
    " 123",
    "123 ",
    "1234\n",
    "\uff11\uff12\uff13\uff14",
    "\u0660\u0661\u0662\u0663",
    1234,
    None,
    True,
    ["1", "2", "3", "4"],
]


def complaint(kind, **parameters):
    """What the vocabulary says against these values: field and code; None when it takes them."""
    try:
        make_command(kind, parameters)
    except InvalidParameter as error:
        return error.field, error.code
    return None


def test_classes_and_deadlines_when_compared_then_they_are_those_of_the_table():
    assert {kind: command.retry_class.value for kind, command in KINDS.items()} == {
        kind: name for name, kinds in CLASSES.items() for kind in kinds.split()
    }
    assert {kind: command.deadline_s for kind, command in KINDS.items()} == {
        kind: DEADLINES_S.get(kind, DEADLINES_S[command.retry_class.value]) for kind, command in KINDS.items()
    }
    assert {command.retry_class.value: command.retry_class.max_requests for command in KINDS.values()} == {
        "A": 3,
        "B": 1,
        "C": 1,
        "D": 1,
    }


def test_signals_when_named_by_commands_then_they_exist():
    assert {command.signal for command in KINDS.values()} - {None} <= set(SIGNALS)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("kind", "field"),
    [("set_charge_limit", "limit_percent"), ("set_temperature", "temperature_c"), ("start_engine", "duration_min")],
)
def test_number_when_it_is_none_then_it_is_refused(kind, field, value):
    assert complaint(kind, **{field: value}) == (field, "not_a_number")


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        ("set_charge_limit", {"limit_percent": 50}, None),
        ("set_charge_limit", {"limit_percent": 100}, None),
        ("set_charge_limit", {"limit_percent": 49}, ("limit_percent", "out_of_range")),
        ("set_charge_limit", {"limit_percent": 101}, ("limit_percent", "out_of_range")),
        ("set_charge_limit", {"limit_percent": -0}, ("limit_percent", "out_of_range")),
        ("set_charge_limit", {"limit_percent": 10**400}, ("limit_percent", "out_of_range")),
        ("set_charge_limit", {"limit_percent": math.inf}, ("limit_percent", "out_of_range")),
        ("set_charge_limit", {"limit_percent": 80.5}, ("limit_percent", "not_a_step")),
        ("set_charge_limit", {"limit_percent": None}, ("limit_percent", "missing")),
        ("set_charge_limit", {}, ("limit_percent", "missing")),
        ("set_temperature", {"temperature_c": 15.0}, None),
        ("set_temperature", {"temperature_c": 28}, None),
        ("set_temperature", {"temperature_c": 21.5}, None),
        ("set_temperature", {"temperature_c": 21.3}, ("temperature_c", "not_a_step")),
        ("set_temperature", {"temperature_c": 70}, ("temperature_c", "out_of_range")),
        ("set_temperature", {"temperature_c": -math.inf}, ("temperature_c", "out_of_range")),
        ("start_climate", {}, None),
        ("start_climate", {"temperature_c": None}, None),
        ("start_climate", {"temperature_c": 14.5}, ("temperature_c", "out_of_range")),
        ("start_engine", {"duration_min": 0}, ("duration_min", "out_of_range")),
        ("start_engine", {"duration_min": 16}, ("duration_min", "out_of_range")),
        ("send_destination", {"latitude": 90, "longitude": -180}, None),
        ("send_destination", {"latitude": 91, "longitude": 0}, ("latitude", "out_of_range")),
        ("send_destination", {"latitude": 0, "longitude": -181}, ("longitude", "out_of_range")),
        ("send_destination", {"latitude": "52", "longitude": 0}, ("latitude", "not_a_number")),
        ("send_destination", {"latitude": 0}, ("longitude", "missing")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "x" * 100}, None),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "x" * 101}, ("label", "too_long")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "a\nb"}, ("label", "control_characters")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "a\x00"}, ("label", "control_characters")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "\ud83d"}, ("label", "control_characters")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": ["x"]}, ("label", "too_long")),
        ("send_destination", {"latitude": 0, "longitude": 0, "label": "Łódź 東京 🚗"}, None),
        ("lock", {"state": "confirmed"}, ("state", "unknown_parameter")),
        ("unlock", {"pin": "1234"}, ("pin", "unknown_parameter")),
        ("UNLOCK", {}, ("kind", "unknown_command")),
        ("unlock ", {}, ("kind", "unknown_command")),
        ("", {}, ("kind", "unknown_command")),
    ],
    ids=str,
)
def test_command_when_it_is_made_then_it_is_well_formed_or_refused_at_its_field(kind, parameters, expected):
    assert complaint(kind, **parameters) == expected


@pytest.mark.parametrize("pin", NO_PINS, ids=repr)
@pytest.mark.parametrize("kind", ["set_pin", "enable_valet"])
def test_pin_when_it_is_not_four_digits_then_it_is_refused_without_being_repeated(kind, pin):
    with pytest.raises(InvalidParameter) as refusal:
        make_command(kind, {"pin": pin})

    assert (refusal.value.field, refusal.value.code) == ("pin", "missing" if pin is None else "not_four_digits")
    assert str(refusal.value) == f"pin: {refusal.value.code}"


def test_secrets_when_a_command_is_shown_or_stored_then_they_are_not_in_it():
    order = SetPin("4711")

    assert (order.parameters(), order.secret_parameters()) == ({}, {"pin": "4711"})
    assert "4711" not in repr(order) + repr(EnableValet("4711"))


def test_range_when_a_car_counts_its_steps_from_its_own_least_value_then_those_are_taken():
    narrowed = Number(52, 92, 5, "%")

    narrowed.check("limit_percent", 57)
    with pytest.raises(InvalidParameter, match="not_a_step"):
        narrowed.check("limit_percent", 55)


@pytest.mark.parametrize(
    ("kind", "parameters", "value", "proved"),
    [
        ("lock", {}, True, True),
        ("lock", {}, False, False),
        ("lock", {}, None, None),
        ("unlock", {}, False, True),
        ("start_charge", {}, "charging", True),
        ("start_charge", {}, "complete", True),
        ("start_charge", {}, "starting", None),
        ("start_charge", {}, "connected", False),
        ("stop_charge", {}, "stopped", True),
        ("stop_charge", {}, "disconnected", True),
        ("stop_charge", {}, "charging", False),
        ("set_charge_limit", {"limit_percent": 80}, 80.0, True),
        ("set_charge_limit", {"limit_percent": 80}, 79, False),
        ("set_temperature", {"temperature_c": 21.0}, 21.1, True),  # 70 °F
        ("set_temperature", {"temperature_c": 21.0}, 21.5, False),
        ("honk_horn", {}, True, None),
    ],
    ids=str,
)
def test_reading_when_compared_with_a_command_then_it_proves_contradicts_or_says_nothing(
    kind, parameters, value, proved
):
    assert make_command(kind, parameters).is_proved_by(value) is proved
