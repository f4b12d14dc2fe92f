"""Cars that change with time: the laws as plain functions of a clock passed in, and once at high speed over HTTP."""

import math

import pytest

from simulator.cars import Car, Garage
from simulator.physics import advance, charge_power_at, start_charging
from simulator.signals import override_signals, read_signals
from tests.simulator.cloud import make_client_arguments, start_simulator, wait_until
from tests.simulator.conftest import CAR

START = 1_780_000_000.0
HOUR_S = 3600.0


def make_car(model: str = "ID.4", make: str = "Volkswagen", **signals: object) -> Car:
    car = Garage().create(account_id="a", brand_name=make, now=START, model=model, year=2023)
    override_signals(car, signals)
    return car


def after(car: Car, seconds: float) -> Car:
    advance(car, now=START + seconds, speed=1.0)
    return car


def test_charging_on_ac_when_an_hour_passes_then_as_many_kwh_as_the_charger_gives() -> None:
    car = after(make_car(charging_state="charging", soc_percent=30), HOUR_S)

    assert car.charge_power_kw == 11
    assert car.soc_percent == pytest.approx(30 + 11 * 0.9 / 77 * 100, abs=0.05)


def test_charging_when_the_limit_is_reached_then_complete_and_no_further() -> None:
    car = after(make_car(charging_state="charging", soc_percent=79, charge_limit_percent=80), 2 * HOUR_S)

    assert (car.charging_state, car.charge_power_kw, round(car.soc_percent, 3)) == ("complete", 0.0, 80)


def test_charging_when_nearly_full_then_the_power_falls() -> None:
    slow = make_car(charging_state="charging")
    fast = make_car(charging_state="charging", charger_is_dc=True, charger_kw=150)

    assert [round(charge_power_at(slow, soc), 1) for soc in (50, 95, 100)] == [11, 11, 3.3]
    assert [round(charge_power_at(fast, soc)) for soc in (20, 60, 80, 100)] == [121, 88, 60, 14]


def test_charging_when_the_car_takes_less_than_the_point_gives_then_the_car_decides() -> None:
    car = make_car("Niro PHEV", "Kia", charging_state="charging")

    assert charge_power_at(car, 50) == 3.3


def test_charging_when_looked_at_often_or_once_then_the_same() -> None:
    often, once = (make_car(charging_state="charging", soc_percent=20, outside_temperature_c=10) for _ in range(2))

    for minute in range(1, 61):
        after(often, minute * 60)
    after(once, HOUR_S)

    assert often.soc_percent == pytest.approx(once.soc_percent, abs=0.01)
    assert often.cabin_temperature_c == pytest.approx(once.cabin_temperature_c, abs=0.01)


def test_driving_when_an_hour_passes_then_odometer_place_and_battery_move_together() -> None:
    car = make_car(in_motion=True, soc_percent=80, odometer_km=1000, outside_temperature_c=15)
    place_before = (car.latitude, car.longitude)

    after(car, HOUR_S)

    kilometres = car.odometer_km - 1000
    assert 35 < kilometres < 60
    assert 80 - car.soc_percent == pytest.approx(kilometres * 0.165 / 77 * 100, rel=0.01)
    assert (car.latitude, car.longitude) != place_before
    assert math.dist((car.latitude, car.longitude), place_before) < 0.2
    assert 9 <= car.speed_kmh <= 80


def test_driving_when_it_goes_round_then_it_comes_back_to_where_it_began() -> None:
    car = make_car(in_motion=True, location={"latitude": 50.0, "longitude": 8.0})
    near = []

    for second in range(15, 3 * 3600, 15):
        after(car, second)
        near.append(math.dist((car.latitude, car.longitude), (50.0, 8.0)) < 0.003)

    left = near.index(False)
    assert True in near[left:]


def test_driving_when_the_battery_is_empty_then_it_stands_still() -> None:
    car = after(make_car(in_motion=True, soc_percent=1), 5 * HOUR_S)

    assert (car.in_motion, car.speed_kmh, car.soc_percent) == (False, 0.0, 0.0)


def test_driving_all_day_when_a_day_passes_then_it_charged_and_still_goes() -> None:
    car = after(make_car("Zoe", "Renault", in_motion=True, soc_percent=30, drives_all_day=True), 24 * HOUR_S)

    assert car.odometer_km > 12_400
    assert car.in_motion or car.charging_state == "charging"


def test_driving_on_petrol_when_an_hour_passes_then_the_tank_falls_and_no_battery_exists() -> None:
    car = after(make_car("Golf", in_motion=True, fuel_percent=50), HOUR_S)

    assert 41 < car.fuel_percent < 46
    assert read_signals(car)["engine_running"] is True
    assert "soc_percent" not in read_signals(car)


def test_cabin_when_climate_runs_then_towards_the_target_and_off_after_half_an_hour() -> None:
    car = make_car(
        climate_on=True, target_temperature_c=22, cabin_temperature_c=2, outside_temperature_c=2, soc_percent=60
    )

    warm = after(car, 20 * 60).cabin_temperature_c
    spent = 60 - car.soc_percent
    after(car, 4 * HOUR_S)

    assert 20.5 < warm < 22
    assert spent == pytest.approx(1.8 / 3 / 77 * 100, rel=0.02)
    assert car.climate_on is False
    assert 2 <= car.cabin_temperature_c < 3.5


def test_12v_when_parked_it_sinks_and_when_driving_it_is_charged() -> None:
    parked = after(make_car(battery_12v_v=12.6), 7 * 24 * HOUR_S)
    driving = after(make_car(battery_12v_v=12.0, in_motion=True), HOUR_S)

    assert 12.3 < parked.battery_12v_v < 12.55
    assert 12.5 < driving.battery_12v_v <= 12.8
    assert read_signals(driving)["battery_12v_v"] == 14.2


def test_sleep_when_idle_for_fifteen_minutes_then_asleep_with_the_values_of_that_moment() -> None:
    car = make_car(cabin_temperature_c=30, outside_temperature_c=5)

    awake = after(car, 14 * 60).online
    after(car, 3 * HOUR_S)

    assert (awake, car.online, car.last_known_at) == ("online", "asleep", START + 900)
    assert car.last_known is not None
    assert car.last_known["cabin_temperature_c"] > read_signals(car)["cabin_temperature_c"] + 5


@pytest.mark.parametrize(
    "signals", [{"charging_state": "charging", "soc_percent": 20}, {"in_motion": True}, {"doors_open": True}]
)
def test_sleep_when_something_goes_on_then_it_stays_awake(signals: dict) -> None:
    assert after(make_car(**signals), HOUR_S).online == "online"


def test_engine_when_its_minutes_are_over_then_it_stops() -> None:
    car = after(make_car("Golf", engine_running=True, fuel_percent=50), HOUR_S)

    assert (car.engine_running, car.fuel_percent < 50) == (False, True)


def test_charging_when_started_at_the_limit_then_complete() -> None:
    car = make_car(plugged_in=True, soc_percent=80)

    start_charging(car)

    assert car.charging_state == "complete"


def test_speed_when_two_thousand_then_a_charge_ends_while_one_watches() -> None:
    fast = start_simulator("--speed", "2000", *make_client_arguments())
    try:
        owner = fast.add_owner({**CAR, "state": {"charging_state": "charging", "soc_percent": 60}})
        became_complete = wait_until(lambda: owner.truth()["signals"]["charging_state"] == "complete", seconds=20)
    finally:
        code = fast.stop()

    assert (became_complete, code) == (True, 0)
