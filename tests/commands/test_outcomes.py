"""What became of a command, when the maker answers badly or not at all: one request, and never more said than known."""

import pytest

from commands.alerts.models import Alert
from commands.cards import outcome_of
from commands.models import Command
from commands.proof import end_of, said_of
from commands.services import sweep_commands
from commands.words import REFUSALS, reason_of
from fleet.adapters.commands import HonkHorn, Lock, Unlock
from fleet.budgets.services import budget_lines, save_budget
from fleet.run.processes import wait_until
from fleet.vehicles.services import read_vehicle
from tests.commands.rig import GIVE_UP_S, age, car_of, carry, end_time_of, known, press, reconcile, way
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


# --- The honest outcomes in words ------------------------------------------------------------------------------------


def ended(command: Command) -> tuple[str, str, str]:
    """What people read of an end: key, word and sentence."""
    command.refresh_from_db()
    outcome = end_of(command)
    return outcome.key, outcome.word, outcome_of(command)


def test_lock_when_the_car_shows_it_later_then_the_cars_words_and_the_seconds_are_told(link, car):
    car.set(locked=False)
    car.behave(effect_s=1.0)

    command = press(link, Lock())
    carry()

    assert ended(command) == ("confirmed", "Confirmed by the car", "The car’s own state shows it: Locked")
    said = said_of(command)
    assert (said.words, said.at) == ("Locked", command.observed_at)
    assert 1.0 <= said.after_s <= command.took_s < GIVE_UP_S


def test_honk_when_only_the_maker_can_tell_then_its_report_is_called_its_report(link, car):
    command = press(link, HonkHorn())
    carry()

    assert ended(command) == ("confirmed", "Confirmed by the maker", "The maker reported that it is done")


def test_lock_when_the_cars_clock_runs_ahead_then_no_reading_is_from_the_future(link, car):
    car.set(locked=False)
    car.behave(clock_offset_s=3_600.0)

    command = press(link, Lock())
    carry()

    assert known(command) == ("confirmed", "readback", "", "")
    assert command.answered_at < command.observed_at < command.finished_at


def test_lock_when_the_cars_clock_is_a_day_behind_then_its_readings_prove_nothing_and_the_makers_word_is_left(
    link, car, as_owner
):
    car.set(locked=False)
    car.behave(clock_offset_s=-86_400.0)
    command = press(link, Lock())
    carry(command, until={"sent"})

    reconcile(command)
    early = known(command)[0]
    age(as_owner, command, minutes=10)
    reconcile(command)

    assert early == "sent"
    assert ended(command) == ("confirmed", "Confirmed by the maker", "The maker reported that it is done")


def test_lock_when_the_maker_accepts_and_the_car_then_cannot_then_it_failed_with_the_reason(link, car):
    car.set(locked=False)
    car.behave(effect_s=1.0)
    command = press(link, Lock())
    carry(command, until={"sent"})
    car.set(doors_open=True)

    assert wait_until(lambda: reconcile(command) and known(command)[0] == "failed", within_s=GIVE_UP_S)

    assert ended(command) == ("failed", "Failed", "A door is open.")
    assert car.executed() == []


@pytest.mark.parametrize(
    ("behaviour", "state", "word"),
    [({}, "sent", "Accepted, not proved"), ({"lose_reply": True}, "unknown", "Sent, not proved")],
)
def test_unlock_when_no_reading_ever_comes_then_accepted_is_only_said_if_it_was(
    membership, simulator, as_owner, behaviour, state, word
):
    link = join_simulated_car(membership, simulator, scopes=["control_security"], state={"locked": True})
    car_of(link, simulator).behave(never_acts=True, **behaviour)
    command = press(link, Unlock())
    carry(command, until={state})

    age(as_owner, command, minutes=10)
    reconcile(command)

    assert ended(command) == ("not_proved", word, "The car gave no proof in time. Please look at the car.")
    assert [alert.kind for alert in Alert.objects.all()] == ["not_proved"]


def test_unlock_when_the_car_still_reports_the_opposite_then_its_words_stand_beside_the_outcome(link, car, as_owner):
    car.behave(never_acts=True)
    command = press(link, Unlock())
    carry(command, until={"sent"})

    age(as_owner, command, minutes=10)
    reconcile(command)

    sentence = "The car still says “Locked”. Please look at the car."
    assert ended(command) == ("contradicted", "Contradicted", sentence)
    assert [(alert.kind, alert.command) for alert in Alert.objects.all()] == [("contradicted", command)]


def test_lock_when_its_time_is_over_then_it_expired_and_nothing_was_sent(link, car, as_owner):
    command = press(link, Lock())
    end_time_of(as_owner, command)

    sweep_commands()

    sentence = "Its time was over before it could be sent. Nothing was sent."
    assert ended(command) == ("expired", "Expired", sentence)
    assert car.requests() == []


# --- Looks are economical --------------------------------------------------------------------------------------------


def test_unknown_lock_when_a_background_read_brings_the_proof_then_nobody_is_asked_again(link, car, impatient):
    save_budget(app_id=link.connection.account.app_id, resource="calls", limit=100, window_s=3600, actor="system:test")
    car.behave(lose_reply=True)
    car.set(locked=False)
    command = press(link, Lock())
    carry(command, until={"unknown"})
    read_vehicle(link)
    (before,) = budget_lines([command.app_id])

    reconcile(command)

    (after,) = budget_lines([command.app_id])
    assert known(command) == ("confirmed", "readback", "", "")
    assert after.used == before.used


def test_lock_when_calls_are_counted_then_there_is_one_look_once_it_has_settled(link, car, monkeypatch):
    monkeypatch.setattr(Lock, "settle_s", 1.0)
    save_budget(app_id=link.connection.account.app_id, resource="calls", limit=100, window_s=3600, actor="system:test")
    car.set(locked=False)
    car.behave(never_acts=True)

    command = press(link, Lock())
    carry()

    (line,) = budget_lines([command.app_id])
    assert known(command)[0] == "sent"
    # The look before, the command itself, and one look after: what the preview promises.
    assert line.used == 3
    command.refresh_from_db()
    assert command.next_check_at > command.answered_at


def test_lock_when_calls_are_counted_and_the_car_acts_then_the_one_look_proves_it(link, car, monkeypatch):
    monkeypatch.setattr(Lock, "settle_s", 1.0)
    save_budget(app_id=link.connection.account.app_id, resource="calls", limit=100, window_s=3600, actor="system:test")
    car.set(locked=False)

    command = press(link, Lock())
    carry()

    (line,) = budget_lines([command.app_id])
    assert (known(command)[:2], line.used) == (("confirmed", "readback"), 3)
