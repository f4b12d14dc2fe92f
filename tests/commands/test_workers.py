"""Real workers, stopped, paused and killed in the worst moments: nothing is lost, sent twice or sent late."""

from datetime import timedelta

import pytest
from django.utils import timezone

from commands.models import Dispatcher
from commands.services import ring_doorbell, sweep_commands
from fleet.adapters.commands import FlashLights, SetPin, Unlock
from fleet.run.processes import wait_until
from tests.commands.rig import (
    GIVE_UP_S,
    car_of,
    carry,
    known,
    make_dispatchers_silent,
    press,
    reconcile,
    wait_for,
    way,
)
from tests.factories import join_simulated_car

SENT = ["queued", "claimed", "sending"]


def wait_until_requested(car, command: str) -> None:
    assert wait_until(lambda: car.simulator.count(car=car.id, command=command) > 0, within_s=GIVE_UP_S)


def test_unlock_when_its_deadline_passes_while_the_worker_is_stopped_then_it_expires_and_nothing_is_sent(
    link, car, worker
):
    command = press(link, Unlock(), not_after=timezone.now() + timedelta(seconds=0.5))
    assert wait_until(lambda: timezone.now() > command.deadline, within_s=GIVE_UP_S)

    worker()
    ring_doorbell()
    later = press(link, FlashLights())
    wait_for(later, "confirmed")
    unswept = known(command)[0]
    sweep_commands()

    assert (unswept, known(command)) == ("queued", ("expired", "", "deadline", ""))
    assert car.requests() == ["lights.flash"]


def test_unlock_when_the_worker_is_killed_before_the_answer_then_it_is_never_sent_again_and_read_back(
    link, car, worker, as_owner
):
    car.behave(latency_s=1.5)
    killed = worker()
    command = press(link, Unlock())
    wait_until_requested(car, "unlock")
    killed.kill9()

    make_dispatchers_silent(as_owner)
    sweep_commands()
    after_sweep = known(command)
    worker()
    later = press(link, FlashLights())
    wait_for(later, "confirmed")
    assert wait_until(lambda: not car.locked, within_s=GIVE_UP_S)
    reconcile(command)

    assert after_sweep == ("unknown", "", "outcome_unknown", "")
    assert known(command) == ("confirmed", "readback", "", "")
    assert way(command) == [*SENT, "unknown", "confirmed"]
    assert car.requests() == ["unlock", "lights.flash"]


def test_unlock_when_the_worker_is_killed_while_it_wakes_the_car_then_another_sends_it_once(
    link, car, worker, as_owner
):
    car.set(online="asleep")
    car.behave(wake_s=30.0)
    killed = worker()
    command = press(link, Unlock())
    wait_for(command, "claimed", waking=True)
    killed.kill9()
    car.set(online="online")

    make_dispatchers_silent(as_owner)
    sweep_commands()
    carry()

    assert known(command)[0] == "confirmed"
    assert way(command) == ["queued", "claimed", *SENT, "sent", "confirmed"]
    assert car.requests() == ["unlock"]


def test_unlock_when_the_worker_is_paused_past_its_lease_then_the_fence_lets_it_send_nothing(
    link, car, worker, as_owner, simulator, membership
):
    other = join_simulated_car(membership, simulator)
    car.set(online="asleep")
    car.behave(wake_s=30.0)
    paused = worker()
    command = press(link, Unlock())
    wait_for(command, "claimed", waking=True)
    paused.pause()
    car.set(online="online")

    make_dispatchers_silent(as_owner)
    sweep_commands()
    carry()
    done_by_another = known(command)[0], car.requests()
    paused.resume()
    wait_for(press(other, FlashLights()), "confirmed")
    # The paused one asks for its permit soon after seeing the car awake, before this one ends:
    wait_for(press(link, FlashLights()), "confirmed")

    assert done_by_another == ("confirmed", ["unlock"])
    assert car.requests() == ["unlock", "lights.flash"]
    assert known(command) == ("confirmed", "readback", "", "")


def test_worker_when_it_is_told_to_stop_then_it_hands_back_what_waits_and_finishes_what_is_sent(
    link, car, worker, membership, simulator
):
    sleeping_link = join_simulated_car(membership, simulator, online="asleep")
    sleeping = car_of(sleeping_link, simulator)
    sleeping.behave(wake_s=60.0)
    car.behave(latency_s=1.5)
    stopped = worker()
    waiting = press(sleeping_link, Unlock())
    wait_for(waiting, "claimed", waking=True)
    sent = press(link, Unlock())
    wait_until_requested(car, "unlock")

    ended_by_itself = stopped.stop()

    assert ended_by_itself
    assert known(sent)[0] in {"sent", "confirmed"}
    assert (known(waiting)[0], waiting.claims, waiting.attempts) == ("queued", 0, 0)
    assert (car.requests(), sleeping.requests()) == (["unlock"], [])
    assert not Dispatcher.objects.exists()
    reconcile(sent)
    assert known(sent)[0] == "confirmed"


def test_worker_when_it_is_told_to_stop_and_the_maker_is_slower_than_the_grace_then_it_ends_unknown(link, car, worker):
    car.behave(latency_s=8.0)
    stopped = worker(env={"FLEETWELL_DISPATCH_STOP_GRACE_S": "0.5"})
    command = press(link, Unlock())
    wait_until_requested(car, "unlock")

    ended_by_itself = stopped.stop()

    assert ended_by_itself
    assert known(command) == ("unknown", "", "outcome_unknown", "")
    assert car.requests() == ["unlock"]


def test_worker_when_it_carries_a_pin_then_its_log_does_not_show_it(link, car, worker):
    running = worker()

    command = press(link, SetPin(pin="8317"))
    wait_for(command, "confirmed", "unresolved")

    assert car.requests() == ["pin_to_drive.set"]
    assert "Task commands.tasks.dispatch" in running.log
    assert "8317" not in running.log.replace(str(command.id), "")


@pytest.mark.parametrize("rings", [0, 5])
def test_command_when_the_broker_lost_or_repeated_its_doorbell_then_it_is_sent_once(link, car, worker, rings):
    command = press(link, Unlock())
    for _ in range(rings):
        ring_doorbell()

    worker(processes=2)
    sweep_commands()
    wait_for(command, "confirmed")

    assert car.requests() == ["unlock"]
