"""Forecasts must come true: a job at a maker with quotas goes as it was foretold."""

from collections import deque
from math import inf

import pytest

from fleet.budgets.foresight import Forecast, Plan, foresee
from fleet.budgets.rings import Ring, make_ring, width_s

AT = 1_800_000_000.0
MONTH = 30 * 86_400


def empty(cap: int, window_s: int) -> Ring:
    return make_ring(cap=cap, window_s=window_s)


@pytest.mark.parametrize(
    ("calls", "commands", "plan", "expected"),
    [
        ([], [], Plan(200), Forecast(200, 400, 0.0, 0.0)),
        ([], [], Plan(200, stale=50, waking=20, looks=0), Forecast(200, 270, 0.0, 0.0)),
        ([empty(400, 60)], [], Plan(200), Forecast(200, 400, 0.0, 0.0)),
        ([empty(0, 60)], [], Plan(1), Forecast(0, 0, 0.0, 0.0)),
        ([], [empty(0, 60)], Plan(1), Forecast(0, 0, 0.0, 0.0)),
        ([empty(10, 60)], [], Plan(0), Forecast(0, 0, 0.0, 0.0)),
        # Nothing is left for the look, which a job would keep free and a person does not wait for.
        ([empty(1, MONTH)], [], Plan(1), Forecast(0, 0, 0.0, 0.0)),
        ([empty(1, MONTH)], [], Plan(1, is_urgent=True), Forecast(1, 1, 0.0, 0.0)),
    ],
)
def test_forecast_when_budgets_are_wide_or_closed_then_at_once_or_never(calls, commands, plan, expected):
    assert foresee(plan, calls=calls, commands=commands, at=AT, deadline_s=3600) == expected


def test_forecast_when_the_minute_is_wide_and_the_total_binds_then_all_go_in_the_first_minute():
    """60 sends, for which 60 looks are kept free; they come in the second minute. Seen so with 200 cars."""
    plan = Plan(200, fresh_s=60, settle_s=30)

    forecast = foresee(plan, calls=[empty(120, MONTH), empty(60, 60)], at=AT, deadline_s=1200)

    assert (forecast.carried, forecast.calls, forecast.sent_s) == (60, 120, 0.0)
    assert forecast.proved_s == pytest.approx(61.5, abs=1.1)


def test_forecast_when_two_a_minute_bind_then_a_look_leaves_no_room_for_the_next():
    """Two at once while their states are known; then each is looked at, sent, and looked at in the minute after."""
    plan = Plan(200, fresh_s=60, settle_s=30)

    forecast = foresee(plan, calls=[empty(120, MONTH), empty(2, 60)], at=AT, deadline_s=1200)

    assert forecast.carried == 2 + 1 + int((1200 - 2 * 61.5) / (2 * 61.5))
    assert 1200 - 2 * 62 <= forecast.sent_s <= 1200
    assert forecast.proved_s == pytest.approx(forecast.sent_s + 61.5, abs=1.1)


def test_forecast_when_a_day_binds_then_the_rest_goes_on_the_next():
    day = [empty(120, 86_400)]

    hour = foresee(Plan(200), calls=day, at=AT, deadline_s=3600)
    whole = foresee(Plan(200), calls=day, at=AT)

    assert hour == Forecast(60, 120, 0.0, 0.0)
    assert (whole.carried, whole.calls) == (200, 400)
    assert whole.sent_s == pytest.approx(3 * 86_400, rel=0.03)


def test_forecast_when_commands_are_counted_too_then_they_bound_it():
    forecast = foresee(Plan(40), calls=[empty(100, 60)], commands=[empty(10, 60)], at=AT)

    assert forecast.carried == 40
    assert forecast.sent_s == pytest.approx(3 * 61.5, rel=0.03)


@pytest.mark.parametrize("window_s", [1, 7, 60, 3600, 86_400])
@pytest.mark.parametrize("at", [AT, AT + 0.37, 1_767_225_600.0])
def test_forecast_when_sent_as_told_then_the_ring_of_the_database_would_grant_each(window_s, at):
    """One call after the other, each as soon as the ring has room: the same end as the forecast."""
    cap, total = 7, 40
    width, slots, now = width_s(window_s), deque(), at
    for _ in range(total):
        while len(slots) == cap:
            oldest = slots[0]
            now = max(now, (oldest + 61) * width + 1e-6)
            if int(now / width) - 61 >= oldest:
                slots.popleft()
        slots.append(int(now / width))

    forecast = foresee(Plan(total, looks=0), calls=[empty(cap, window_s)], at=at, deadline_s=inf)

    assert (forecast.carried, forecast.calls) == (total, total)
    assert forecast.sent_s == pytest.approx(now - at, abs=width + 0.001)


def test_forecast_when_ten_thousand_cars_share_a_small_budget_then_it_ends():
    forecast = foresee(Plan(10_000, stale=10_000), calls=[empty(3, 1)], at=AT)

    assert (forecast.carried, forecast.calls) == (10_000, 30_000)
    assert 10_000 * 1.1 <= forecast.sent_s <= 20_000 * 1.15
