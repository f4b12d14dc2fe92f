"""What people are told: what is left and until when, what a press or a job costs, and what a change leaves behind."""

import uuid
from decimal import Decimal
from math import inf

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.budgets.models import Budget
from fleet.budgets.services import Cost, budget_lines, calls_for, cost_of, remove_budget, save_budget
from fleet.events.models import Event
from tests.fleet.budgets.conftest import let_pass
from tests.fleet.budgets.rows import make_budget


def left_of(lines):
    return [(line.budget.resource, line.used, line.left, line.left_ours) for line in lines]


def test_lines_when_some_is_used_then_they_tell_what_is_left_and_when_it_refills(app, database, take):
    make_budget(app, 120, window_s=3600, reserve=20)
    before = timezone.now()
    take(30)
    let_pass(database, 20)
    take(75, urgent=True)

    (line,) = budget_lines([app.id])

    assert left_of([line]) == [("calls", 105, 15, 0)]
    assert (line.next_at - before).total_seconds() == pytest.approx(41 * 60, abs=122)
    assert (line.full_at - before).total_seconds() == pytest.approx(61 * 60, abs=122)
    assert not line.is_used_up


def test_lines_when_a_budget_is_per_car_then_the_tightest_of_the_given_cars_shows(app, take):
    make_budget(app, 5, per="car")
    mine, also_mine, foreign = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for lane, n in ((mine, 1), (also_mine, 2), (foreign, 5)):
        take(n, lane=lane)

    assert left_of(budget_lines([app.id], lane_ids=[mine, also_mine])) == [("calls", 2, 3, 3)]
    assert left_of(budget_lines([app.id], lane_ids=[mine])) == [("calls", 1, 4, 4)]
    assert left_of(budget_lines([app.id])) == [("calls", 0, 5, 5)]


def test_lines_when_there_are_many_budgets_then_two_queries_bring_them(app, take):
    for number in range(1, 9):
        make_budget(app, 5, window_s=60 * number)
    take()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        lines = budget_lines([app.id])

    assert (len(lines), len(queries)) == (8, 2)


@pytest.mark.parametrize(
    ("kind", "stale", "asleep", "can_poll", "expected"),
    [
        ("lock", 0, 0, False, 20),
        ("lock", 4, 0, True, 24),
        ("honk_horn", 0, 0, True, 20),
        ("honk_horn", 0, 0, False, 10),
        ("unlock", 10, 3, True, 36),
    ],
)
def test_calls_when_counted_then_send_proof_old_state_and_wakes_are_in(kind, stale, asleep, can_poll, expected):
    assert calls_for(kind, count=10, has_stale_state=stale, asleep=asleep, can_poll=can_poll) == expected


def test_cost_when_nothing_is_limited_then_only_the_calls_are_told(app):
    assert cost_of("lock", count=10, app_id=app.id, has_stale_state=2) == Cost(22, 0, None, "", None, None, 0.0, 10)


def test_cost_when_the_quota_does_not_carry_it_then_what_is_carried_and_how_long_are_told(app, take):
    make_budget(app, 120, window_s=86_400, unit_price=Decimal("0.002"), currency="USD")
    make_budget(app, 2, window_s=60)
    make_budget(app, 50, window_s=3600, resource="commands", unit_price=Decimal("0.01"), currency="USD")

    cost = cost_of("lock", count=200, app_id=app.id, has_stale_state=0, deadline_s=1800)

    assert (cost.calls, cost.left, cost.left_after, cost.money, cost.currency) == (
        400,
        120,
        0,
        Decimal("2.800"),
        "USD",
    )
    assert cost.carried == pytest.approx(1800 / 61.5, abs=1.5)
    assert cost.seconds_by_budget > 86_400


def test_cost_when_a_person_presses_then_the_reserve_counts(app, take):
    make_budget(app, 10, reserve=4)
    take(6)

    ours = cost_of("lock", count=1, app_id=app.id, has_stale_state=0)
    press = cost_of("lock", count=1, app_id=app.id, has_stale_state=0, is_urgent=True)

    assert (ours.left, ours.carried, ours.seconds_by_budget > 3000) == (0, 1, True)
    assert (press.left, press.left_after, press.seconds_by_budget) == (4, 2, 0.0)


def test_cost_when_all_is_reserved_then_a_job_is_never_carried(app):
    make_budget(app, 10, reserve=10)

    assert cost_of("lock", count=3, app_id=app.id, has_stale_state=0).seconds_by_budget == inf


def test_budget_when_set_again_then_it_is_changed_and_the_log_says_by_whom(app, take):
    wanted = {"app_id": app.id, "resource": "calls", "window_s": 3600, "actor": "system:test"}
    first = save_budget(limit=10, **wanted)
    take(4)
    second = save_budget(limit=20, reserve=5, **wanted)

    assert (first.id, Budget.objects.count()) == (second.id, 1)
    assert left_of(budget_lines([app.id])) == [("calls", 4, 16, 11)]
    remove_budget(budget=second, actor="system:test")
    assert take(1_000) is None
    assert list(Event.objects.order_by("id").values_list("kind", "actor", "data__limit")) == [
        ("budget.changed", "system:test", 10),
        ("budget.changed", "system:test", 20),
        ("budget.removed", "system:test", 20),
    ]
