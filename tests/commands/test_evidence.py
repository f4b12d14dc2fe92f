"""What counts as proof, with every time passed in: all commands against every reading, settling, windows, waits."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.evidence import (
    OFFLINE_WINDOW,
    Finding,
    can_be_read,
    is_contrary,
    judge_afterwards,
    judge_reading,
    judge_report,
    judge_window,
    next_look_s,
)
from fleet.adapters.commands import KINDS, Command, HonkHorn, Lock, StartCharge, Unlock, make_command
from fleet.adapters.errors import Accepted, Done, MaybeExecuted, NotExecuted
from fleet.adapters.settling import SETTLING
from fleet.adapters.signals import CHARGING_STATES, SIGNALS, Reading

ANSWERED = datetime(2026, 11, 23, 10, 2, 4, tzinfo=UTC)
PARAMETERS = {
    "set_charge_limit": {"limit_percent": 80},
    "set_temperature": {"temperature_c": 21.0},
    "send_destination": {"latitude": 53.5, "longitude": 10.0},
    "set_pin": {"pin": "1234"},
    "enable_valet": {"pin": "1234"},
}
# Per signal every value that a car may report, and per command those that prove it and those that say nothing.
VALUES: dict[str, list[object]] = {
    "charging_state": sorted(CHARGING_STATES),
    "charge_limit_percent": [50.0, 79.0, 80, 80.0, 100.0],
    "target_temperature_c": [15.0, 20.5, 20.9, 21, 21.1, 28.0],
}
PROVES = {
    "lock": [True],
    "unlock": [False],
    "start_charge": ["charging", "complete"],
    "stop_charge": ["complete", "connected", "disconnected", "discharging", "fault", "no_power", "stopped"],
    "set_charge_limit": [80, 80.0],
    "open_charge_port": [True],
    "close_charge_port": [False],
    "start_climate": [True],
    "stop_climate": [False],
    "set_temperature": [20.9, 21, 21.1],
    "open_trunk": [True],
    "close_trunk": [False],
    "open_frunk": [True],
    "close_frunk": [False],
    "set_pin": [True],
    "reset_pin": [False],
    "enable_valet": [True],
    "disable_valet": [False],
    "start_engine": [True],
    "stop_engine": [False],
}
SAYS_NOTHING = {"start_charge": ["starting", "unknown"], "stop_charge": ["unknown"]}
UNREPORTED = {"send_destination", "flash_lights", "honk_horn"}


def order_of(kind: str) -> Command:
    return make_command(kind, PARAMETERS.get(kind, {}))


def after(seconds: float) -> datetime:
    return ANSWERED + timedelta(seconds=seconds)


def judge(order: Command, value: object, *, seconds: float, before: object = None, is_overtaken: bool = False):
    reading = Reading(value, after(seconds))
    return judge_reading(order, reading, before=before, answered_at=ANSWERED, is_overtaken=is_overtaken)


def end(order: Command, reading: Reading | None, *, seconds: float, **more: object) -> Finding | None:
    return judge_window(order, reading, answered_at=ANSWERED, now=after(seconds), **more)  # type: ignore[arg-type]


CASES = [(kind, value) for kind in sorted(PROVES) for value in VALUES.get(KINDS[kind].signal or "", [True, False])]


def test_commands_when_listed_then_each_is_in_the_table_or_reported_by_nothing():
    assert sorted([*PROVES, *UNREPORTED]) == sorted(KINDS) == sorted(SETTLING)
    assert {kind for kind in KINDS if KINDS[kind].signal is None} == UNREPORTED


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_reading_when_it_comes_after_the_answer_then_it_proves_only_what_was_ordered(kind, value):
    found = judge(order_of(kind), value, seconds=1)

    proves = any(value is wanted or (value == wanted and type(value) is type(wanted)) for wanted in PROVES[kind])
    proof = Finding("confirmed", evidence="readback", value=value, observed_at=after(1))
    assert found == (proof if proves else None)


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_reading_when_it_is_not_newer_than_the_answer_then_it_proves_nothing(kind, value):
    assert [judge(order_of(kind), value, seconds=seconds) for seconds in (0, -0.001, -3600)] == [None] * 3


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_reading_when_a_later_command_of_the_family_was_sent_then_it_proves_nothing(kind, value):
    assert judge(order_of(kind), value, seconds=100, is_overtaken=True) is None


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_contrary_reading_when_the_command_has_not_settled_then_it_means_nothing(kind, value):
    order = order_of(kind)

    soon, late = (Reading(value, after(order.settle_s + more)) for more in (0, 0.001))

    contrary = value not in PROVES[kind] and value not in SAYS_NOTHING.get(kind, [])
    assert is_contrary(order, soon, answered_at=ANSWERED) is False
    assert is_contrary(order, late, answered_at=ANSWERED) is contrary


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_window_when_it_ends_then_a_contrary_car_contradicts_and_a_silent_one_proves_nothing(kind, value):
    order = order_of(kind)
    reading = Reading(value, after(order.window_s - 1))
    contrary = value not in PROVES[kind] and value not in SAYS_NOTHING.get(kind, [])

    early = end(order, reading, seconds=order.window_s - 0.001)
    ended = end(order, reading, seconds=order.window_s)

    code = "contradicted" if contrary else "not_proved"
    assert early is None
    assert ended == Finding("unresolved", code=code, value=value, observed_at=reading.observed_at)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_window_when_it_ends_without_any_reading_then_it_is_not_proved_and_never_failed(kind):
    order = order_of(kind)

    assert end(order, None, seconds=order.window_s) == Finding("unresolved", code="not_proved")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_settling_when_looked_up_then_it_is_well_before_the_end_of_the_window(kind):
    order = order_of(kind)

    assert 0 < order.settle_s * 4 <= order.window_s <= 300


@pytest.mark.parametrize(
    ("order", "before", "value", "evidence"),
    [
        (Lock(), True, True, "already"),
        (Lock(), False, True, "readback"),
        (Lock(), None, True, "readback"),
        (StartCharge(), "charging", "complete", "already"),
        (StartCharge(), "stopped", "charging", "readback"),
    ],
)
def test_reading_when_the_car_was_so_before_then_it_is_no_proof_that_the_command_did_it(order, before, value, evidence):
    found = judge(order, value, seconds=2, before=before)

    assert found == Finding("confirmed", evidence=evidence, value=value, observed_at=after(2))


def test_window_when_the_car_sleeps_then_it_gets_a_day():
    old = Reading(False, after(-60))

    assert end(Lock(), old, seconds=3600, window=OFFLINE_WINDOW) is None
    assert end(Lock(), old, seconds=86_400, window=OFFLINE_WINDOW) == Finding(
        "unresolved", code="not_proved", value=False, observed_at=after(-60)
    )


def test_window_when_the_maker_reported_it_done_then_that_is_the_proof_unless_the_car_says_otherwise():
    locked_late, open_late = Reading(True, after(-5)), Reading(False, after(100))

    assert end(Lock(), locked_late, seconds=239, has_report=True) is None
    assert end(Lock(), locked_late, seconds=240, has_report=True) == Finding("confirmed", evidence="provider")
    assert end(Lock(), None, seconds=240, has_report=True, window=OFFLINE_WINDOW) == Finding(
        "confirmed", evidence="provider"
    )
    assert end(Lock(), open_late, seconds=240, has_report=True) == Finding(
        "unresolved", code="contradicted", value=False, observed_at=after(100)
    )


def test_window_when_a_later_command_overtook_this_one_then_its_readings_speak_for_the_later():
    reading = Reading(False, after(100))

    assert end(Lock(), reading, seconds=240, is_overtaken=True) == Finding(
        "unresolved", code="overtaken", value=False, observed_at=after(100)
    )


ALL = sorted({signal.scope for signal in SIGNALS.values()})


@pytest.mark.parametrize(
    ("order", "scopes", "verdict", "finding"),
    [
        (HonkHorn(), ALL, Done("provider"), Finding("confirmed", evidence="provider")),
        (Unlock(), ALL, Done("provider"), None),
        (Unlock(), ["control_security"], Done("provider"), Finding("confirmed", evidence="provider")),
        (
            Unlock(),
            ALL,
            NotExecuted("vehicle_refused", "door_open"),
            Finding("failed", "", "vehicle_refused", "door_open"),
        ),
        (Unlock(), ALL, Accepted("r"), None),
        (Unlock(), ALL, MaybeExecuted(), None),
        (HonkHorn(), ALL, None, None),
    ],
)
def test_report_when_the_maker_makes_one_then_done_waits_for_a_car_that_can_be_read(order, scopes, verdict, finding):
    assert judge_report(verdict, order=order, scopes=scopes) == finding


def test_reading_when_the_owner_did_not_allow_it_then_the_car_cannot_be_read():
    assert [can_be_read(Unlock(), ALL), can_be_read(Unlock(), ["read_vin"]), can_be_read(HonkHorn(), ALL)] == [
        True,
        False,
        False,
    ]


def test_looks_when_nothing_comes_then_they_grow_apart_and_the_last_is_at_the_end_of_the_window():
    seconds, looks = 30.0, []
    while end(Lock(), None, seconds=seconds) is None:
        seconds += next_look_s(Lock(), answered_at=ANSWERED, now=after(seconds))
        looks.append(seconds)

    assert looks == [60.0, 120.0, 180.0, 240.0]


def test_looks_when_the_car_sleeps_then_there_are_few_in_a_day():
    seconds, looks = 30.0, 0
    while end(Lock(), None, seconds=seconds, window=OFFLINE_WINDOW) is None:
        seconds += next_look_s(Lock(), answered_at=ANSWERED, now=after(seconds), window=OFFLINE_WINDOW)
        looks += 1

    assert (looks, seconds) == (106, 86_400.0)


def afterwards(evidence: str, *, seconds: float, value: object = False, is_read: bool = False, proved_s: float = 1):
    return judge_afterwards(
        Lock(),
        Reading(value, after(seconds)),
        evidence=evidence,
        is_read=is_read,
        answered_at=ANSWERED,
        finished_at=after(2),
        proved_at=after(proved_s) if is_read else None,
    )


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (afterwards("vehicle_ack", seconds=31), "alert"),
        (afterwards("provider", seconds=602), "alert"),
        (afterwards("already", seconds=60), "alert"),
        (afterwards("provider", seconds=30), ""),
        (afterwards("provider", seconds=603), ""),
        (afterwards("provider", seconds=60, value=True), ""),
        (afterwards("provider", seconds=60, value=None), ""),
        # The car itself had said so: a later opposite is somebody's hand, a very early one a wavering cloud.
        (afterwards("readback", is_read=True, seconds=60), ""),
        (afterwards("readback", is_read=True, seconds=20), "event"),
        (afterwards("already", is_read=True, seconds=60), ""),
    ],
)
def test_reading_when_it_comes_after_a_confirmation_then_only_an_unproved_one_raises_an_alarm(given, meaning):
    assert given == meaning
