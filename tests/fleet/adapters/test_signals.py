"""Which values of a reading are believed. What is not believed is absent: never 0, never "off"."""

import math

import pytest

from fleet.adapters.signals import SIGNALS


@pytest.mark.parametrize(
    ("name", "value", "believed"),
    [
        ("soc_percent", 0, True),
        ("soc_percent", 100.0, True),
        ("soc_percent", 100.1, False),
        ("soc_percent", -1, False),
        ("soc_percent", math.nan, False),
        ("soc_percent", math.inf, False),
        ("soc_percent", 10**400, False),
        ("soc_percent", True, False),
        ("soc_percent", "68", False),
        ("soc_percent", None, False),
        ("battery_12v_v", 0, False),  # a maker's 0 for "no value"
        ("cabin_temperature_c", -40, True),
        ("locked", False, True),
        ("locked", 0, False),
        ("locked", "true", False),
        ("charging_state", "charging", True),
        ("charging_state", "exploding", False),
        ("charging_state", "\x00", False),
        ("charging_state", [], False),
        ("location", {"latitude": 52.5, "longitude": 13.4}, True),
        ("location", {"latitude": 52.5, "longitude": 13.4, "heading": None}, True),
        ("location", {"latitude": 52.5}, False),
        ("location", {"latitude": math.nan, "longitude": 0}, False),
        ("location", {"latitude": 91, "longitude": 0}, False),
        ("location", {"latitude": 0, "longitude": 0, "\x00": 1}, False),
        ("location", {"latitude": 0, "longitude": 0, "heading": math.inf}, False),
        ("location", [52.5, 13.4], False),
    ],
    ids=str,
)
def test_value_when_it_is_impossible_then_it_is_not_believed(name, value, believed):
    assert SIGNALS[name].is_plausible(value) is believed
