"""When a car is looked at before a command is sent to it."""

import pytest

from commands.freshness import must_look_first


@pytest.mark.parametrize(
    ("retry_class", "facts", "looks"),
    [
        ("A", {"online_state": "online", "age_s": 59}, False),
        ("A", {"online_state": "asleep", "age_s": 59}, False),
        ("A", {"online_state": "online", "age_s": 61}, True),
        ("A", {"online_state": "online", "age_s": None}, True),
        ("A", {"online_state": "offline", "age_s": 1}, True),
        ("A", {"online_state": "unknown", "age_s": 1}, True),
        ("A", {"online_state": None, "age_s": 1}, True),
        ("A", {"online_state": "online", "age_s": 1, "attempts": 1}, True),
        ("A", {"online_state": "online", "age_s": 1, "check_first_s": 0}, True),
        ("B", {"online_state": "online", "age_s": 4}, False),
        ("B", {"online_state": "online", "age_s": 6}, True),
        ("D", {"online_state": "online", "age_s": 6}, True),
        ("C", {"online_state": "online", "age_s": 1, "check_first_s": 0}, True),
    ],
)
def test_look_when_the_state_is_so_old_and_the_command_so_harmful_then_it_is_due(retry_class, facts, looks):
    assert must_look_first(retry_class, **({"check_first_s": 60} | facts)) is looks
