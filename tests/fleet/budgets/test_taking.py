"""Taking from budgets in the database: never more than the limit in any window, whoever takes at once."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import inf

import psycopg
import pytest

from fleet.vehicles.models import ProviderApp
from tests.fleet.budgets.conftest import TAKE, Taker, let_pass, uses
from tests.fleet.budgets.rows import make_budget

Database = psycopg.Connection
SUB_WINDOWS = 61


def room(database: Database, app: ProviderApp, *, urgent: bool = False, resource: str = "calls") -> int | None:
    return database.execute("SELECT budget_room(%s, %s, %s)", [app.id, resource, urgent]).fetchone()[0]


def test_take_when_the_application_has_no_budget_then_all_is_granted_and_nothing_kept(app, database, take: Taker):
    assert (take(1_000_000), room(database, app), uses(database)) == (None, None, {})


def test_take_when_the_limit_is_reached_then_it_says_how_long_until_there_is_room(app, database, take: Taker):
    make_budget(app, 3, window_s=600)

    granted = [take() for _ in range(3)]
    wait_s = take()

    assert granted == [None, None, None]
    # The whole window and our margin, less and more the part of a sub-window that has passed.
    assert wait_s == pytest.approx(601 + 601 / 60 / 2, abs=601 / 60 / 2 + 1)
    assert (room(database, app), uses(database)) == (0, {app.id: 3})


def test_take_when_told_to_wait_then_there_is_room_after_so_long_and_not_before(app, database, take: Taker):
    budget = make_budget(app, 4, window_s=60)
    take(3)
    let_pass(database, 30)
    take()
    width = database.execute("SELECT budget_width(%s)", [budget.window_s]).fetchone()[0]

    refused, for_all = take(2), take(4)

    # Two fit once the three of half a window ago have gone, four once the last has gone too.
    assert refused == pytest.approx(31 * width, abs=width)
    assert for_all == pytest.approx(61 * width, abs=width)
    let_pass(database, 30)
    assert take(2) is not None
    let_pass(database, 1)
    assert take(3) is None
    assert take() is not None


def test_take_when_the_window_slides_then_no_window_ever_holds_more_than_the_limit(app, database, take: Taker):
    make_budget(app, 10)
    taken: list[int] = []  # the sub-window of each one granted
    for sub_window in range(200):
        # Bursts at odd places, the worst for a window that starts at a fixed time.
        taken.extend(sub_window for _ in range((sub_window * 7) % 4) if take() is None)
        let_pass(database, 1)

    assert len(taken) >= 30
    assert max(sum(start <= moment < start + SUB_WINDOWS for moment in taken) for start in taken) == 10


def test_take_when_there_is_a_reserve_then_only_a_persons_press_may_use_it(app, database, take: Taker):
    make_budget(app, 10, reserve=3)

    ours = [take() is None for _ in range(9)]

    assert ours == [True] * 7 + [False] * 2
    assert (room(database, app), room(database, app, urgent=True)) == (0, 3)
    assert [take(urgent=True) is None for _ in range(4)] == [True] * 3 + [False]


def test_take_when_it_asks_for_more_than_there_ever_is_then_it_would_wait_for_ever(app, take: Taker):
    make_budget(app, 10, reserve=4)

    assert (take(11, urgent=True), take(7), take(6)) == (inf, inf, None)


def test_take_when_one_of_several_budgets_is_used_up_then_none_is_charged(app, database, take: Taker):
    make_budget(app, 100, window_s=86_400)
    make_budget(app, 2, window_s=60)
    account, lane = uuid.uuid4(), uuid.uuid4()
    make_budget(app, 1, window_s=60, per="car")
    take(account=account, lane=lane)

    refused = take(account=account, lane=lane)

    assert refused is not None
    assert uses(database) == {app.id: 1, lane: 1}
    day = database.execute("SELECT budget_sum(slots) FROM budgets_budgetuse ORDER BY 1").fetchall()
    assert day == [(1,), (1,), (1,)]


def test_take_when_a_budget_is_per_login_or_car_then_each_has_its_own(app, database, take: Taker):
    make_budget(app, 1, per="account")
    first, second = uuid.uuid4(), uuid.uuid4()

    answers = [take(account=account) is None for account in (first, second, first)]

    assert answers == [True, True, False]
    # What concerns no login is not counted against one; the whole application has no budget here.
    assert (take(), room(database, app)) == (None, None)


def test_take_when_it_is_another_resource_then_it_has_its_own_budget(app, take: Taker):
    make_budget(app, 1, resource="wakes")

    assert [take(resource=resource) is None for resource in ("calls", "wakes", "commands", "wakes")] == [
        True,
        True,
        True,
        False,
    ]


def test_give_back_when_calls_were_not_made_then_they_can_be_taken_again(app, database, take: Taker):
    make_budget(app, 5)
    take(5)

    take(-2)

    assert (uses(database), take(2), take() is None) == ({app.id: 3}, None, False)


def test_give_back_when_it_is_more_than_was_taken_then_nothing_falls_below_zero(app, database, take: Taker):
    make_budget(app, 5)
    take(2)

    take(-9)

    assert (uses(database), room(database, app)) == ({app.id: 0}, 5)


def test_give_back_when_older_ones_are_counted_then_the_newer_stay_for_their_whole_window(app, database, take: Taker):
    make_budget(app, 5)
    take(2)
    let_pass(database, 60)
    take(3)

    take(-2)
    let_pass(database, 1)

    # Had the newest been given back, two more than the limit would fit into the window by now.
    assert room(database, app) == 2


def test_take_when_the_clock_is_set_back_then_what_was_taken_counts_for_one_window_more(app, database, take: Taker):
    make_budget(app, 5)
    take(5)
    let_pass(database, -1_000_000)

    refused = take()
    let_pass(database, SUB_WINDOWS)

    assert (refused is None, take(5)) == (False, None)


def test_budget_when_its_window_changes_then_what_was_used_stays_used(app, database, take: Taker):
    budget = make_budget(app, 5, window_s=86_400)
    take(4)

    budget.window_s = 60
    budget.save(update_fields=["window_s"])

    assert (room(database, app), uses(database)) == (1, {app.id: 4})
    let_pass(database, SUB_WINDOWS)
    assert room(database, app) == 5


def test_room_when_asked_then_nothing_is_written(app, database):
    make_budget(app, 5)

    with database.transaction():
        database.execute("SET TRANSACTION READ ONLY")
        assert room(database, app) == 5
    assert uses(database) == {}


def test_take_when_twenty_connections_take_at_once_then_exactly_the_limit_is_granted(app, database):
    make_budget(app, 120)
    make_budget(app, 1_000, window_s=86_400, per="account")
    make_budget(app, 1_000, window_s=86_400, per="car")
    accounts, lanes = [uuid.uuid4() for _ in range(5)], [uuid.uuid4() for _ in range(7)]

    def take_many(number: int) -> int:
        granted = 0
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            for i in range(15):
                # Several in one transaction, in another order for everyone: rows of logins and cars must not deadlock.
                with connection.transaction():
                    for j in range(2):
                        at = number * 31 + i * 7 + j * 13
                        parameters = [app.id, accounts[at % 5], lanes[at % 7], "calls", 1, False]
                        granted += connection.execute(TAKE, parameters).fetchone()[0] is None
        return granted

    with ThreadPoolExecutor(20) as pool:
        granted = list(pool.map(take_many, range(20)))

    assert sum(granted) == 120
    assert uses(database)[app.id] == 120


def test_take_when_refusals_are_followed_to_the_letter_then_waits_only_shrink(app, database, take: Taker):
    make_budget(app, 2, window_s=60)
    take(2)
    waits = []
    for _ in range(60):
        waits.append(take())
        let_pass(database, 1)

    assert all(later < earlier for earlier, later in pairwise(waits))
    assert waits[-1] <= 2 * 61 / 60


RENEW = "SELECT budget_renew(%s, %s, %s, 'calls', %s, false, %s)"


def renew(database: Database, app: ProviderApp, n: int = 1, *, age_s: float = 0.0) -> float | None:
    return database.execute(RENEW, [app.id, None, None, n, age_s]).fetchone()[0]


def test_renew_when_a_call_leaves_later_than_it_was_taken_then_it_counts_from_then(app, database, take: Taker):
    make_budget(app, 3)
    take(2)
    let_pass(database, 40)
    take()

    assert renew(database, app) is None
    let_pass(database, 21)
    # Of the two of the beginning one has left later; had it kept its place, two would be free.
    assert room(database, app) == 1
    let_pass(database, 40)
    assert room(database, app) == 3


def test_renew_when_people_have_used_the_reserve_meanwhile_then_what_was_granted_is_not_refused(
    app, database, take: Taker
):
    make_budget(app, 4, reserve=2)
    take(2)
    take(2, urgent=True)

    assert (renew(database, app, 2), uses(database)) == (None, {app.id: 4})


def test_renew_when_what_was_taken_has_run_out_then_it_is_taken_anew_or_refused(app, database, take: Taker):
    make_budget(app, 1, window_s=600)
    take()
    let_pass(database, SUB_WINDOWS)
    taken_anew = renew(database, app, age_s=620)

    # What counts by now is another's, and has left.
    refused = renew(database, app, age_s=620)

    assert (taken_anew, refused is None, uses(database)) == (None, False, {app.id: 1})
    assert renew(database, app, 2) == inf


def test_renew_when_calls_leave_late_then_the_makers_window_never_sees_more_than_the_limit(app, database, take: Taker):
    """Two calls set aside at once, the second leaves between nothing and half a window later."""
    make_budget(app, 2, window_s=600)
    arrived: list[int] = []
    waiting: list[tuple[int, int]] = []
    for sub_window in range(400):
        for due, since in [each for each in waiting if each[0] <= sub_window]:
            waiting.remove((due, since))
            assert renew(database, app, age_s=(sub_window - since) * 601 / 60) is None
            arrived.append(sub_window)
        if take(2) is None:
            arrived.append(sub_window)
            waiting.append((sub_window + (sub_window * 7) % 31, sub_window))
        let_pass(database, 1)

    assert len(arrived) >= 6
    assert max(sum(start <= moment < start + 60 for moment in arrived) for start in arrived) <= 2
