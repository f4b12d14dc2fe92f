"""How often a command may be sent in its life: a harmless one up to three times after a certain no, others once."""

import pytest
from django.utils import timezone

from commands.models import CommandAttempt
from fleet.adapters.commands import EnableValet, HonkHorn, Lock, StartClimate, Unlock
from tests.commands.rig import carry, known, press, way


def attempts_of(command):
    rows = CommandAttempt.objects.filter(command=command).order_by("n")
    return [(row.n, row.outcome) for row in rows]


def test_lock_when_the_maker_asks_to_slow_down_once_then_it_waits_so_long_and_is_sent_again(link, car):
    car.set(locked=False)
    car.behave(rate_limit={"retry_after_s": 1, "count": 1})

    command = press(link, Lock())
    carry(command, until={"confirmed", "refused"}, linger_s=5.0)

    assert known(command)[0] == "confirmed"
    assert attempts_of(command) == [(1, "queued"), (2, "confirmed")]
    (_, first_answer), (second_request, _) = car.intervals()
    assert (second_request - first_answer).total_seconds() >= 1.0


def test_lock_when_the_date_of_retry_after_is_given_then_it_is_obeyed(link, car):
    car.behave(rate_limit={"retry_after_s": 3600, "count": 1, "date": True})

    command = press(link, Lock())
    carry()

    assert known(command) == ("refused", "", "rate_limited", "")
    assert car.requests() == ["lock"]


def test_lock_when_the_maker_says_no_for_ever_then_it_is_sent_three_times_and_no_more(link, car):
    car.set(locked=False)
    car.behave(rate_limit={"retry_after_s": 0})

    command = press(link, Lock())
    carry(linger_s=1.5)

    assert known(command) == ("refused", "", "rate_limited", "")
    assert attempts_of(command) == [(1, "queued"), (2, "queued"), (3, "refused")]
    assert car.requests() == ["lock"] * 3


def test_lock_when_the_wait_would_outlast_its_deadline_then_it_is_refused_at_once(link, car):
    car.behave(rate_limit={"retry_after_s": 30})

    command = press(link, Lock(), not_after=timezone.now() + timezone.timedelta(seconds=20))
    carry()

    assert known(command) == ("refused", "", "rate_limited", "")
    assert car.requests() == ["lock"]


@pytest.mark.parametrize(
    ("order", "word"),
    [
        (Unlock(), "unlock"),
        (StartClimate(), "climate.start"),
        (HonkHorn(), "horn.honk"),
        (EnableValet(pin="4711"), "valet.enable"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_command_when_it_may_not_come_late_then_a_certain_no_is_its_end(link, car, order, word):
    car.behave(rate_limit={"retry_after_s": 0})

    command = press(link, order)
    carry(linger_s=1.5)

    assert known(command) == ("refused", "", "rate_limited", "")
    assert way(command) == ["queued", "claimed", "sending", "refused"]
    assert car.requests() == [word]


def test_lock_when_its_outcome_is_unknown_then_it_is_never_sent_again(link, car):
    car.set(locked=False)
    car.behave(never_acts=True, lose_reply=True)

    command = press(link, Lock())
    carry(command, until={"unknown"})
    car.behave_again()
    carry(linger_s=1.5)

    assert known(command)[0] == "unknown"
    assert car.requests() == ["lock"]


def test_unlock_when_the_permit_came_too_late_to_be_used_then_not_a_byte_is_sent_and_it_is_refused(
    link, car, monkeypatch
):
    monkeypatch.setattr("commands.dispatch.carry.GUARD_S", 0.0)

    command = press(link, Unlock())
    carry()

    assert known(command) == ("refused", "", "not_written", "")
    assert (attempts_of(command), car.requests()) == ([(1, "refused")], [])


def test_lock_when_the_permit_comes_too_late_every_time_then_it_is_tried_three_times_and_never_sent(
    link, car, monkeypatch
):
    monkeypatch.setattr("commands.dispatch.carry.GUARD_S", 0.0)

    command = press(link, Lock())
    carry(linger_s=1.5)

    assert known(command) == ("refused", "", "not_written", "")
    assert ([outcome for _, outcome in attempts_of(command)], car.requests()) == (["queued", "queued", "refused"], [])
