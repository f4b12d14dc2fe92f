"""Feeding a job just in time: how many, how fast, until when, in whose name; and dying or racing in the middle."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.jobs import feeding, room
from commands.jobs.models import Job, JobItem
from commands.jobs.services import create_job
from commands.models import Command
from fleet.adapters.commands import FlashLights, Lock, Unlock
from fleet.run.processes import wait_until
from fleet.teams.models import Authority, Membership, User
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.services import end_link
from tests.commands.jobs.rig import counts, ends, feed, make_car, over, past_undo, start, states, work
from tests.commands.rig import GIVE_UP_S, car_of, carry
from tests.factories import make_simulator_app


def test_feeding_when_the_undo_window_is_open_then_no_command_exists(membership, links):
    job = create_job(membership=membership, cars=VehicleFilter(), order=Lock())

    assert (feed(), states(job)) == (None, [])

    past_undo(job)

    assert (feed(), states(job)) == (4, ["queued"] * 4)
    assert over(job) == ("running", "")


def test_feeding_when_many_are_queued_then_the_next_wait_until_a_dispatcher_took_some(membership, links, monkeypatch):
    monkeypatch.setattr(room, "FEED_AHEAD", 3)
    job = start(membership)

    fed = [feed(), feed()]
    carry()
    later = feed()

    assert (fed, later) == ([3, 0], 1)
    assert work(job).state == "done"
    assert ends(job) == [("confirmed", "")] * 4


def test_feeding_when_two_makers_differ_then_a_held_one_keeps_nobody_else_waiting(membership, links, simulator):
    simulator.register_client(client_id="other-maker")
    other = make_simulator_app("other-maker")
    far = make_car(membership, simulator, 9, app=other)
    ProviderApp.objects.exclude(pk=other.pk).update(held_until=timezone.now() + timedelta(hours=1))
    job = start(membership)

    fed = feed()
    held = Job.objects.get(pk=job.pk).held
    ProviderApp.objects.update(held_until=None)

    assert fed == 1
    assert list(held.values()) == ["held"]
    assert list(Command.objects.values_list("vehicle_id", flat=True)) == [far.vehicle_id]
    assert work(job).state == "done"
    assert ends(job) == [("confirmed", "")] * 5


def test_feeding_when_a_breaker_was_open_then_one_command_looks_first(membership, links):
    ProviderApp.objects.update(breaker_opened_at=timezone.now(), breaker_until=timezone.now() + timedelta(hours=1))
    job = start(membership)
    shut = feed()

    ProviderApp.objects.update(breaker_until=timezone.now())

    assert (shut, feed(), feed()) == (None, 1, 0)
    assert Job.objects.get(pk=job.pk).held == {str(ProviderApp.objects.get().id): "breaker"}


def test_feeding_when_it_dies_between_asking_and_noting_then_nothing_of_it_happened(membership, links, monkeypatch):
    job = start(membership)

    with monkeypatch.context() as patch:
        patch.setattr(feeding.sql, "NOTE_FED", "SELECT 1 / 0")
        assert feed() is None
    assert (states(job), counts(job)) == ([], {"waiting": 4})

    assert work(job).state == "done"
    assert ends(job) == [("confirmed", "")] * 4
    assert len(states(job)) == 4


def test_feeding_when_a_command_exists_already_then_its_key_brings_it_back(membership, links, as_owner):
    job = start(membership)
    feed()
    # As if the command had been committed and the car's row had not.
    as_owner.execute("UPDATE jobs_jobitem SET outcome = 'waiting', command_id = NULL, fed_at = NULL")

    again = feed()

    assert (again, len(states(job))) == (4, 4)
    assert work(job).state == "done"
    assert ends(job) == [("confirmed", "")] * 4


def test_feeding_when_several_do_it_at_once_then_each_car_is_asked_for_once(membership, links, simulator, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNK", 1)
    job = start(membership)

    def feed_all() -> bool:
        return wait_until(lambda: (feed(), counts(job))[1] == {"running": 4}, within_s=GIVE_UP_S)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(in_thread(feed_all), range(4)))

    assert done == [True] * 4
    assert len(states(job)) == 4
    assert work(job).state == "done"
    assert [car_of(link, simulator).requests() for link in links] == [["lock"]] * 4


def in_thread(do: Callable[[], object]) -> Callable[[int], object]:
    def run(_: int) -> object:
        try:
            return do()
        finally:
            connection.close()

    return run


def test_feeding_when_the_row_of_a_job_is_locked_then_other_jobs_go_on(membership, links, as_owner):
    first, second = start(membership, cars=only(links[0])), start(membership, cars=only(links[1]))

    with as_owner.transaction():
        as_owner.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [first.id])
        fed = feed()

    assert (fed, counts(first), counts(second)) == (1, {"waiting": 1}, {"running": 1})


def only(*links) -> VehicleFilter:
    return VehicleFilter(ids=tuple(link.vehicle_id for link in links))


def test_pace_when_rounds_are_many_then_cars_are_fed_evenly(membership, links, as_owner):
    job = start(membership, pace_per_min=30)

    first = [feed(), feed()]
    pass_time(as_owner, 2)
    second = [feed(), feed()]
    pass_time(as_owner, 600)
    after_silence = [feed(), feed()]

    assert (first, second, after_silence) == ([1, None], [1, None], [2, None])
    assert len(states(job)) == 4


def pass_time(as_owner, seconds: int) -> None:
    as_owner.execute("UPDATE jobs_job SET next_feed_at = next_feed_at - make_interval(secs => %s)", [seconds])


def test_deadline_when_it_passes_then_the_waiting_cars_were_not_sent(membership, links, monkeypatch, as_owner):
    monkeypatch.setattr(feeding, "CHUNK", 1)
    job = start(membership)
    feed()

    as_owner.execute("UPDATE jobs_job SET deadline = clock_timestamp() + interval '1 s'")
    feed()

    assert work(job).state == "done"
    assert ends(job) == [("confirmed", ""), *[("not_sent", "deadline")] * 3]


def test_deadline_when_it_is_nearer_than_the_commands_own_then_commands_have_it(membership, links):
    soon = timezone.now() + timedelta(seconds=30)
    job = start(membership, deadline=soon)

    feed()

    assert set(Command.objects.filter(cause=f"job:{job.id}").values_list("deadline", flat=True)) == {soon}


@pytest.mark.parametrize("lose", ["role", "version", "revoked", "ended", "inactive"])
def test_rights_when_they_change_then_the_rest_is_not_sent(membership, links, monkeypatch, simulator, lose):
    monkeypatch.setattr(feeding, "CHUNK", 2)
    job = start(membership)
    feed()
    carry()

    match lose:
        case "role":
            Membership.objects.filter(pk=membership.pk).update(role="viewer")
        case "version":
            Authority.objects.filter(pk=membership.authority_id).update(version=2)
        case "revoked":
            Authority.objects.filter(pk=membership.authority_id).update(revoked_at=timezone.now())
        case "ended":
            Membership.objects.filter(pk=membership.pk).update(ended_at=timezone.now())
        case "inactive":
            User.objects.filter(pk=membership.user_id).update(is_active=False)

    assert over(work(job)) == ("stopped", "rights")
    assert ends(job) == [("confirmed", ""), ("confirmed", ""), ("not_sent", "rights"), ("not_sent", "rights")]
    assert [car_of(link, simulator).requests() for link in links] == [["lock"], ["lock"], [], []]


def test_car_when_it_can_no_longer_get_it_at_its_turn_then_it_says_why(membership, links, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNK", 1)
    job = start(membership)
    feed()
    withdraw_consent(link=links[1], scope="control_security", actor="system:test")
    end_link(link=links[2], actor="system:test")

    assert work(job).state == "done"
    assert ends(job) == [
        ("confirmed", ""),
        ("not_sent", "no_consent"),
        ("not_sent", "connection_ended"),
        ("confirmed", ""),
    ]


def test_share_when_too_many_fail_then_the_rest_is_not_sent(membership, simulator, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNK", 6)
    monkeypatch.setattr(feeding, "SHARE_AFTER", 4)
    cars = [make_car(membership, simulator, n) for n in range(1, 9)]
    for link in cars[:3]:
        car_of(link, simulator).behave(refuse="door_open")
    job = start(membership, Unlock(), stop_share_percent=50)
    feed()
    carry()

    assert over(work(job)) == ("stopped", "stop_share")
    assert ends(job) == [
        *[("refused", "vehicle_refused")] * 3,
        *[("confirmed", "")] * 3,
        *[("not_sent", "stop_share")] * 2,
    ]


def test_share_when_few_are_over_then_the_job_goes_on(membership, links, simulator, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNK", 2)
    for link in links[:2]:
        car_of(link, simulator).behave(refuse="door_open")

    job = work(start(membership, Unlock(), stop_share_percent=10))

    assert over(job) == ("done", "")
    assert ends(job) == [*[("refused", "vehicle_refused")] * 2, *[("confirmed", "")] * 2]


def test_feeding_when_thirty_cars_wait_then_it_asks_as_often_as_for_three(membership, simulator):
    cars = [make_car(membership, simulator, n) for n in range(1, 31)]
    few, many = start(membership, FlashLights(), cars=only(*cars[:3])), start(membership, FlashLights())

    asked = []
    for job in (few, many):
        with CaptureQueriesContext(connection) as queries:
            feeding.feed_job(job.id)
        asked.append(len(queries))

    assert JobItem.objects.filter(outcome="running").count() == 33
    assert asked[0] == asked[1]
