"""What became of a command, when the maker answers badly or not at all: one request, and never more said than known."""

import pytest

from commands.words import REFUSALS, reason_of
from fleet.adapters.commands import HonkHorn, Lock, Unlock
from tests.commands.rig import age, car_of, carry, known, press, reconcile, way
from tests.factories import join_simulated_car

SENT = ["queued", "claimed", "sending"]


def test_lock_when_the_maker_accepts_it_then_the_car_itself_confirms(link, car):
    car.set(locked=False)

    command = press(link, Lock())
    carry()

    assert known(command) == ("confirmed", "readback", "", "")
    assert (command.before, command.after) == (False, True)
    assert command.observed_at > command.answered_at
    assert way(command) == [*SENT, "sent", "confirmed"]
    assert car.requests() == ["lock"]


def test_unlock_when_the_car_answers_itself_then_its_word_is_the_evidence(link, car):
    car.behave(answer="ack")

    command = press(link, Unlock())
    carry()

    assert known(command) == ("confirmed", "vehicle_ack", "", "")
    assert car.executed() == ["unlock"]


def test_lock_when_the_car_is_locked_then_it_is_confirmed_as_already_so(link, car):
    command = press(link, Lock())

    carry()

    assert known(command) == ("confirmed", "already", "", "")


def test_honk_when_no_reading_can_prove_it_then_the_makers_report_does(link, car):
    command = press(link, HonkHorn())

    carry()

    assert known(command) == ("confirmed", "provider", "", "")
    assert car.requests() == ["horn.honk"]


ACTS_AND_TELLS_NOTHING = [
    {"lose_reply": True},
    {"reset_after_first_byte": True},
    {"hang": True},
    {"slow_body_s": 5.0},
    {"garbage": "html"},
    {"garbage": "truncated"},
    {"garbage": "empty"},
    *({"status_after": {"status": status}} for status in (500, 502, 503, 504)),
]


def test_unlocks_when_the_cars_act_and_the_answers_tell_nothing_then_each_is_sent_once_and_read_back(
    membership, simulator, impatient
):
    cars, commands = [], []
    for behaviour in ACTS_AND_TELLS_NOTHING:
        link = join_simulated_car(membership, simulator, learn=False, state={"locked": True})
        cars.append(car_of(link, simulator))
        cars[-1].behave(**behaviour)
        commands.append(press(link, Unlock()))

    carry()

    read_back = (("confirmed", "readback", "", ""), [*SENT, "unknown", "confirmed"], ["unlock"], False)
    found = [
        (known(command), way(command), car.requests(), car.locked) for command, car in zip(commands, cars, strict=True)
    ]
    assert found == [read_back] * len(ACTS_AND_TELLS_NOTHING)


@pytest.mark.parametrize("status", [500, 503])
def test_unlock_when_a_5xx_comes_and_the_car_has_not_acted_then_we_claim_nothing(link, car, status):
    car.behave(status_before={"status": status})

    command = press(link, Unlock())
    carry(command, until={"unknown", "refused", "confirmed"})

    assert known(command) == ("unknown", "", "outcome_unknown", "")
    assert (car.requests(), car.executed()) == (["unlock"], [])


def test_lock_when_a_503_says_nothing_of_the_car_then_it_is_not_sent_again(link, car):
    car.set(locked=False)
    car.behave(status_before={"status": 503})

    command = press(link, Lock())
    carry(command, until={"unknown", "refused", "confirmed"})
    carry(linger_s=1.0)

    assert known(command)[0] == "unknown"
    assert car.requests() == ["lock"]


def test_unlock_when_the_maker_accepts_and_the_car_never_acts_then_it_ends_unresolved_and_not_failed(
    link, car, as_owner
):
    car.behave(never_acts=True)
    command = press(link, Unlock())
    carry(command, until={"sent"})

    reconcile(command)
    early = known(command)
    age(as_owner, command, minutes=10)
    reconcile(command)

    assert early == ("sent", "", "", "")
    assert known(command) == ("unresolved", "", "contradicted", "")
    assert command.after is True
    assert car.requests() == ["unlock"]


def test_unlock_when_the_reply_is_lost_and_the_car_never_acts_then_it_ends_unresolved_and_not_failed(
    link, car, as_owner
):
    car.behave(never_acts=True, lose_reply=True)
    command = press(link, Unlock())
    carry(command, until={"unknown"})

    age(as_owner, command, minutes=10)
    reconcile(command)

    assert known(command) == ("unresolved", "", "contradicted", "")
    assert way(command) == [*SENT, "unknown", "unresolved"]
    assert car.requests() == ["unlock"]


def test_unknown_unlock_when_the_car_falls_asleep_then_it_gets_a_day_to_prove_it(link, car, as_owner):
    car.behave(never_acts=True, lose_reply=True)
    command = press(link, Unlock())
    carry(command, until={"unknown"})
    car.set(online="asleep")

    age(as_owner, command, minutes=60)
    reconcile(command)
    after_an_hour = known(command)[0]
    age(as_owner, command, minutes=25 * 60)
    reconcile(command)

    assert after_an_hour == "unknown"
    assert known(command)[0] == "unresolved"
    assert car.wakes() == 0


REASONS = [
    "door_open",
    "trunk_open",
    "plug_not_connected",
    "fully_charged",
    "not_parked",
    "in_motion",
    "low_battery",
    "low_12v",
    "valet_mode",
    "remote_access_disabled",
    "user_present",
]


def test_locks_when_the_cars_say_no_then_each_is_refused_once_with_the_makers_reason_in_words(membership, simulator):
    cars, commands = [], []
    for reason in REASONS:
        link = join_simulated_car(membership, simulator, learn=False, state={"locked": False})
        cars.append(car_of(link, simulator))
        cars[-1].behave(refuse=reason)
        commands.append(press(link, Lock()))

    carry()

    assert [known(command) for command in commands] == [("refused", "", "vehicle_refused", why) for why in REASONS]
    assert [reason_of(command.error_code, command.error_reason) for command in commands] == [
        REFUSALS[why] for why in REASONS
    ]
    assert [(car.requests(), car.executed()) for car in cars] == [(["lock"], [])] * len(REASONS)
