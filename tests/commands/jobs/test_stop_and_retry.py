"""Stopping the rest, and trying the failed again: only what may be tried again, never what may have happened."""

import pytest

from commands.jobs import feeding
from commands.jobs.errors import NotAllowed, NothingToRetry, TooLate
from commands.jobs.models import Job
from commands.jobs.services import Kept, plan_retry, retry_failed, stop_job
from commands.models import Command
from fleet.adapters.commands import FlashLights, Lock, Unlock
from fleet.adapters.rules import InvalidParameter
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.vehicles.services import end_link
from tests.commands.jobs.rig import counts, ends, feed, make_car, over, past_undo, start, work
from tests.commands.rig import car_of, carry, carrying, press, wait_for
from tests.factories import make_member


def stop(job: Job, membership) -> Job:
    return stop_job(job_id=job.id, actor=membership.user.actor)


def test_stop_when_some_wait_and_some_are_queued_then_none_of_them_is_ever_sent(
    membership, links, simulator, monkeypatch
):
    monkeypatch.setattr(feeding, "CHUNK", 2)
    job = start(membership)
    feed()

    stopped = stop(job, membership)
    again = stop(job, membership)
    carry()

    assert (stopped.state, again.state) == ("stopping", "stopping")
    assert over(work(job)) == ("stopped", "stopped")
    assert ends(job) == [("not_sent", "stopped")] * 4
    assert [car_of(link, simulator).requests() for link in links] == [[]] * 4
    assert Event.objects.filter(subject=f"job:{job.id}", kind="job.stopped").count() == 1
    with pytest.raises(TooLate):
        stop(job, membership)


def test_stop_when_one_is_on_its_way_then_it_is_followed_to_its_end(membership, links, simulator, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNK", 1)
    car = car_of(links[0], simulator)
    car.behave(latency_s=1.0)
    job = start(membership)
    feed()
    command = Command.objects.get()

    with carrying():
        wait_for(command, "sending")
        stop(job, membership)
        during = (over(job), counts(job))

    assert during == (("stopping", "stopped"), {"running": 1, "not_sent": 3})
    assert over(work(job)) == ("stopped", "stopped")
    assert ends(job) == [("confirmed", ""), *[("not_sent", "stopped")] * 3]


def test_stop_when_a_person_had_pressed_the_same_before_then_their_command_goes_on(membership, links):
    mine = press(links[0], Lock())
    job = start(membership)
    feed()

    stop(job, membership)
    carry()
    mine.refresh_from_db()

    assert mine.state == "confirmed"
    assert over(work(job)) == ("stopped", "stopped")
    assert ends(job) == [("confirmed", ""), *[("not_sent", "stopped")] * 3]


def test_job_when_a_person_presses_the_opposite_then_that_car_says_so(membership, links, simulator):
    job = start(membership)
    feed()

    press(links[0], Unlock())

    assert over(work(job)) == ("done", "")
    assert ends(job) == [("not_sent", "superseded"), *[("confirmed", "")] * 3]
    assert car_of(links[0], simulator).requests() == ["unlock"]


@pytest.fixture
def mixed(membership, links, simulator, impatient) -> Job:
    """A finished job with one of each: refused for now, without an answer, refused for good, confirmed."""
    car_of(links[0], simulator).behave(refuse="door_open")
    car_of(links[1], simulator).behave(hang=1)
    car_of(links[2], simulator).behave(status_before={"status": 501, "count": 9})
    job = start(membership, FlashLights())
    feed()
    carry()
    feed()
    return job


def test_retry_when_outcomes_differ_then_only_what_may_be_tried_again_is(mixed, membership, links, simulator, as_owner):
    give_up_looking(as_owner)
    job = work(mixed)
    before = ends(job)
    plan = plan_retry(job)

    car_of(links[0], simulator).behave_again()
    again = work(past_undo(retry_failed(job=job, membership=membership)))

    assert before == [
        ("refused", "vehicle_refused"),
        ("unproved", "not_proved"),
        ("refused", "not_capable"),
        ("confirmed", ""),
    ]
    assert (plan.count, plan.uncertain, plan.needs_number) == (1, 1, False)
    assert plan.kept == (Kept("refused", "not_capable", 1, "This car cannot do that."),)
    assert (again.parent_id, again.cause, again.total) == (job.id, f"job:{job.id}", 1)
    assert ends(again) == [("confirmed", "")]
    assert ends(job) == before
    assert [len(car_of(link, simulator).requests()) for link in links] == [2, 1, 1, 1]


def give_up_looking(as_owner) -> None:
    """Let the time pass in which the effect of what nobody answered for is looked for."""
    as_owner.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")
    as_owner.execute(
        "UPDATE commands_command SET state = 'unresolved', error_code = 'not_proved', next_check_at = NULL,"
        " finished_at = clock_timestamp() WHERE state = 'unknown'"
    )


def test_retry_when_the_job_still_runs_then_it_is_too_late_for_now(mixed, membership):
    with pytest.raises(TooLate):
        retry_failed(job=mixed, membership=membership)

    assert counts(mixed) == {"unknown": 1, "confirmed": 1, "refused": 2}


def test_retry_when_nothing_failed_then_there_is_nothing_to_retry(membership, links):
    job = work(start(membership))

    with pytest.raises(NothingToRetry):
        retry_failed(job=job, membership=membership)
    with pytest.raises(NotAllowed):
        retry_failed(job=job, membership=make_member(membership.team, Role.VIEWER))
    assert plan_retry(job).count == 0


def test_retry_when_a_car_is_gone_then_it_is_skipped_with_its_reason(membership, links, simulator):
    for link in links[:2]:
        car_of(link, simulator).behave(refuse="door_open")
    job = work(start(membership, Unlock()))
    end_link(link=links[0], actor="system:test")
    car_of(links[1], simulator).behave_again()

    again = work(retry_failed(job=job, membership=membership))

    assert ends(again) == [("skipped", "connection_ended"), ("confirmed", "")]


def test_retry_when_it_is_risky_and_large_then_the_number_must_be_right(membership, simulator, monkeypatch):
    monkeypatch.setattr("commands.jobs.services.NUMBER_ABOVE", 1)
    cars = [make_car(membership, simulator, n) for n in range(1, 4)]
    for link in cars[:2]:
        car_of(link, simulator).behave(refuse="door_open")
    job = work(start(membership, Unlock(), confirmed_count=3))

    with pytest.raises(InvalidParameter) as error:
        retry_failed(job=job, membership=membership, confirmed_count=3)

    assert (error.value.field, error.value.code) == ("confirmed_count", "wrong_number")
    assert plan_retry(job).needs_number
    assert retry_failed(job=job, membership=membership, confirmed_count=2).eligible == 2
