"""Pressing twice, repeating a key, changing one's mind, cancelling: what was taken back is not sent."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from commands.models import Command
from commands.services import KeyReused, TooLate, cancel_command
from fleet.adapters.commands import FlashLights, Lock, SetChargeLimit, SetPin, Unlock
from fleet.teams.roles import Role
from tests.commands.rig import carry, carrying, known, press, wait_for, way
from tests.factories import make_member

SYSTEM = "system:test"
CROWD = 20


def in_parallel(call, times=CROWD):
    def run(number):
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_two_presses_when_within_ten_seconds_then_they_are_one_command(link, car):
    first = press(link, Unlock())
    carry()
    second = press(link, Unlock())
    carry()

    assert second == first
    assert car.requests() == ["unlock"]


def test_two_presses_when_by_two_people_of_the_team_then_they_are_one_command(link, car):
    first = press(link, Unlock())

    second = press(link, Unlock(), by=make_member(link.team, Role.MANAGER))

    assert second == first


def test_presses_when_in_parallel_then_they_are_one_command(link, car):
    commands = in_parallel(lambda _: press(link, Unlock()))
    carry()

    assert len({command.id for command in commands}) == 1
    assert car.requests() == ["unlock"]


def test_presses_when_in_parallel_with_the_same_key_then_they_are_one_command(link, car):
    commands = in_parallel(lambda _: press(link, SetPin(pin="4711"), idempotency_key="k1"))
    carry()

    assert len({command.id for command in commands}) == 1
    assert car.requests() == ["pin_to_drive.set"]


def test_presses_when_in_parallel_with_keys_of_their_own_then_they_are_one_command_all_the_same(link, car):
    commands = in_parallel(lambda number: press(link, Unlock(), idempotency_key=f"k{number}"))
    carry()

    assert len({command.id for command in commands}) == 1
    assert car.requests() == ["unlock"]


def test_key_when_it_comes_again_after_the_end_then_it_brings_the_same_command(link, car):
    first = press(link, FlashLights(), idempotency_key="k1")
    carry()
    press(link, Lock())
    carry()

    again = press(link, FlashLights(), idempotency_key="k1")
    carry()

    assert again == first
    assert car.requests() == ["lights.flash", "lock"]


@pytest.mark.parametrize("other", [Unlock(), SetChargeLimit(85)], ids=["other kind", "other value"])
def test_key_when_it_comes_with_another_command_then_it_is_refused_and_nothing_is_written(link, other):
    first = press(link, SetChargeLimit(80), idempotency_key="k1")

    with pytest.raises(KeyReused):
        press(link, other, idempotency_key="k1")

    assert list(Command.objects.all()) == [first]


def test_key_when_another_person_uses_the_same_then_theirs_is_their_own(link, car):
    first = press(link, SetPin(pin="4711"), idempotency_key="k1")

    second = press(link, SetPin(pin="4711"), idempotency_key="k1", by=make_member(link.team, Role.MANAGER))

    assert second != first


def test_unlock_when_a_lock_still_waits_then_the_lock_is_superseded_and_never_sent(link, car):
    lock = press(link, Lock())

    unlock = press(link, Unlock())
    carry()

    assert [known(lock)[0], known(unlock)[0]] == ["superseded", "confirmed"]
    assert car.requests() == ["unlock"]


def test_unlock_when_the_car_is_just_woken_for_a_lock_then_the_lock_is_superseded_and_never_sent(link, car):
    car.set(online="asleep")
    car.behave(wake_s=1.0)
    lock = press(link, Lock())

    with carrying(linger_s=1.0):
        wait_for(lock, "claimed", waking=True)
        unlock = press(link, Unlock())

    assert [known(lock)[0], known(unlock)[0]] == ["superseded", "confirmed"]
    assert car.requests() == ["unlock"]


def test_lock_when_pressed_after_unlock_was_pressed_after_lock_then_the_last_word_counts(link, car):
    car.set(locked=False)
    commands = [press(link, order) for order in (Lock(), Unlock(), Lock())]

    carry()

    assert [known(command)[0] for command in commands] == ["superseded", "superseded", "confirmed"]
    assert car.requests() == ["lock"]


def test_cancel_when_the_command_waits_then_not_a_byte_is_sent(link, car):
    command = press(link, Unlock())

    cancel_command(command_id=command.id, actor=SYSTEM)
    carry()

    assert known(command)[0] == "cancelled"
    assert (car.requests(), way(command)) == ([], ["queued", "cancelled"])


def test_cancel_when_the_car_is_just_being_woken_then_not_a_byte_is_sent(link, car):
    car.set(online="asleep")
    car.behave(wake_s=1.0)
    command = press(link, Unlock())

    with carrying():
        wait_for(command, "claimed", waking=True)
        cancel_command(command_id=command.id, actor=SYSTEM)

    assert known(command)[0] == "cancelled"
    assert car.requests() == []


def test_cancel_when_it_was_permitted_then_it_is_too_late_and_says_where_it_stands(link, car):
    car.behave(latency_s=1.0)
    command = press(link, Unlock())

    with carrying():
        wait_for(command, "sending")
        with pytest.raises(TooLate) as refusal:
            cancel_command(command_id=command.id, actor=SYSTEM)

    assert refusal.value.command.state == "sending"
    assert known(command)[0] == "confirmed"


def test_cancel_when_it_comes_twice_then_the_second_answers_like_the_first(link):
    command = press(link, Unlock())

    first = cancel_command(command_id=command.id, actor=SYSTEM)
    second = cancel_command(command_id=command.id, actor=SYSTEM)

    assert (first.state, second.state) == ("cancelled", "cancelled")
    assert way(command) == ["queued", "cancelled"]
