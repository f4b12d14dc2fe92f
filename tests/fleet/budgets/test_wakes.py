"""The wake ledger: a person's wake is always granted and counted, ours are few and far between."""

import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import errors

from fleet.vehicles.models import Lane

GRANT = "SELECT wake_grant(%s, %s, %s, %s)"


@pytest.fixture
def lane(app):
    return Lane.objects.create(key="a" * 64)


@pytest.fixture
def wake(app, database, lane):
    def ask(*, automated: bool = True, cause: str = "job:1"):
        return database.execute(GRANT, [lane.id, app.id, automated, cause]).fetchone()[0]

    return ask


def let_pass(as_owner, minutes):
    as_owner.execute("UPDATE budgets_wake SET at = at - make_interval(mins => %s)", [minutes])


def ledger(database):
    return database.execute("SELECT is_automated, cause FROM budgets_wake ORDER BY id").fetchall()


def test_wake_when_automated_then_half_an_hour_must_lie_between(wake, as_owner, database):
    first, at_once = wake(), wake()
    let_pass(as_owner, 29)
    early = wake()
    let_pass(as_owner, 2)
    later = wake()

    assert [first, at_once, early, later] == ["", "wake_recent", "wake_recent", ""]
    assert ledger(database) == [(True, "job:1")] * 2


def test_wake_when_automated_then_six_a_day_are_all(wake, as_owner):
    answers = []
    for _ in range(7):
        answers.append(wake())
        let_pass(as_owner, 31)
    let_pass(as_owner, 24 * 60 - 7 * 31 + 1)

    assert answers == [""] * 6 + ["wake_used_up"]
    assert wake() == ""


def test_wake_when_a_person_presses_then_it_is_granted_and_counted(wake, database):
    answers = [wake(automated=False, cause="command:1") for _ in range(8)]

    assert answers == [""] * 8
    assert len(ledger(database)) == 8
    # The car was woken just now, by whomever: ours has to wait, and the day's six are still ours.
    assert wake() == "wake_recent"


def test_wake_when_asked_by_many_at_once_then_one_is_granted(app, lane, database):
    def ask(_):
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(GRANT, [lane.id, app.id, True, "job:1"]).fetchone()[0]

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(ask, range(8)))

    assert answers == ["", *["wake_recent"] * 7]
    assert len(ledger(database)) == 1


def test_ledger_when_the_application_wants_to_change_it_then_it_may_not(wake, database):
    wake()

    for statement in ("UPDATE budgets_wake SET at = now()", "DELETE FROM budgets_wake"):
        with pytest.raises(errors.InsufficientPrivilege):
            database.execute(statement)
