"""Each kind of rule against the car: broken, kept, or not known; pure, so every time and place can be tried."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from commands.rules.values import (
    EVERY_DAY,
    VALUES,
    Area,
    ChargeFloor,
    Facts,
    Guest,
    Hours,
    InvalidValues,
    Moving,
    distance_km,
    read_values,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
WORKDAYS = (0, 1, 2, 3, 4)


def facts(*, at=NOW, zone=BERLIN, guest_until=None, may_look=False, age_min=1.0, **signals):
    """What is known of a car: signals said a minute ago, or as many minutes ago as a pair (value, minutes) says."""
    readings = {}
    for name, said in signals.items():
        value, minutes = said if isinstance(said, tuple) else (said, age_min)
        readings[name] = (value, at - timedelta(minutes=minutes))
    return Facts(readings, at, zone, guest_until, may_look)


# Moving --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signals", "is_broken"),
    [
        ({"in_motion": True}, True),
        ({"in_motion": False}, False),
        ({}, None),
        ({"in_motion": (False, 6)}, None),
        ({"in_motion": (True, 6)}, None),
        ({"in_motion": (False, 4.9)}, False),
        ({"online_state": "asleep"}, False),
        ({"online_state": "asleep", "in_motion": (True, 300)}, False),
        ({"online_state": ("asleep", 11)}, None),
        ({"online_state": "online"}, None),
        ({"online_state": "offline"}, None),
        ({"plugged_in": True}, False),
        ({"plugged_in": False}, None),
        ({"plugged_in": (True, 11)}, None),
        ({"in_motion": False, "engine_running": True}, False),
    ],
)
def test_moving_when_the_car_says_so_then_it_is_broken_and_silence_is_not_known(signals, is_broken):
    assert Moving().is_broken(facts(**signals)) is is_broken


@pytest.mark.parametrize(
    ("signals", "is_broken"),
    [
        ({"in_motion": False, "engine_running": True}, True),
        ({"in_motion": False, "engine_running": False}, False),
        ({"in_motion": False}, False),
        ({"in_motion": False, "engine_running": (True, 30)}, None),
        ({"in_motion": True, "engine_running": (False, 30)}, True),
        ({"engine_running": True}, True),
        ({"engine_running": False}, None),
        ({"online_state": "asleep", "engine_running": (True, 300)}, False),
    ],
)
def test_moving_when_the_engine_counts_too_then_a_running_one_breaks_it(signals, is_broken):
    assert Moving(with_engine=True).is_broken(facts(**signals)) is is_broken


@pytest.mark.parametrize(("signals", "is_broken"), [({"in_motion": (False, 60)}, False), ({}, None)])
def test_moving_when_the_car_will_be_looked_at_then_old_news_are_no_reason_but_silence_is(signals, is_broken):
    assert Moving().is_broken(facts(may_look=True, **signals)) is is_broken


# Hours ---------------------------------------------------------------------------------------------------------------


def at_berlin(text, *, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [
        ("2026-11-23 05:59:59", True),  # a Monday
        ("2026-11-23 06:00:00", False),
        ("2026-11-23 19:59:59", False),
        ("2026-11-23 20:00:00", True),
        ("2026-11-27 12:00:00", False),
        ("2026-11-28 12:00:00", True),  # a Saturday
    ],
)
def test_hours_when_it_is_outside_of_them_then_they_are_broken(text, is_broken):
    hours = Hours(WORKDAYS, time(6), time(20))

    assert hours.is_broken(facts(at=at_berlin(text))) is is_broken


@pytest.mark.parametrize(
    ("text", "is_broken"),
    [
        ("2026-11-27 21:59:00", True),  # Friday
        ("2026-11-27 22:00:00", False),
        ("2026-11-28 05:59:00", False),  # Saturday morning belongs to Friday night
        ("2026-11-28 06:00:00", True),
        ("2026-11-28 23:00:00", True),
        ("2026-11-23 03:00:00", True),  # Monday morning belongs to Sunday night
    ],
)
def test_hours_when_they_pass_midnight_then_the_morning_belongs_to_the_day_before(text, is_broken):
    hours = Hours(WORKDAYS, time(22), time(6))

    assert hours.is_broken(facts(at=at_berlin(text))) is is_broken


@pytest.mark.parametrize(("text", "is_broken"), [("2026-11-23 00:00", False), ("2026-11-28 23:59", True)])
def test_hours_when_start_and_end_are_alike_then_they_are_the_whole_day(text, is_broken):
    assert Hours(WORKDAYS, time(0), time(0)).is_broken(facts(at=at_berlin(text))) is is_broken


# In Berlin the clocks went from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
@pytest.mark.parametrize(
    ("utc", "is_broken"),
    [
        ("2026-03-29 00:59", True),  # 01:59
        ("2026-03-29 01:00", False),  # 03:00
        ("2026-03-29 01:59", False),  # 03:59
        ("2026-03-29 02:00", True),  # 04:00
        ("2026-03-30 01:00", False),  # 03:00 the day after
    ],
)
def test_hours_when_an_hour_is_skipped_then_the_clock_on_the_wall_counts(utc, is_broken):
    hours = Hours(EVERY_DAY, time(2, 30), time(4))

    assert hours.is_broken(facts(at=datetime.fromisoformat(utc).replace(tzinfo=UTC))) is is_broken


@pytest.mark.parametrize(
    ("utc", "is_broken"),
    [
        ("2026-10-24 23:59", True),  # 01:59
        ("2026-10-25 00:00", False),  # 02:00, summer
        ("2026-10-25 00:59", False),
        ("2026-10-25 01:00", False),  # 02:00 again, winter
        ("2026-10-25 01:59", False),
        ("2026-10-25 02:00", True),  # 03:00
    ],
)
def test_hours_when_an_hour_comes_twice_then_it_counts_twice(utc, is_broken):
    hours = Hours((6,), time(2), time(3))

    assert hours.is_broken(facts(at=datetime.fromisoformat(utc).replace(tzinfo=UTC))) is is_broken


def test_hours_when_the_same_moment_is_asked_in_two_zones_then_each_has_its_own_day():
    sunday_evening_in_new_york = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    hours = Hours((0,), time(0), time(20))

    judged = {
        name: hours.is_broken(facts(at=sunday_evening_in_new_york, zone=ZoneInfo(name)))
        for name in ("America/New_York", "Europe/Berlin", "Asia/Kolkata")
    }

    assert judged == {"America/New_York": True, "Europe/Berlin": False, "Asia/Kolkata": False}


def test_hours_when_the_zone_is_not_known_then_nobody_knows():
    assert Hours(EVERY_DAY, time(6), time(20)).is_broken(facts(zone=None)) is None


# Area ----------------------------------------------------------------------------------------------------------------

DEPOT = {"latitude": 52.52, "longitude": 13.405}
NEAR = {"latitude": 52.53, "longitude": 13.405}  # 1.1 km to the north
FAR = {"latitude": 52.60, "longitude": 13.405}  # 8.9 km


@pytest.mark.parametrize(
    ("is_inside", "signals", "is_broken"),
    [
        (True, {"location": NEAR}, False),
        (True, {"location": FAR}, True),
        (False, {"location": NEAR}, True),
        (False, {"location": FAR}, False),
        (True, {}, None),
        (True, {"location": (NEAR, 16)}, None),
        (False, {"location": (FAR, 16)}, None),
        (True, {"location": (NEAR, 600), "online_state": "asleep"}, False),
        (True, {"location": (FAR, 600), "online_state": "asleep"}, True),
        (True, {"online_state": "asleep"}, None),
    ],
)
def test_area_when_the_car_is_somewhere_then_the_circle_decides(is_inside, signals, is_broken):
    area = Area(**DEPOT, radius_km=2, is_inside=is_inside, name="Depot")

    assert area.is_broken(facts(**signals)) is is_broken


def test_area_when_it_is_printed_then_it_shows_no_place():
    assert repr(Area(**DEPOT, radius_km=2, is_inside=True, name="Depot")) == (
        "Area(radius_km=2, is_inside=True, name='Depot')"
    )


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        ((0, 0), (0, 0), 0),
        ((0, 179.9), (0, -179.9), 22.2),
        ((89.9, 0), (89.9, 180), 22.2),
        ((0, 0), (0, 180), 20015.1),
        ((52.52, 13.405), (48.8566, 2.3522), 877.5),
    ],
)
def test_distance_when_two_places_are_given_then_it_is_the_way_along_the_surface(one, other, km):
    assert distance_km(*one, *other) == pytest.approx(km, abs=0.1)


# Charge and guest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signals", "is_broken"),
    [
        ({"soc_percent": 19.9}, True),
        ({"soc_percent": 20}, False),
        ({"soc_percent": (10, 61)}, None),
        ({"soc_percent": (10, 600), "online_state": "asleep"}, True),
        ({}, None),
    ],
)
def test_charge_floor_when_the_battery_holds_less_then_it_is_broken(signals, is_broken):
    assert ChargeFloor(20).is_broken(facts(**signals)) is is_broken


@pytest.mark.parametrize(
    ("guest_until", "is_broken"),
    [(None, False), (NOW, False), (NOW + timedelta(seconds=1), True), (NOW - timedelta(days=1), False)],
)
def test_guest_when_one_has_the_car_then_it_is_broken(guest_until, is_broken):
    assert Guest().is_broken(facts(guest_until=guest_until)) is is_broken


# Stored --------------------------------------------------------------------------------------------------------------

GOOD = [
    Moving(),
    Moving(with_engine=True),
    Hours(WORKDAYS, time(6), time(20, 30)),
    Area(**DEPOT, radius_km=0.5, is_inside=False, name="Depot"),
    ChargeFloor(20),
    Guest(),
]


@pytest.mark.parametrize("values", GOOD, ids=lambda values: type(values).__name__)
def test_values_when_stored_and_read_then_they_are_the_same(values):
    kind = next(kind for kind, made in VALUES.items() if isinstance(values, made))

    assert read_values(kind, values.to_json()) == values


BAD = [
    ("moving", {"with_engine": 1}),
    ("moving", {"speed": 5}),
    ("hours", {}),
    ("hours", {"weekdays": [], "starts": "06:00", "ends": "20:00"}),
    ("hours", {"weekdays": [7], "starts": "06:00", "ends": "20:00"}),
    ("hours", {"weekdays": [1, 0], "starts": "06:00", "ends": "20:00"}),
    ("hours", {"weekdays": [0], "starts": "25:00", "ends": "20:00"}),
    ("hours", {"weekdays": [0], "starts": None, "ends": "20:00"}),
    ("area", {**DEPOT, "radius_km": 0, "is_inside": True, "name": "Depot"}),
    ("area", {**DEPOT, "latitude": 91, "radius_km": 1, "is_inside": True, "name": "Depot"}),
    ("area", {**DEPOT, "longitude": float("nan"), "radius_km": 1, "is_inside": True, "name": "Depot"}),
    ("area", {**DEPOT, "radius_km": 1, "is_inside": "yes", "name": "Depot"}),
    ("area", {**DEPOT, "radius_km": 1, "is_inside": True, "name": ""}),
    ("charge_floor", {"percent": 0}),
    ("charge_floor", {"percent": 20.5}),
    ("charge_floor", {"percent": True}),
    ("guest", {"name": "x"}),
    ("nonsense", {}),
]


@pytest.mark.parametrize(("kind", "stored"), BAD, ids=lambda value: str(value)[:50])
def test_values_when_they_make_no_sense_then_they_are_refused(kind, stored):
    with pytest.raises(InvalidValues):
        read_values(kind, stored)
