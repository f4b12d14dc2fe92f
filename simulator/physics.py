"""How a car changes with time: driving, charging, cabin, 12 V, sleep. Computed when looked at, never by a tick."""

import itertools
import math
from datetime import UTC, datetime

from simulator.cars import Car
from simulator.signals import read_signals

IDLE_BEFORE_SLEEP_S = 900.0
SHORTEST_STEP_S = 0.2
LONGEST_CATCH_UP_S = 7 * 86_400.0
AC_EFFICIENCY = 0.9
TANK_L = 48.0

# Share of peak DC power by state of charge: medians of 111 measured curves (chargeprice/open-ev-data).
_DC_CURVE = ((0, 0.9), (10, 0.96), (30, 0.97), (50, 0.85), (60, 0.70), (70, 0.56), (80, 0.48), (90, 0.30), (100, 0.11))
_LOOP_RADIUS_M = 3200.0
_METRES_PER_DEGREE = 111_320.0


def advance(car: Car, *, now: float, speed: float) -> None:
    """Bring the car from when it was last looked at to `now`; `speed` multiplies time."""
    elapsed_s = (now - car.advanced_at) * speed
    if elapsed_s < SHORTEST_STEP_S:
        return
    left_s = min(elapsed_s, LONGEST_CATCH_UP_S)
    longest_step_s = max(15.0, left_s / 2000)
    while left_s > 0:
        step_s = min(left_s, _choose_step_s(car, longest_step_s))
        left_s -= step_s
        _step(car, step_s, at=now - left_s / speed)
    car.advanced_at = now


def charge_power_at(car: Car, soc_percent: float) -> float:
    """Power in kW that this car takes from its present charger at that state of charge."""
    if car.charger_is_dc and car.max_dc_kw > 0:
        return min(car.charger_kw, car.max_dc_kw * _interpolate(_DC_CURVE, soc_percent))
    power_kw = min(car.charger_kw, car.max_ac_kw)
    # AC is flat until about 95 %; then the battery, not the on-board charger, sets the pace.
    return power_kw if soc_percent <= 95 else power_kw * (1 - 0.14 * (soc_percent - 95))


def start_charging(car: Car) -> None:
    if car.soc_percent >= car.charge_limit_percent:
        car.charging_state, car.charge_power_kw = "complete", 0.0
    else:
        car.charging_state = "charging"
        car.charge_power_kw = charge_power_at(car, car.soc_percent)


def stop_charging(car: Car, *, state: str) -> None:
    car.charging_state, car.charge_power_kw = state, 0.0


def fall_asleep(car: Car, *, at: float) -> None:
    """Put it to sleep; its cloud keeps what it knew at that moment."""
    car.online = "asleep"
    car.wakes_at = None
    car.last_known = read_signals(car)
    car.last_known_at = at


def outside_temperature_c(at: float, latitude: float) -> float:
    """A plain climate: warmer in July and at three in the afternoon, colder towards the pole."""
    moment = datetime.fromtimestamp(at, UTC)
    season = -math.cos((moment.timetuple().tm_yday - 20) / 365 * math.tau)
    hour = moment.hour + moment.minute / 60
    return 10.5 + 9.5 * season + 4.0 * math.sin((hour - 9) / 24 * math.tau) - 0.4 * (latitude - 50)


def _choose_step_s(car: Car, longest_step_s: float) -> float:
    """The longest step over which rates stay about the same and nothing switches."""
    step_s = math.inf
    if car.in_motion:
        step_s = longest_step_s
    if car.charging_state == "charging":
        step_s = min(step_s, _time_to_next_percent_s(car))
    if car.climate_on:
        step_s = min(step_s, max(car.climate_left_s, 0.01), max(60.0, longest_step_s))
    if car.engine_running and not car.in_motion:
        step_s = min(step_s, max(car.engine_left_s, 0.01))
    if car.online == "online" and not car.is_busy_with_itself:
        step_s = min(step_s, max(IDLE_BEFORE_SLEEP_S - car.idle_s, 0.01))
    return step_s


def _time_to_next_percent_s(car: Car) -> float:
    target = min(car.charge_limit_percent, math.floor(car.soc_percent) + 1)
    return max((target - car.soc_percent) / _soc_per_second(car), 0.01)


def _soc_per_second(car: Car) -> float:
    power_kw = charge_power_at(car, car.soc_percent)
    stored_kw = power_kw if car.charger_is_dc else power_kw * AC_EFFICIENCY
    return max(stored_kw / 3600 / car.battery_kwh * 100, 1e-6)


def _step(car: Car, step_s: float, *, at: float) -> None:
    if car.in_motion:
        _step_driving(car, step_s)
    if car.charging_state == "charging":
        _step_charging(car, step_s)
    _step_cabin(car, step_s, at=at)
    _step_engine(car, step_s)
    _step_12v(car, step_s)
    if car.drives_all_day and not car.in_motion and car.charging_state == "complete":
        _set_off(car)
    if car.is_busy_with_itself:
        car.idle_s = 0.0
    else:
        car.idle_s += step_s
        if car.online == "online" and car.idle_s >= IDLE_BEFORE_SLEEP_S - 0.001:
            fall_asleep(car, at=at)


