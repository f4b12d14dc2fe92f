"""VINs: the check digit against published examples, and that made ones are valid and unique."""

import pytest

from simulator.vin import compute_check_digit, is_valid_vin, make_vin


@pytest.mark.parametrize("vin", ["11111111111111111", "1M8GDM9AXKP042788", "5GZCZ43D13S812715"])
def test_check_digit_when_the_vin_is_a_published_example_then_it_matches(vin: str) -> None:
    assert compute_check_digit(vin) == vin[8]


@pytest.mark.parametrize("vin", ["1M8GDM9A1KP042788", "1M8GDM9AXKP04278", "IM8GDM9AXKP042788", "1m8gdm9axkp042788", ""])
def test_vin_when_malformed_then_not_valid(vin: str) -> None:
    assert not is_valid_vin(vin)


def test_made_vins_when_many_then_valid_unique_and_with_the_year() -> None:
    vins = [make_vin(wmi="WVW", model="ID.4", year=2023, serial=serial) for serial in range(995_000, 1_005_000)]

    assert all(is_valid_vin(vin) for vin in vins)
    assert len(set(vins)) == 10_000
    assert {vin[9] for vin in vins} == {"P"}


@pytest.mark.parametrize(("model", "letter"), [("Model Y", "Y"), ("Model 3", "3"), ("Cybertruck", "C")])
def test_made_vin_when_the_model_is_told_by_one_letter_then_it_stands_first(model: str, letter: str) -> None:
    assert make_vin(wmi="5YJ", model=model, year=2024, serial=1)[3] == letter
