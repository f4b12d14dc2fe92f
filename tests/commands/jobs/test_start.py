"""Starting a job: who gets it, what is refused, what another team sees of it, and taking it back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from commands.jobs.errors import NotAllowed, TooLate
from commands.jobs.models import Job, JobItem
from commands.jobs.services import create_job, undo_job
from commands.models import Command
from fleet.adapters.commands import (
    DisableValet,
    EnableValet,
    HonkHorn,
    Lock,
    ResetPin,
    SetChargeLimit,
    SetPin,
    Unlock,
)
from fleet.adapters.rules import InvalidParameter
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.services import end_link
from tests.commands.jobs.rig import counts, ends, feed, over, start, work
from tests.commands.rig import car_of
from tests.factories import join_simulated_car, make_member, make_team

EVERYTHING = VehicleFilter()


def test_job_when_cars_differ_then_each_is_confirmed_or_skipped_with_its_reason(membership, links, simulator):
    withdraw_consent(link=links[1], scope="control_security", actor="system:test")
    end_link(link=links[2], actor="system:test")

    job = work(start(membership, Unlock(), confirmed_count=None))

    assert over(job) == ("done", "")
    assert ends(job) == [
        ("confirmed", ""),
        ("skipped", "no_consent"),
        ("skipped", "connection_ended"),
        ("confirmed", ""),
    ]
    assert [car_of(link, simulator).executed() for link in links] == [["unlock"], [], [], ["unlock"]]
    assert (job.total, job.eligible, job.skipped) == (4, 2, 2)
    assert list(Event.objects.filter(subject=f"job:{job.id}").order_by("id").values_list("kind", "actor")) == [
        ("job.created", membership.user.actor),
        ("job.finished", "system:jobs"),
    ]
    made = Command.objects.filter(cause=f"job:{job.id}")
    assert {(command.origin, command.rank, command.user_id) for command in made} == {("job", 1, membership.user_id)}


def test_job_when_a_car_does_not_take_the_value_then_it_is_skipped(membership, simulator):
    narrow = join_simulated_car(membership, simulator)
    capability = narrow.capabilities["set_charge_limit"] | {"ranges": {"limit_percent": [60, 90, 10]}}
    narrow.capabilities = {**narrow.capabilities, "set_charge_limit": capability}
    narrow.save(update_fields=["capabilities"])
    join_simulated_car(membership, simulator)

    job = start(membership, SetChargeLimit(limit_percent=85))

    assert sorted(ends(job)) == [("skipped", "out_of_range"), ("waiting", "")]


@pytest.mark.parametrize(
    "order", [SetPin(pin="1234"), EnableValet(pin="1234"), DisableValet(), ResetPin()], ids=lambda order: order.kind
)
def test_job_when_the_order_is_about_pins_then_it_is_refused_and_nothing_is_kept(membership, links, order):
    with pytest.raises(InvalidParameter) as error:
        create_job(membership=membership, cars=EVERYTHING, order=order)

    assert (error.value.field, error.value.code) == ("kind", "secret")
    assert not Job.objects.exists()


def test_job_when_code_forgets_about_secrets_then_the_database_refuses(membership, links):
    job = start(membership)

    with pytest.raises(IntegrityError, match="job_kind_without_secret"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(kind="set_pin")


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"pace_per_min": 0}, "pace_per_min", "out_of_range"),
        ({"pace_per_min": 6001}, "pace_per_min", "out_of_range"),
        ({"stop_share_percent": 0}, "stop_share_percent", "out_of_range"),
        ({"stop_share_percent": 101}, "stop_share_percent", "out_of_range"),
        ({"deadline": timezone.now() - timedelta(seconds=1)}, "deadline", "in_the_past"),
        ({"deadline": timezone.now() + timedelta(days=8)}, "deadline", "too_late"),
        ({"cars": VehicleFilter(ids=())}, "filter", "no_cars"),
    ],
)
def test_job_when_an_option_makes_no_sense_then_the_field_is_told_and_nothing_is_kept(
    membership, links, options, field, code
):
    with pytest.raises(InvalidParameter) as error:
        create_job(**{"membership": membership, "cars": EVERYTHING, "order": Lock(), **options})

    assert (error.value.field, error.value.code) == (field, code)
    assert not Job.objects.exists()


def test_job_when_no_car_can_get_it_then_it_is_refused(membership, links):
    for link in links:
        end_link(link=link, actor="system:test")

    with pytest.raises(InvalidParameter) as error:
        create_job(membership=membership, cars=EVERYTHING, order=Lock())

    assert (error.value.field, error.value.code) == ("filter", "no_cars")


def test_job_when_a_viewer_starts_it_then_it_is_not_allowed(membership, links):
    with pytest.raises(NotAllowed):
        create_job(membership=make_member(membership.team, Role.VIEWER), cars=EVERYTHING, order=Lock())

    assert not Job.objects.exists()


def test_job_when_it_names_another_teams_cars_then_they_are_absent(membership, links, simulator):
    foreign = join_simulated_car(make_team(), simulator)
    both = VehicleFilter(ids=(links[0].vehicle_id, foreign.vehicle_id))

    job = work(start(membership, cars=both))

    assert list(JobItem.objects.filter(job=job).values_list("vehicle_id", flat=True)) == [links[0].vehicle_id]
    assert car_of(foreign, simulator).requests() == []


def test_job_when_it_is_risky_and_large_then_the_number_must_be_right(membership, links, monkeypatch):
    monkeypatch.setattr("commands.jobs.services.NUMBER_ABOVE", 3)
    for number in (None, 3, 5):
        with pytest.raises(InvalidParameter) as error:
            create_job(membership=membership, cars=EVERYTHING, order=HonkHorn(), confirmed_count=number)
        assert (error.value.field, error.value.code) == ("confirmed_count", "wrong_number")

    risky = create_job(membership=membership, cars=EVERYTHING, order=HonkHorn(), confirmed_count=4)
    harmless = create_job(membership=membership, cars=EVERYTHING, order=Lock())
    by_clock = create_job(membership=membership, cars=EVERYTHING, order=HonkHorn(), origin="schedule")

    assert [job.state for job in (risky, harmless, by_clock)] == ["running", "waiting", "running"]


def test_undo_when_the_window_is_open_then_nothing_was_or_will_be_sent(membership, links, simulator):
    job = create_job(membership=membership, cars=EVERYTHING, order=Lock())
    feed()

    undone = undo_job(job_id=job.id, actor=membership.user.actor)
    again = undo_job(job_id=job.id, actor=membership.user.actor)
    Job.objects.filter(pk=job.pk).update(undo_until=timezone.now())
    feed()

    assert (over(undone), again.state) == (("stopped", "undone"), "stopped")
    assert ends(job) == [("not_sent", "undone")] * 4
    assert not Command.objects.exists()


def test_undo_when_the_job_has_begun_then_it_is_too_late(membership, links):
    job = start(membership)
    feed()

    with pytest.raises(TooLate) as error:
        undo_job(job_id=job.id, actor=membership.user.actor)

    assert error.value.job.state == "running"
    assert counts(job) == {"running": 4}


def test_job_rows_when_the_application_deletes_them_then_it_may_not(membership, links):
    start(membership)

    for statement in ("DELETE FROM jobs_jobitem", "DELETE FROM jobs_job"):
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(statement)
