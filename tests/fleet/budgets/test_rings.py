"""The ring in plain Python: it must say what the database does."""

import pytest

from fleet.budgets.models import BudgetUse
from fleet.budgets.rings import make_ring, width_s
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
