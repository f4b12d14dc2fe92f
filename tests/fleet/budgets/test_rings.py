"""The ring in plain Python: it must say what the database does, and forecasts must come true."""

from collections import deque
from math import inf

import pytest

from fleet.budgets.models import BudgetUse
from fleet.budgets.rings import Forecast, Ring, foresee, make_ring, width_s
from tests.fleet.budgets.rows import make_budget

AT = 1_800_000_000.0


def test_ring_when_the_database_filled_it_then_both_count_the_same(app, database, take):
    budget = make_budget(app, 50, window_s=600)
    take(7)
    take(5)
    use = BudgetUse.objects.get(budget=budget)

    ring = make_ring(cap=50, window_s=600, slots=use.slots, slot=use.slot)
    now = database.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0]

    assert (ring.used(now), ring.left(now)) == (12, 38)
    assert ring.width == database.execute("SELECT budget_width(600)").fetchone()[0]
    wait_s = take(39)
    assert ring.next_at(now) - now == pytest.approx(wait_s, abs=1)


def test_ring_when_time_passes_then_the_oldest_is_free_first():
    width = width_s(60)
    slot = int(AT / width)
    ring = make_ring(cap=10, window_s=60, slots=[2, 0, 3, *[0] * 58], slot=slot)

    assert (ring.used(AT), ring.left(AT)) == (5, 5)
    assert ring.next_at(AT) == (slot - 2 + 61) * width
    assert ring.full_at(AT) == (slot + 61) * width
    assert (ring.used(ring.next_at(AT) + 0.001), ring.used(ring.full_at(AT) + 0.001)) == (2, 0)


def empty(cap: int, window_s: int) -> Ring:
    return make_ring(cap=cap, window_s=window_s)


@pytest.mark.parametrize(
    ("calls", "commands", "count", "total_calls", "expected"),
    [
        ([], [], 200, 400, Forecast(0.0, 200)),
        ([empty(400, 60)], [], 200, 400, Forecast(0.0, 200)),
        ([empty(0, 60)], [], 1, 1, Forecast(inf, 0)),
        ([], [empty(0, 60)], 1, 1, Forecast(inf, 0)),
        ([empty(10, 60)], [], 0, 0, Forecast(0.0, 0)),
    ],
)
def test_forecast_when_budgets_are_wide_or_closed_then_at_once_or_never(calls, commands, count, total_calls, expected):
    assert foresee(calls=calls, commands=commands, count=count, total_calls=total_calls, at=AT) == expected


def test_forecast_when_two_a_minute_and_120_a_day_then_both_bound_it():
    budgets = [empty(2, 60), empty(120, 86_400)]

    hour = foresee(calls=budgets, count=200, total_calls=400, at=AT, deadline_s=3600)
    whole = foresee(calls=budgets, count=50, total_calls=100, at=AT)

    # Two calls, which is one command, a minute and a margin; 60 commands are the day's quota.
    assert hour.carried == pytest.approx(3600 / 61.5, abs=1.5)
    assert whole.carried == 50
    assert whole.seconds == pytest.approx(49 * 61.5, rel=0.02)
    assert 3 * 86_400 < hour.seconds < 4 * 86_400


def test_forecast_when_commands_are_counted_too_then_they_bound_it():
    forecast = foresee(calls=[empty(100, 60)], commands=[empty(10, 60)], count=40, total_calls=80, at=AT)

    assert forecast.carried == 40
    assert forecast.seconds == pytest.approx(3 * 61.5, rel=0.03)


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

    forecast = foresee(calls=[empty(cap, window_s)], count=total, total_calls=total, at=at)

    assert forecast.seconds == pytest.approx(now - at, abs=width + 0.001)


def test_forecast_when_ten_thousand_cars_share_a_small_budget_then_it_ends():
    forecast = foresee(calls=[empty(2, 1)], count=10_000, total_calls=30_000, at=AT)

    assert forecast.carried == 10_000
    assert forecast.seconds == pytest.approx(15_000 * 1.1, rel=0.03)