def _step_driving(car: Car, step_s: float) -> None:
    position = car.loop_m
    car.speed_kmh = max(9.0, 46 + 21 * math.sin(position / 640) + 12 * math.sin(position / 170))
    metres = car.speed_kmh / 3.6 * step_s
    car.loop_m = (position + metres) % (math.tau * _LOOP_RADIUS_M)
    car.odometer_km += metres / 1000
    _place_on_loop(car)
    for wheel, pressure in car.tyre_pressure_kpa.items():
        # Warm tyres settle about a tenth above the cold pressure of 250 kPa.
        car.tyre_pressure_kpa[wheel] = pressure + (min(275.0, max(pressure, 225.0) + 25) - pressure) * min(
            1.0, step_s / 9000
        )
    kilometres = metres / 1000
    if car.has_traction_battery and (car.soc_percent > 2 or not car.has_engine):
        cold = max(0.0, 15 - car.outside_temperature_c) * 0.0022
        car.soc_percent -= kilometres * (0.165 + cold) / car.battery_kwh * 100
    else:
        car.fuel_percent -= kilometres * (0.052 if car.powertrain == "HEV" else 0.066) / TANK_L * 100
    _rest_when_empty(car)


def _rest_when_empty(car: Car) -> None:
    """A car that drives all day charges or refuels in time; any other stops when there is nothing left."""
    if car.powertrain == "BEV" and car.soc_percent <= (12 if car.drives_all_day else 0):
        car.soc_percent = max(car.soc_percent, 0.0)
        car.in_motion, car.speed_kmh = False, 0.0
        if car.drives_all_day:
            car.plugged_in = car.charge_port_open = True
            car.charger_is_dc, car.charger_kw = True, 150.0
            start_charging(car)
    elif car.has_engine and car.fuel_percent <= (8 if car.drives_all_day else 0):
        car.fuel_percent = 100.0 if car.drives_all_day else 0.0
        if not car.drives_all_day:
            car.in_motion, car.speed_kmh, car.engine_running = False, 0.0, False


def _set_off(car: Car) -> None:
    car.plugged_in = car.charge_port_open = car.doors_open = car.trunk_open = car.frunk_open = False
    stop_charging(car, state="disconnected")
    car.in_motion, car.locked = True, True


def _place_on_loop(car: Car) -> None:
    """Put the car on a bent ring through its home and turn it the way it goes."""
    angle = car.loop_m / _LOOP_RADIUS_M
    east_m, north_m = _ring(angle)
    ahead_east_m, ahead_north_m = _ring(angle + 0.01)
    start_east_m, start_north_m = _ring(0.0)
    car.latitude = car.home_latitude + (north_m - start_north_m) / _METRES_PER_DEGREE
    shrink = math.cos(math.radians(car.home_latitude))
    car.longitude = car.home_longitude + (east_m - start_east_m) / (_METRES_PER_DEGREE * shrink)
    car.heading = math.degrees(math.atan2(ahead_east_m - east_m, ahead_north_m - north_m)) % 360


def _ring(angle: float) -> tuple[float, float]:
    radius = _LOOP_RADIUS_M * (1 + 0.18 * math.sin(2 * angle) + 0.07 * math.sin(5 * angle))
    return radius * math.cos(angle), radius * math.sin(angle)


def _step_charging(car: Car, step_s: float) -> None:
    car.soc_percent = min(car.soc_percent + _soc_per_second(car) * step_s, 100.0)
    if car.soc_percent >= car.charge_limit_percent - 0.001:
        car.soc_percent = max(car.soc_percent, min(car.charge_limit_percent, 100.0))
        stop_charging(car, state="complete")
    else:
        car.charge_power_kw = charge_power_at(car, car.soc_percent)


def _step_cabin(car: Car, step_s: float, *, at: float) -> None:
    if not car.outside_is_fixed:
        car.outside_temperature_c = outside_temperature_c(at, car.latitude)
    if car.climate_on:
        goal_c, settling_s = car.target_temperature_c, 360.0
        if car.has_traction_battery and not car.plugged_in and not car.in_motion:
            car.soc_percent = max(car.soc_percent - 1.8 * step_s / 3600 / car.battery_kwh * 100, 0.0)
        car.climate_left_s -= step_s
        if (car.climate_left_s <= 0.001 and not car.in_motion) or (car.powertrain == "BEV" and car.soc_percent < 5):
            car.climate_on = False
    else:
        goal_c, settling_s = (car.target_temperature_c, 600.0) if car.in_motion else (car.outside_temperature_c, 2400.0)
    car.cabin_temperature_c = goal_c + (car.cabin_temperature_c - goal_c) * math.exp(-step_s / settling_s)


def _step_engine(car: Car, step_s: float) -> None:
    if not car.engine_running or car.in_motion:
        return
    car.fuel_percent = max(car.fuel_percent - 0.8 * step_s / 3600 / TANK_L * 100, 0.0)
    car.engine_left_s -= step_s
    if car.engine_left_s <= 0.001 or car.fuel_percent <= 0:
        car.engine_running = False


def _step_12v(car: Car, step_s: float) -> None:
    if car.in_motion or car.engine_running or car.charging_state == "charging":
        car.battery_12v_v += (12.8 - car.battery_12v_v) * (1 - math.exp(-step_s / 2700))
        return
    volts_per_day = 0.02 if car.online == "asleep" else 0.35
    car.battery_12v_v = max(car.battery_12v_v - volts_per_day * step_s / 86_400, 0.0)


def _interpolate(curve: tuple[tuple[float, float], ...], at: float) -> float:
    for (left, left_value), (right, right_value) in itertools.pairwise(curve):
        if at <= right:
            return left_value + (right_value - left_value) * (at - left) / (right - left)
    return curve[-1][1]
