"""The preview: who, who not and why, how long and at what cost; and that the start keeps to it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.jobs.errors import NotAllowed
from commands.jobs.forecast import Latency, Load, expected_of, expected_of_all, latencies, sent_within
from commands.jobs.models import Job
from commands.jobs.preview import Example, Skipped, preview_job
from commands.models import Command
from fleet.adapters.commands import FlashLights, HonkHorn, Lock, SetPin, Unlock
from fleet.adapters.rules import InvalidParameter
from fleet.budgets.services import save_budget
from fleet.teams.roles import Role
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import Vehicle
from fleet.vehicles.services import end_link
from tests.commands.jobs.rig import make_car, start, work
from tests.commands.rig import car_of
from tests.factories import join_simulated_car, make_member, make_simulator_app, make_team

EVERYTHING = VehicleFilter()


def test_preview_when_cars_differ_then_it_tells_who_is_skipped_and_why(membership, links, simulator):
    withdraw_consent(link=links[1], scope="control_security", actor="system:test")
    withdraw_consent(link=links[3], scope="control_security", actor="system:test")
    end_link(link=links[2], actor="system:test")
    join_simulated_car(make_team(), simulator)

    preview = preview_job(membership=membership, cars=EVERYTHING, order=Unlock())

    plates = {vehicle.id: vehicle.plate for vehicle in Vehicle.objects.all()}
    assert (preview.total, preview.eligible, preview.carried, preview.not_carried) == (4, 1, 1, 0)
    assert preview.skipped == (
        Skipped("no_consent", 2, "Not allowed by the owner", (example(links[1], plates), example(links[3], plates))),
        Skipped("connection_ended", 1, "The connection has ended", (example(links[2], plates),)),
    )
    assert (preview.is_risky, preview.needs_number, preview.undo_s) == (True, False, 0.0)
    assert [(share.name, share.count, share.left, share.limit) for share in preview.providers] == [
        ("Simulator", 1, None, "")
    ]
    assert not Command.objects.exists()
    assert not Job.objects.exists()


def example(link, plates) -> Example:
    return Example(link.vehicle_id, "Volkswagen ID.3", plates[link.vehicle_id])


def test_preview_when_nothing_is_selected_then_it_is_empty(membership, links):
    preview = preview_job(membership=membership, cars=VehicleFilter(ids=()), order=Lock())

    assert (preview.total, preview.eligible, preview.skipped, preview.providers, preview.expected_s) == (
        0,
        0,
        (),
        (),
        0,
    )


def test_preview_when_it_may_not_be_a_job_then_it_is_refused_as_the_start_is(membership, links):
    with pytest.raises(InvalidParameter) as error:
        preview_job(membership=membership, cars=EVERYTHING, order=SetPin(pin="1234"))
    assert (error.value.field, error.value.code) == ("kind", "secret")

    with pytest.raises(NotAllowed):
        preview_job(membership=make_member(membership.team, Role.VIEWER), cars=EVERYTHING, order=Lock())


def test_preview_when_thirty_cars_match_then_it_asks_as_often_as_for_three(membership, simulator):
    cars = [make_car(membership, simulator, n) for n in range(1, 31)]
    end_link(link=cars[0], actor="system:test")
    end_link(link=cars[29], actor="system:test")

    asked = []
    for some in (cars[:3], cars):
        chosen = VehicleFilter(ids=tuple(link.vehicle_id for link in some))
        with CaptureQueriesContext(connection) as queries:
            preview_job(membership=membership, cars=chosen, order=HonkHorn())
        asked.append(len(queries))

    assert asked[0] == asked[1]


def test_preview_when_the_car_sleeps_or_its_state_is_old_then_the_cost_says_so(membership, links, simulator, as_owner):
    make_car(membership, simulator, 5, online="asleep")
    app = make_simulator_app()
    save_budget(app_id=app.id, resource="calls", limit=100, window_s=3600, actor="system:test")
    as_owner.execute(
        "UPDATE vehicles_vehiclesignal SET received_at = now() - interval '2 minutes' WHERE vehicle_id = ANY(%s)",
        [[link.vehicle_id for link in links[:2]]],
    )

    (share,) = preview_job(membership=membership, cars=EVERYTHING, order=Lock()).providers

    # Five sends and five looks after, two looks before, and what one wake takes.
    assert (share.count, share.asleep, share.wakes, share.calls) == (5, 1, 1, 14)
    assert (share.left, share.left_after, share.carried, share.limit) == (100, 86, 5, "")


def test_preview_when_quota_and_time_do_not_suffice_then_both_numbers_are_told(membership, links, as_owner):
    as_owner.execute("UPDATE vehicles_vehiclesignal SET received_at = now() + interval '1 minute'")
    app = make_simulator_app()
    save_budget(app_id=app.id, resource="calls", limit=3, window_s=60, actor="system:test")

    soon = preview_job(
        membership=membership, cars=EVERYTHING, order=FlashLights(), deadline=timezone.now() + timedelta(seconds=30)
    )
    tight = preview_job(
        membership=membership, cars=EVERYTHING, order=Lock(), deadline=timezone.now() + timedelta(seconds=30)
    )
    later = preview_job(membership=membership, cars=EVERYTHING, order=Lock())

    # Three sends at once, and looks at their effect a minute later, which leave no room for a fourth before the next.
    assert (soon.carried, soon.not_carried) == (3, 1)
    assert (tight.carried, tight.not_carried, tight.providers[0].limit) == (3, 1, "budget")
    assert (later.carried, later.not_carried) == (4, 0)
    assert 120 <= later.providers[0].budget_s <= 128
    # The last one's effect is looked at when it has settled.
    assert 150 <= later.expected_s <= 162


def test_preview_when_the_pace_is_slow_then_the_time_carries_fewer(membership, links):
    preview = preview_job(
        membership=membership,
        cars=EVERYTHING,
        order=Lock(),
        pace_per_min=6,
        deadline=timezone.now() + timedelta(seconds=15),
    )

    assert (preview.carried, preview.not_carried, preview.providers[0].limit) == (2, 2, "deadline")


def test_latencies_when_commands_were_confirmed_then_they_tell_and_else_the_makers_card(membership, links, simulator):
    app = make_simulator_app()
    untried = latencies("lock", {app.id: "simulator"})
    for link in links:
        car_of(link, simulator).behave(latency_s=0.4)
    for _ in range(2):
        work(start(membership, FlashLights()))

    known = latencies("flash_lights", {app.id: "simulator"})[app.id]

    assert untried == {app.id: Latency(5.0, 45.0, 0)}
    assert known.sample == 8
    assert 0.4 <= known.median_s <= known.p90_s < 10


@pytest.mark.parametrize(
    ("load", "pace", "best", "likely"),
    [
        (Load(0, 0, 0.0, Latency(1, 2, 9)), None, 0, 0),
        (Load(1, 0, 0.0, Latency(1, 2, 9)), None, 1.0025, 2.0025),
        (Load(200, 0, 600.0, Latency(1, 2, 9)), None, 601, 602),
        (Load(61, 0, 0.0, Latency(1, 2, 9)), 60, 61, 62),
        (Load(1000, 0, 0.0, Latency(10, 20, 9)), None, 50, 100),
        (Load(1, 1, 0.0, Latency(1, 2, 9)), None, 6.0025, 22.0025),
        # Calls are counted: the last look decides, as far as real commands do not say otherwise.
        (Load(60, 0, 0.0, Latency(5, 45, 0), 61.0), None, 61, 64),
        (Load(60, 0, 0.0, Latency(30, 70, 9), 61.0), None, 61, 70.15),
    ],
    ids=["none", "one", "quota", "pace", "window", "asleep", "last look", "last look, slow answers"],
)
def test_expected_when_something_is_the_bottleneck_then_it_decides(load, pace, best, likely):
    assert expected_of(load, pace_per_min=pace, window=200) == pytest.approx((best, likely))


def test_expected_when_makers_go_side_by_side_then_the_slowest_decides_but_the_pace_holds_for_all():
    assert expected_of_all([(5, 9), (7, 8)], cars=30, pace_per_min=None) == (7, 9)
    assert expected_of_all([(5, 9), (7, 8)], cars=61, pace_per_min=60) == (60, 60)
    assert expected_of_all([], cars=0, pace_per_min=60) == (0, 0)


def test_sent_within_when_there_is_no_time_then_the_first_still_goes():
    assert sent_within(0, pace_per_min=60) == 1
    assert sent_within(10, pace_per_min=60) == 11
    assert sent_within(3600, pace_per_min=1) == 61
