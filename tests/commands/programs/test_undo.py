"""Timed commands: the way back comes once, survives crashes, and never fights a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from commands.models import Command
from commands.programs.models import TimedCommand
from commands.programs.timed import NoWayBack, TimedOver, drop_way_back, start_timed, undo_now
from commands.programs.undo import undo_due
from commands.programs.wayback import NothingToRestore
from commands.services import cancel_command
from fleet.adapters.commands import Lock, SetChargeLimit, StartClimate, StopCharge, Unlock
from fleet.adapters.rules import InvalidParameter
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.teams.services import change_role, remove_member
from tests.commands.rig import carry, known, press
from tests.factories import join_simulated_car, make_member


def start(link, membership, order, **options) -> TimedCommand:
    return start_timed(vehicle=link.vehicle, membership=membership, order=order, **options)


def stands(timed: TimedCommand) -> tuple[str, str]:
    timed.refresh_from_db()
    return timed.state, timed.reason


def events_of(timed: TimedCommand) -> list[str]:
    rows = Event.objects.filter(subject=f"timed:{timed.id}").order_by("id")
    return list(rows.values_list("kind", flat=True))


def test_unlock_for_two_minutes_when_they_are_over_then_the_car_is_locked_again_once(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    unlocked = not car.locked
    undo_due()
    early = stands(timed)
    let_pass(timed, minutes=3)

    undo_due()
    undo_due()
    requested = stands(timed)
    carry()
    undo_due()

    assert unlocked
    assert early == ("armed", "")
    assert requested == ("requested", "")
    assert stands(timed) == ("done", "")
    assert car.requests() == ["unlock", "lock"]
    assert events_of(timed) == ["program.armed", "program.undo_requested", "program.undo_done"]
    back = Command.objects.get(kind="lock")
    assert (back.origin, back.cause, back.user_id) == ("undo", f"undo:{timed.first_id}", membership.user_id)


def test_way_back_when_many_ticks_come_at_once_then_it_is_requested_once(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    let_pass(timed, minutes=3)

    def tick() -> int:
        try:
            return undo_due()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        changed = [future.result() for future in [pool.submit(tick) for _ in range(8)]]
    carry()

    assert sum(changed) == 1
    assert car.requests() == ["unlock", "lock"]


def test_minutes_when_the_car_was_slow_to_unlock_then_they_count_from_when_it_left(link, car, membership, as_owner):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    timed.first.refresh_from_db()
    # As if the command had waited for two minutes before it left.
    as_owner.execute("UPDATE programs_timedcommand SET due_at = now() - interval '1 second' WHERE id = %s", [timed.id])

    undo_due()

    assert stands(timed) == ("armed", "")
    assert timed.due_at == timed.first.answered_at + timedelta(minutes=2)
    assert car.requests() == ["unlock"]


def test_charging_paused_when_its_time_has_come_then_limit_and_charging_are_restored(link, car, membership, let_pass):
    timed = start(link, membership, StopCharge(), until=timezone.now() + timedelta(hours=5))
    carry()
    # The car forgot its limit when it stopped, as some do.
    car.set(charge_limit_percent=60)
    let_pass(timed, minutes=301)

    undo_due()
    carry()
    undo_due()

    assert timed.back == [
        {"kind": "set_charge_limit", "parameters": {"limit_percent": 80}},
        {"kind": "start_charge", "parameters": {}},
    ]
    assert car.executed() == ["charge.stop", "charge.set_limit", "charge.start"]
    assert car.simulator.car(car.id)["signals"]["charge_limit_percent"] == 80
    assert stands(timed) == ("done", "")


def test_limit_when_somebody_set_another_one_meanwhile_then_only_the_charging_is_restored(
    link, car, membership, let_pass
):
    timed = start(link, membership, StopCharge(), until=timezone.now() + timedelta(hours=1))
    carry()
    press(link, SetChargeLimit(limit_percent=90))
    carry()
    let_pass(timed, minutes=61)

    undo_due()
    carry()
    undo_due()

    sent = list(Command.objects.filter(cause=timed.cause).values_list("kind", flat=True))
    assert (sent, stands(timed)) == (["start_charge"], ("done", ""))


def test_charge_limit_when_its_time_has_come_then_the_old_one_is_back(link, car, membership, let_pass):
    timed = start(link, membership, SetChargeLimit(limit_percent=100), until=timezone.now() + timedelta(hours=1))
    carry()
    let_pass(timed, minutes=61)

    undo_due()
    carry()
    undo_due()

    assert car.simulator.car(car.id)["signals"]["charge_limit_percent"] == 80
    assert stands(timed) == ("done", "")


@pytest.mark.parametrize("order", [Lock(), Unlock()])
def test_way_back_when_somebody_pressed_meanwhile_then_it_is_dropped_and_says_so(
    link, car, membership, let_pass, order, as_owner
):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    as_owner.execute("ALTER TABLE commands_command DISABLE TRIGGER USER")
    as_owner.execute("UPDATE commands_command SET accepted_at = accepted_at - interval '1 minute'")
    other = press(link, order)
    undo_due()
    waiting = stands(timed)
    carry()

    undo_due()
    let_pass(timed, minutes=3)
    undo_due()
    carry()

    assert known(other)[0] == "confirmed"
    assert waiting == ("armed", "")
    assert stands(timed) == ("dropped", "overtaken")
    assert car.requests() == ["unlock", order.kind]
    assert events_of(timed) == ["program.armed", "program.undo_dropped"]


def test_way_back_when_what_somebody_pressed_was_never_sent_then_it_still_comes(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    cancel_command(command_id=press(link, Lock()).id, actor=membership.user.actor)
    let_pass(timed, minutes=3)

    undo_due()
    carry()
    undo_due()

    assert (stands(timed), car.locked) == (("done", ""), True)


def test_way_back_when_the_first_was_never_sent_then_it_is_dropped_at_once(link, car, membership):
    timed = start(link, membership, Unlock(), minutes=2)
    cancel_command(command_id=timed.first_id, actor=membership.user.actor)

    undo_due()

    assert stands(timed) == ("dropped", "first_cancelled")
    assert car.requests() == []


def test_way_back_when_nobody_knows_of_the_first_then_it_is_sent_all_the_same(
    link, car, membership, let_pass, impatient
):
    car.behave(lose_reply=1)
    timed = start(link, membership, Unlock(), minutes=2)
    carry(timed.first, until={"unknown"})
    first = known(timed.first)[0]
    car.behave_again()
    let_pass(timed, minutes=3)

    undo_due()
    carry()

    assert first == "unknown"
    assert "lock" in car.requests()


def test_way_back_when_its_maker_left_the_team_then_it_is_dropped_loudly(link, car, membership, let_pass):
    operator = make_member(membership.team, Role.OPERATOR)
    timed = start(link, operator, Unlock(), minutes=2)
    carry()
    remove_member(membership=operator, actor=membership.user.actor)
    let_pass(timed, minutes=3)

    undo_due()

    assert stands(timed) == ("dropped", "role")
    assert Event.objects.filter(kind="program.undo_dropped", data__reason="role").count() == 1
    assert car.requests() == ["unlock"]


def test_way_back_when_its_makers_role_became_too_small_then_it_is_dropped_loudly(link, car, membership, let_pass):
    operator = make_member(membership.team, Role.OPERATOR)
    timed = start(link, operator, Unlock(), minutes=2)
    carry()
    change_role(membership=operator, role=Role.VIEWER, actor=membership.user.actor)
    let_pass(timed, minutes=3)

    undo_due()

    assert stands(timed) == ("dropped", "role")


def test_way_back_when_the_car_refuses_it_then_it_failed_and_the_log_has_it(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()
    car.behave(refuse="door_open")
    let_pass(timed, minutes=3)

    undo_due()
    carry()
    undo_due()

    assert stands(timed) == ("failed", "vehicle_refused")
    assert events_of(timed) == ["program.armed", "program.undo_requested", "program.undo_failed"]


def test_lock_now_when_pressed_then_the_way_back_comes_before_its_time_and_not_again(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()

    undo_now(timed_id=timed.id, membership=membership)
    carry()
    undo_due()
    let_pass(timed, minutes=3)
    undo_due()

    assert (stands(timed), car.requests()) == (("done", ""), ["unlock", "lock"])
    with pytest.raises(TimedOver):
        undo_now(timed_id=timed.id, membership=membership)


def test_keep_unlocked_when_pressed_then_there_is_no_way_back(link, car, membership, let_pass):
    timed = start(link, membership, Unlock(), minutes=2)
    carry()

    drop_way_back(timed_id=timed.id, actor=membership.user.actor)
    let_pass(timed, minutes=3)
    undo_due()

    assert (stands(timed), car.requests()) == (("dropped", "kept"), ["unlock"])
    with pytest.raises(TimedOver):
        drop_way_back(timed_id=timed.id, actor=membership.user.actor)


def test_start_when_repeated_with_its_key_then_there_is_one_promise(link, membership):
    first = start(link, membership, Unlock(), minutes=2, idempotency_key="form:1")
    again = start(link, membership, Unlock(), minutes=2, idempotency_key="form:1")

    assert first == again
    assert events_of(first) == ["program.armed"]


def test_start_when_let_go_a_moment_ago_then_the_same_unlock_has_a_way_back_again(link, membership):
    timed = start(link, membership, Unlock(), minutes=2)
    drop_way_back(timed_id=timed.id, actor=membership.user.actor)

    again = start(link, membership, Unlock(), minutes=5)

    assert (again.id, again.state, again.minutes, again.finished_at) == (timed.id, "armed", 5, None)


def test_start_when_the_old_state_is_not_known_then_nothing_is_promised_and_nothing_sent(
    membership, simulator, as_owner
):
    not_charging = join_simulated_car(membership, simulator, state={"charge_limit_percent": 80})
    silent = join_simulated_car(membership, simulator, scopes=["read_vin", "control_charge"])
    hour = timezone.now() + timedelta(hours=1)
    refused = []
    for link, order in (
        (not_charging, StopCharge()),
        (not_charging, SetChargeLimit(limit_percent=80)),
        (silent, StopCharge()),
        (silent, SetChargeLimit(limit_percent=90)),
    ):
        with pytest.raises(NothingToRestore) as error:
            start(link, membership, order, until=hour)
        refused.append(error.value.code)

    assert refused == ["not_charging", "same_limit", "not_known", "not_known"]
    assert not Command.objects.exists()


def test_start_when_the_car_cannot_do_the_way_back_then_it_is_not_sent_there(membership, simulator):
    link = join_simulated_car(membership, simulator, not_capable=["climate.stop"])

    with pytest.raises(NoWayBack) as refused:
        start(link, membership, StartClimate(), minutes=15)

    assert refused.value.code in {"not_capable", "not_equipped"}
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("options", "field", "code"),
    [
        ({"minutes": 0}, "minutes", "out_of_range"),
        ({"minutes": 61}, "minutes", "out_of_range"),
        ({}, "minutes", "missing"),
        ({"until": timedelta(minutes=-1)}, "until", "in_the_past"),
        ({"until": timedelta(hours=25)}, "until", "too_far"),
    ],
)
def test_start_when_the_time_makes_no_sense_then_it_is_refused_at_its_field(link, membership, options, field, code):
    given = {name: timezone.now() + value if name == "until" else value for name, value in options.items()}

    with pytest.raises(InvalidParameter) as refused:
        start(link, membership, Unlock(), **given)

    assert (refused.value.field, refused.value.code) == (field, code)
