"""Reads in the background: they are paid for like any call, wait when there is no room, and leave room for commands."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.budgets.pacing import read_intervals
from fleet.vehicles.models import ProviderApp, Vehicle, VehicleSignal
from fleet.vehicles.services import read_vehicle
from fleet.vehicles.tasks import read_link, refresh_due
from tests.factories import join_simulated_car, make_simulator_app, make_team
from tests.fleet.budgets.conftest import uses
from tests.fleet.budgets.rows import make_budget
from tests.infrastructure.simulator import CLIENT_SECRET

CLIENT = "fleetwell-budgets"


@pytest.fixture
def app(committed_db, simulator):
    """An application of its own at the simulator, so that a quota there bothers nobody else."""
    simulator.register_client(client_id=CLIENT, client_secret=CLIENT_SECRET)
    yield make_simulator_app(CLIENT)
    simulator.quota(client=CLIENT)


@pytest.fixture
def membership(app):
    return make_team()


@pytest.fixture
def link(membership, simulator, app):
    return join_simulated_car(membership, simulator, app=app, license_plate="BU-D 1")


def observed(link):
    return VehicleSignal.objects.get(vehicle=link.vehicle, signal="soc_percent").observed_at


def test_read_when_calls_are_counted_then_each_request_is_paid_for(link, app, database, simulator):
    budget = make_budget(app, 10)
    car = make_budget(app, 10, per="car", window_s=60)
    simulator.quota(client=CLIENT, limit=10)

    read_vehicle(link)
    read_vehicle(link, with_capabilities=True)

    assert (simulator.quota_use(client=CLIENT)["allowed"], uses(database)) == (3, {app.id: 3, link.vehicle.lane_id: 3})
    assert (budget.limit, car.per) == (10, "car")


def test_read_when_the_budget_has_no_room_then_nothing_leaves_and_no_error_shows(link, app, take, simulator):
    make_budget(app, 5, reserve=2)
    take(3)
    simulator.quota(client=CLIENT, limit=100)
    before = observed(link)

    with pytest.raises(AdapterError) as refused:
        read_vehicle(link)
    read_link(str(link.id))

    assert refused.value.code == "quota_exhausted"
    assert (observed(link), simulator.quota_use(client=CLIENT)["allowed"]) == (before, 0)
    app.refresh_from_db()
    assert app.held_until is None


def test_read_when_the_maker_says_429_then_the_whole_application_is_held_as_long(link, app, simulator):
    simulator.quota(client=CLIENT, limit=1, window_s=120)
    read_link(str(link.id))
    read_link(str(link.id))
    app.refresh_from_db()
    held_s = (app.held_until - timezone.now()).total_seconds()

    read_link(str(link.id))

    assert held_s == pytest.approx(120, abs=5)
    assert simulator.quota_use(client=CLIENT)["violations"] == 1


def due(*links):
    """Which of these cars the next round of background reads takes."""
    refresh_due()
    read_at = dict(Vehicle.objects.values_list("id", "read_at"))
    return [read_at[link.vehicle_id] > timezone.now() - timedelta(seconds=30) for link in links]


def last_read(hours):
    Vehicle.objects.update(read_at=timezone.now() - timedelta(hours=hours))


def test_refresh_when_calls_are_counted_then_cars_are_read_so_seldom_that_a_tenth_is_used(
    link, membership, simulator, app
):
    free = join_simulated_car(membership, simulator, license_plate="BU-D 2")
    other = join_simulated_car(membership, simulator, app=app, license_plate="BU-D 3")
    make_budget(app, 140, window_s=86_400, reserve=20)
    make_budget(app, 2, window_s=60)

    assert read_intervals() == {app.id: timedelta(hours=4)}
    last_read(hours=3.9)
    assert due(link, other, free) == [False, False, True]
    last_read(hours=4.1)
    assert due(link, other, free) == [True, True, True]


@pytest.mark.parametrize("closed", ["held_until", "breaker_until", "is_enabled"])
def test_refresh_when_an_application_is_closed_then_its_cars_wait(link, membership, simulator, app, closed):
    free = join_simulated_car(membership, simulator, license_plate="BU-D 4")
    value = False if closed == "is_enabled" else timezone.now() + timedelta(minutes=1)
    ProviderApp.objects.filter(pk=app.pk).update(**{closed: value})
    last_read(hours=1)

    assert due(link, free) == [False, True]
    ProviderApp.objects.filter(pk=app.pk).update(held_until=None, breaker_until=None, is_enabled=True)
    assert due(link, free) == [True, True]
