"""Pages of budgets: who sees what, who may change it, every bad value, and what other pages show of it."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.budgets.meter import Payer, take
from fleet.budgets.models import Budget
from fleet.budgets.wakes import check_12v, grant_wake
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.vehicles.models import ProviderApp, VehicleSignal
from tests.factories import join_simulated_car, make_member, make_simulator_app, make_team
from tests.fleet.budgets.rows import make_budget, make_budget_of, make_own_app

GOOD = {"limit": "200", "reserve": "20", "unit_price": "0.002", "currency": "eur"}


def browser_of(membership):
    client = Client()
    client.force_login(membership.user)
    return client


@pytest.fixture
def owner(db):
    return make_team()


@pytest.fixture
def link(owner, simulator):
    return join_simulated_car(owner, simulator, license_plate="BU-D 7")


@pytest.fixture
def app(link):
    return link.connection.account.app


@pytest.fixture
def pages(owner):
    return browser_of(owner)


def words_of(answer):
    return " ".join(answer.content.decode().split())


def test_list_when_budgets_are_used_then_it_tells_what_is_left_reserve_and_price(pages, link, app):
    make_budget(app, 120, window_s=86_400, reserve=20, unit_price="0.002", currency="EUR")
    make_budget(app, 10, window_s=3600, per="car")
    take(Payer(app.id, link.connection.account_id, link.vehicle.lane_id), n=3)

    page = words_of(pages.get("/budgets/"))

    for words in (
        "117 of 120 left today",
        "7 of 10 left this hour",
        "20 in reserve",
        "0.002 EUR each",
        "0.006 EUR spent",
    ):
        assert words in page
    assert "set by the installation" in page
    assert "/budgets/" + str(Budget.objects.first().id) not in page


def test_list_when_there_are_thirty_cars_then_it_asks_as_often_as_for_one(pages, owner, simulator, link, app):
    make_budget(app, 120)
    account = simulator.account(*[{} for _ in range(2)])
    pages.get("/budgets/")
    with CaptureQueriesContext(connection) as for_one:
        pages.get("/budgets/")
    for _ in range(4):
        join_simulated_car(owner, simulator, learn=False)
        make_budget_of(owner)
    with CaptureQueriesContext(connection) as for_more:
        page = words_of(pages.get("/budgets/"))

    assert (len(for_more), "5 cars of the team" in page, len(account.cars)) == (len(for_one), True, 2)


def test_list_when_another_teams_car_used_its_share_then_nobody_here_sees_it(pages, app, simulator):
    make_budget(app, 10, per="car")
    foreign = join_simulated_car(make_team("Another Fleet"), simulator, app=app)
    take(Payer(app.id, None, foreign.vehicle.lane_id), n=9)
    make_budget_of(make_team("Third Fleet"), limit=4321)

    page = words_of(pages.get("/budgets/"))

    assert "10 of 10 left this hour" in page
    assert "4,321" not in page


def test_list_when_cars_were_woken_then_by_whom_is_counted(pages, link, app):
    lane = link.vehicle.lane_id
    for automated in (True, False, False):
        grant_wake(lane_id=lane, app_id=app.id, is_automated=automated, cause="test")

    page = words_of(pages.get("/budgets/"))

    assert link.vehicle.title in page
    assert "2 by people · 1 of 6 automatic" in page


def test_edit_when_it_is_the_teams_own_then_it_is_changed_and_logged(pages, owner):
    budget = make_budget_of(owner)

    shown = pages.get(f"/budgets/{budget.id}/")
    answer = pages.post(f"/budgets/{budget.id}/", GOOD)

    budget.refresh_from_db()
    assert (shown.status_code, answer.status_code, answer.url) == (200, 302, "/budgets/")
    assert (budget.limit, budget.reserve, str(budget.unit_price), budget.currency) == (200, 20, "0.002000", "EUR")
    event = Event.objects.get(kind="budget.changed")
    assert (event.actor, event.team_id, event.data["limit"]) == (owner.user.actor, owner.team_id, 200)


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("limit", "0", "limit"),
        ("limit", "", "limit"),
        ("limit", "many", "limit"),
        ("limit", "9" * 30, "limit"),
        ("reserve", "-1", "reserve"),
        ("reserve", "201", "reserve"),
        ("unit_price", "-1", "unit_price"),
        ("unit_price", "NaN", "unit_price"),
        ("unit_price", "1e400", "unit_price"),
        ("unit_price", "0.00000001", "unit_price"),
        ("currency", "", "currency"),
        ("currency", "E1", "currency"),
        ("currency", "EURO", "currency"),
        ("currency", "\x00\x00\x00", "currency"),
    ],
)
def test_edit_when_a_value_is_bad_then_422_at_the_field_and_nothing_changes(pages, owner, field, value, at):
    budget = make_budget_of(owner)

    answer = pages.post(f"/budgets/{budget.id}/", GOOD | {field: value})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [at]
    budget.refresh_from_db()
    assert (budget.limit, budget.reserve, budget.unit_price) == (120, 0, None)


def test_edit_when_asked_by_others_then_403_for_the_team_and_404_for_strangers(owner, app):
    budget = make_budget_of(owner)
    of_all = make_budget(app, 5)
    cast = {
        "operator": make_member(owner.team, Role.OPERATOR),
        "viewer": make_member(owner.team, Role.VIEWER),
        "outsider": make_team("Another Fleet"),
    }

    statuses = {
        name: [browser_of(member).post(f"/budgets/{each.id}/", GOOD).status_code for each in (budget, of_all)]
        for name, member in cast.items()
    }
    statuses["owner"] = [browser_of(owner).get(f"/budgets/{each.id}/").status_code for each in (budget, of_all)]

    assert statuses == {"operator": [403, 404], "viewer": [403, 404], "outsider": [404, 404], "owner": [200, 404]}
    assert browser_of(cast["viewer"]).get("/budgets/").status_code == 200


# What other pages show -------------------------------------------------------------------------------------------


def test_press_line_when_calls_are_counted_then_it_tells_cost_and_what_is_left(pages, link, app):
    make_budget(app, 120, window_s=86_400, unit_price="0.002", currency="EUR")
    make_budget(app, 30, window_s=60)
    take(Payer(app.id), n=2)
    url = f"/budgets/for/{link.vehicle_id}/"

    fresh = words_of(pages.get(url))
    VehicleSignal.objects.update(received_at=timezone.now() - timedelta(minutes=2))
    stale = words_of(pages.get(url))
    by_kind = words_of(pages.get(url + "?kind=nonsense"))

    assert "Costs 2 calls (<bdi>0.004 EUR</bdi>) · 118 of 120 left today" in fresh
    assert "Costs 3 calls" in stale
    assert "Costs 3 calls" in by_kind
    assert "Costs 3 calls" in words_of(pages.get(f"/vehicles/{link.vehicle_id}/"))


def test_press_line_when_there_is_no_room_then_it_tells_how_long_to_wait(pages, link, app):
    make_budget(app, 4, window_s=600)
    take(Payer(app.id), n=4)

    page = words_of(pages.get(f"/budgets/for/{link.vehicle_id}/"))

    assert "0 of 4 left within 10 minutes · has to wait 10 minutes" in page


def test_vehicle_page_when_nothing_is_counted_then_it_says_nothing_and_asks_one_query(pages, link):
    pages.get(f"/vehicles/{link.vehicle_id}/")
    with CaptureQueriesContext(connection) as queries:
        page = words_of(pages.get(f"/vehicles/{link.vehicle_id}/"))

    assert "Costs" not in page
    assert [query for query in queries.captured_queries if "budgets_budgetuse" in query["sql"]] == []
    assert len([query for query in queries.captured_queries if "budgets_" in query["sql"]]) == 1


NOTICES = {
    "breaker": (
        {"breaker_opened_at": timedelta(minutes=-5), "breaker_until": timedelta(seconds=40)},
        "{maker}’s service does not answer. Commands wait.",
    ),
    "held": ({"held_until": timedelta(minutes=3)}, "{maker} asked us to slow down. Commands wait."),
}


@pytest.mark.parametrize("kind", NOTICES)
def test_notices_when_a_maker_is_away_then_pages_with_its_cars_say_so(pages, link, app, kind):
    times, text = NOTICES[kind]
    now = timezone.now()
    ProviderApp.objects.filter(pk=app.pk).update(**{name: now + delta for name, delta in times.items()})

    of_car = [
        words_of(pages.get(path)) for path in (f"/vehicles/{link.vehicle_id}/", f"/budgets/notices/{link.vehicle_id}/")
    ]
    of_team = [words_of(pages.get(path)) for path in ("/vehicles/", "/budgets/notices/", "/budgets/")]

    assert all(text.format(maker="Volkswagen") in page for page in of_car)
    assert all(text.format(maker="Simulator") in page for page in of_team)
    assert all("Next try" in page for page in (*of_car, *of_team))
    outsider = browser_of(make_team("Another Fleet"))
    assert "Commands wait" not in words_of(outsider.get("/budgets/notices/"))


def test_notices_when_a_budget_is_used_up_then_they_say_for_whom(pages, link, app):
    make_budget(app, 10, window_s=86_400, reserve=4)
    url = f"/budgets/notices/{link.vehicle_id}/"
    before = words_of(pages.get(url))
    take(Payer(app.id), n=6)
    for_ours = words_of(pages.get(url))
    take(Payer(app.id, is_urgent=True), n=4)
    for_all = words_of(pages.get(url))

    assert "left today" not in before
    assert "Volkswagen: 4 of 10 left today, kept for presses by a person. Jobs and schedules wait." in for_ours
    assert "The limit of Volkswagen is used up: 0 of 10 left today. Commands wait." in for_all
    assert "There is room again from" in for_all


def test_notices_when_only_a_short_window_is_full_then_there_is_no_word_about_it(pages, link, app):
    make_budget(app, 2, window_s=60)
    take(Payer(app.id), n=2)

    assert "Commands wait" not in words_of(pages.get(f"/budgets/notices/{link.vehicle_id}/"))


# The installation ------------------------------------------------------------------------------------------------


def test_set_budget_when_run_then_it_sets_changes_lists_and_removes(db, capsys):
    app = make_simulator_app()
    call_command("set_budget", app.client_id, "--limit=120", "--reserve=20", "--price=0.002", "--currency=eur")
    call_command("set_budget", str(app.id), "--resource=wakes", "--per=car", "--limit=6")
    capsys.readouterr()
    call_command("set_budget", "Simulator")
    listed = capsys.readouterr().out
    call_command("set_budget", "simulator", "--remove")

    assert listed.splitlines() == [
        "Simulator: 120 calls per 86400 s, app, 20 in reserve, 0.002 EUR each",
        "Simulator: 6 wakes per 86400 s, car, 0 in reserve",
    ]
    assert [budget.resource for budget in Budget.objects.all()] == ["wakes"]
    assert set(Event.objects.values_list("actor", flat=True)) == {"system:set_budget"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["nobody", "--limit=5"],
        ["simulator", "--limit=0"],
        ["simulator", "--limit=5", "--reserve=6"],
        ["simulator", "--limit=5", "--window=0"],
        ["simulator", "--limit=5", "--price=cheap"],
        ["simulator", "--limit=5", "--price=0.1"],
        ["simulator", "--remove"],
    ],
)
def test_set_budget_when_a_value_is_wrong_then_it_says_so_and_changes_nothing(db, wrong):
    make_simulator_app()

    with pytest.raises(CommandError):
        call_command("set_budget", *wrong)
    assert not Budget.objects.exists()


@pytest.mark.parametrize(
    ("volts", "hours", "code"),
    [(12.6, 1, ""), (12.0, 23.9, ""), (11.9, 1, "low_12v"), (12.6, 24.1, "unknown_12v"), (None, 0, "unknown_12v")],
)
def test_12v_when_low_or_unknown_then_we_do_not_wake(volts, hours, code):
    now = timezone.now()
    readings = {} if volts is None else {"battery_12v_v": (volts, now - timedelta(hours=hours))}

    assert check_12v(readings, at=now) == code


def test_own_app_when_it_has_no_car_yet_then_its_budget_shows_and_may_be_changed(pages, owner):
    budget = make_budget(make_own_app(owner), 60, window_s=60)

    page = words_of(pages.get("/budgets/"))

    assert f"/budgets/{budget.id}/" in page
    assert "60 of 60 left this minute" in page
