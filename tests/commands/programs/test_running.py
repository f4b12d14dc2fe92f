"""Schedules by a clock that is turned: each local occurrence once, whatever clocks, beats and people do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time

import pytest
from django.db import connection

from commands.jobs.models import Job, JobItem
from commands.programs.models import Schedule, ScheduleRun
from commands.programs.running import run_due_schedules
from commands.programs.schedules import (
    NotAllowed,
    change_schedule,
    create_schedule,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)
from fleet.adapters.commands import FlashLights, HonkHorn, SetPin
from fleet.adapters.rules import InvalidParameter
from fleet.events.models import Event
from fleet.teams.roles import Role
from fleet.teams.services import change_role, remove_member
from fleet.vehicles.models import SavedFilter, Vehicle
from tests.commands.programs.scheduling import daily, wish
from tests.factories import join_simulated_car, make_member, make_team


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def runs() -> list[tuple[str, datetime, str, str]]:
    rows = ScheduleRun.objects.order_by("due_at", "zone")
    return [(run.zone, run.due_at, run.note, run.state) for run in rows]


def state_of(schedule: Schedule) -> tuple[str, str]:
    schedule.refresh_from_db()
    return schedule.state, schedule.reason


def put_into_zone(link, zone: str) -> None:
    Vehicle.objects.filter(pk=link.vehicle_id).update(time_zone=zone)


def tick_around(clock, moment: datetime) -> int:
    """Tick a minute before and a minute after a moment; return how many runs the second one started."""
    parts = moment.timetuple()[:5]
    clock.set(*parts)
    clock.as_owner.execute("UPDATE turned.clock SET at = at - interval '1 minute'")
    assert run_due_schedules() == 0
    clock.as_owner.execute("UPDATE turned.clock SET at = at + interval '2 minutes'")
    return run_due_schedules()


@pytest.mark.parametrize(
    ("zone", "before", "expected"),
    [
        # 29 March 2026, 02:30 is not there: it runs at 03:00 summer time, once, and the next day at 02:30 again.
        (
            "Europe/Berlin",
            (2026, 3, 28, 0, 0),
            [
                (utc(2026, 3, 28, 1, 30), ""),
                (utc(2026, 3, 29, 1, 0), "gap"),
                (utc(2026, 3, 30, 0, 30), ""),
            ],
        ),
        # 25 October, 02:30 comes twice: the first time only.
        (
            "Europe/Berlin",
            (2026, 10, 23, 23, 0),
            [
                (utc(2026, 10, 24, 0, 30), ""),
                (utc(2026, 10, 25, 0, 30), "twice"),
                (utc(2026, 10, 26, 1, 30), ""),
            ],
        ),
        (
            "America/New_York",
            (2026, 3, 7, 0, 0),
            [
                (utc(2026, 3, 7, 7, 30), ""),
                (utc(2026, 3, 8, 7, 0), "gap"),
                (utc(2026, 3, 9, 6, 30), ""),
            ],
        ),
    ],
)
def test_schedule_when_clocks_change_then_each_day_has_its_one_run(clock, link, membership, zone, before, expected):
    clock.set(*before)
    put_into_zone(link, zone)
    create_schedule(wish=daily(FlashLights(), time(2, 30)), membership=membership)

    started = [tick_around(clock, moment) for moment, _ in expected]
    # The second 02:30 of October, and every hour in between, starts nothing more.
    for hour in range(24):
        clock.set(*expected[1][0].timetuple()[:3], hour, 31)
        started.append(run_due_schedules())

    assert sum(started) == 3
    assert runs() == [(zone, moment, note, "started") for moment, note in expected]
    assert Job.objects.count() == 3


def test_schedule_when_cars_are_in_two_zones_then_each_gets_it_at_its_own_hour(clock, link, membership, simulator):
    clock.set(2026, 6, 1, 0, 0)
    other = join_simulated_car(membership, simulator)
    put_into_zone(link, "Europe/Berlin")
    put_into_zone(other, "America/New_York")
    create_schedule(wish=daily(FlashLights(), time(6, 30)), membership=membership)

    started = [tick_around(clock, utc(2026, 6, 1, 4, 30)), tick_around(clock, utc(2026, 6, 1, 10, 30))]

    cars = {
        run.zone: list(JobItem.objects.filter(job=run.job).values_list("vehicle_id", flat=True))
        for run in ScheduleRun.objects.all()
    }
    assert started == [1, 1]
    assert cars == {"Europe/Berlin": [link.vehicle_id], "America/New_York": [other.vehicle_id]}
    jobs = list(Job.objects.values_list("origin", "kind", "state", "user_id"))
    assert jobs == [("schedule", "flash_lights", "running", membership.user_id)] * 2


def test_schedule_when_two_beats_tick_at_once_then_there_is_one_job(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    create_schedule(wish=wish(FlashLights(), utc(2026, 6, 1, 6, 30)), membership=membership)
    clock.set(2026, 6, 1, 6, 31)

    def tick() -> int:
        try:
            return run_due_schedules()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        started = [future.result() for future in [pool.submit(tick) for _ in range(8)]]

    assert sum(started) == 1
    assert Job.objects.count() == 1


def test_schedule_when_the_clock_is_put_back_then_nothing_runs_twice(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    clock.set(2026, 6, 1, 6, 31)
    first = run_due_schedules()

    clock.set(2026, 6, 1, 5, 0)
    again = [
        run_due_schedules(),
        tick_around(clock, utc(2026, 6, 1, 6, 30)),
        tick_around(clock, utc(2026, 6, 2, 6, 30)),
    ]

    assert (first, again) == (1, [0, 0, 1])
    assert [run[1] for run in runs()] == [utc(2026, 6, 1, 6, 30), utc(2026, 6, 2, 6, 30)]


def test_schedule_when_the_clock_ran_ahead_and_is_put_right_then_what_it_passed_over_still_runs(
    clock, link, membership
):
    clock.set(2026, 6, 1, 6, 0)
    create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    clock.set(2026, 9, 1, 0, 0)
    ahead = run_due_schedules()
    missed = len(runs())

    clock.set(2026, 6, 1, 6, 10)
    back = run_due_schedules()
    started = [tick_around(clock, utc(2026, 6, day, 6, 30)) for day in (1, 2)]

    assert (ahead, missed, back, started) == (0, 92, 0, [1, 1])
    assert Job.objects.count() == 2


def test_schedule_when_nothing_ran_at_its_time_then_within_the_grace_it_runs_and_later_it_is_missed(
    clock, link, membership
):
    clock.set(2026, 6, 1, 6, 0)
    create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    clock.set(2026, 6, 1, 6, 40)
    in_time = run_due_schedules()
    clock.set(2026, 6, 2, 6, 41)
    late = run_due_schedules()
    clock.set(2026, 6, 2, 6, 42)
    never = run_due_schedules()

    assert (in_time, late, never) == (1, 0, 0)
    assert [run[1:] for run in runs()] == [
        (utc(2026, 6, 1, 6, 30), "", "started"),
        (utc(2026, 6, 2, 6, 30), "", "missed"),
    ]
    assert Event.objects.filter(kind="schedule.missed").count() == 1
    assert Job.objects.count() == 1


def test_schedule_when_its_day_is_a_holiday_then_it_is_left_out_and_the_history_names_it(clock, link, membership):
    clock.set(2026, 12, 24, 12, 0)
    order = daily(FlashLights(), time(6, 30), time_zone="Europe/Berlin", on_holiday="skip", holiday_country="DE")
    create_schedule(wish=order, membership=membership)

    started = [tick_around(clock, utc(2026, 12, day, 5, 30)) for day in (25, 26, 27)]

    assert started == [0, 0, 1]
    assert list(ScheduleRun.objects.order_by("due_at").values_list("state", "holiday")) == [
        ("holiday", "Erster Weihnachtstag"),
        ("holiday", "Zweiter Weihnachtstag"),
        ("started", ""),
    ]


def test_schedule_when_its_maker_left_the_team_then_it_pauses_and_says_why(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    operator = make_member(membership.team, Role.OPERATOR)
    schedule = create_schedule(wish=wish(FlashLights(), utc(2026, 6, 1, 6, 30)), membership=operator)
    remove_member(membership=operator, actor=membership.user.actor)
    clock.set(2026, 6, 1, 6, 31)

    started = run_due_schedules()

    assert (started, state_of(schedule), runs()) == (0, ("paused", "membership_ended"), [])
    paused = Event.objects.get(kind="schedule.paused")
    assert (paused.actor, paused.data["reason"]) == ("system:programs", "membership_ended")


def test_schedule_when_its_makers_role_became_too_small_then_it_pauses_before_its_time(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    operator = make_member(membership.team, Role.OPERATOR)
    schedule = create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=operator)
    change_role(membership=operator, role=Role.VIEWER, actor=membership.user.actor)
    clock.set(2026, 6, 1, 6, 2)

    run_due_schedules()
    operator.refresh_from_db()

    assert state_of(schedule) == ("paused", "role")
    with pytest.raises(NotAllowed):
        resume_schedule(schedule_id=schedule.id, membership=operator)


def test_schedule_when_paused_and_resumed_then_what_was_due_meanwhile_is_not_made_up_for(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    schedule = create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    pause_schedule(schedule_id=schedule.id, actor=membership.user.actor)
    clock.set(2026, 6, 1, 6, 31)
    paused = run_due_schedules()

    resume_schedule(schedule_id=schedule.id, membership=membership)
    resumed = run_due_schedules()
    next_day = tick_around(clock, utc(2026, 6, 2, 6, 30))

    assert (paused, resumed, next_day) == (0, 0, 1)
    assert [run[1] for run in runs()] == [utc(2026, 6, 2, 6, 30)]


def test_schedule_when_removed_then_it_never_runs_and_its_runs_stay(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    schedule = create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    tick_around(clock, utc(2026, 6, 1, 6, 30))

    remove_schedule(schedule_id=schedule.id, actor=membership.user.actor)
    clock.set(2026, 6, 2, 6, 31)

    assert (run_due_schedules(), len(runs())) == (0, 1)


def test_schedule_when_it_ran_its_last_time_then_it_is_over(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    once = create_schedule(wish=wish(FlashLights(), utc(2026, 6, 1, 6, 30)), membership=membership)
    ending = daily(FlashLights(), time(6, 30), time_zone="UTC", ends_on=date(2026, 6, 2))
    twice = create_schedule(wish=ending, membership=membership)

    first = tick_around(clock, utc(2026, 6, 1, 6, 30))
    between = state_of(once)[0], state_of(twice)[0]
    second = tick_around(clock, utc(2026, 6, 2, 6, 30))

    assert (first, between) == (2, ("ended", "active"))
    assert (second, state_of(twice)[0]) == (1, "ended")


def test_schedule_when_changed_then_it_runs_at_the_new_time_in_the_name_of_whoever_changed_it(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    operator = make_member(membership.team, Role.OPERATOR)
    schedule = create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)

    change_schedule(schedule=schedule, wish=daily(FlashLights(), time(7, 30), time_zone="UTC"), membership=operator)
    started = [tick_around(clock, utc(2026, 6, 1, 6, 30)), tick_around(clock, utc(2026, 6, 1, 7, 30))]

    assert started == [0, 1]
    assert Job.objects.get().user_id == operator.user_id


def test_schedule_when_no_car_can_get_it_then_there_is_no_job_and_the_history_says_so(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    nothing = SavedFilter.objects.create(team=membership.team, name="Nothing", values={"makes": ["Nobody"]})
    create_schedule(wish=wish(FlashLights(), utc(2026, 6, 1, 6, 30), saved_filter=nothing), membership=membership)

    started = tick_around(clock, utc(2026, 6, 1, 6, 30))

    assert (started, [run[3] for run in runs()], Job.objects.count()) == (0, ["empty"], 0)


def test_risky_schedule_when_it_would_reach_more_cars_than_agreed_then_it_does_not_start(
    clock, link, membership, simulator, monkeypatch
):
    monkeypatch.setattr("commands.jobs.services.NUMBER_ABOVE", 1)
    clock.set(2026, 6, 1, 6, 0)
    join_simulated_car(membership, simulator)
    order = {"rule": "FREQ=DAILY"}
    with pytest.raises(InvalidParameter) as refused:
        create_schedule(wish=wish(HonkHorn(), utc(2026, 6, 1, 6, 30), **order), membership=membership)
    agreed = wish(HonkHorn(), utc(2026, 6, 1, 6, 30), confirmed_count=2, **order)
    create_schedule(wish=agreed, membership=membership)

    started = [tick_around(clock, utc(2026, 6, 1, 6, 30))]
    join_simulated_car(membership, simulator)
    started.append(tick_around(clock, utc(2026, 6, 2, 6, 30)))

    assert (refused.value.field, refused.value.limits) == ("confirmed_count", {"number": 2})
    assert started == [1, 0]
    assert list(ScheduleRun.objects.order_by("due_at").values_list("state", "reason")) == [
        ("started", ""),
        ("failed", "more_cars"),
    ]


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"starts_on": date(2026, 5, 1), "rule": ""}, "starts_on", "never"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "starts_on", "never"),
        ({"order": SetPin(pin="1234")}, "kind", "secret"),
    ],
)
def test_create_when_it_makes_no_sense_then_it_is_refused_at_its_field(clock, link, membership, fields, field, code):
    clock.set(2026, 6, 1, 6, 0)
    given = {"order": FlashLights(), "at": time(6, 30), **fields}

    with pytest.raises(InvalidParameter) as refused:
        create_schedule(wish=daily(given.pop("order"), given.pop("at"), **given), membership=membership)

    assert (refused.value.field, refused.value.code) == (field, code)
    assert not Schedule.objects.exists()


def test_schedule_when_one_is_broken_then_the_others_still_run(clock, link, membership, as_owner):
    clock.set(2026, 6, 1, 6, 0)
    broken = create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC"), membership=membership)
    create_schedule(wish=daily(FlashLights(), time(6, 30), time_zone="UTC", name="Whole"), membership=membership)
    as_owner.execute(
        "UPDATE programs_schedule SET rule = 'FREQ=NEVER', look_at = look_at - interval '1 day' WHERE id = %s",
        [broken.id],
    )

    started = tick_around(clock, utc(2026, 6, 1, 6, 30))

    assert started == 1
    assert ScheduleRun.objects.get().schedule.name == "Whole"


def test_create_when_the_filter_is_another_teams_then_it_is_refused(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    foreign = SavedFilter.objects.create(team=make_team("Another Fleet").team, name="Theirs", values={})

    with pytest.raises(InvalidParameter) as refused:
        create_schedule(wish=daily(FlashLights(), time(6, 30), saved_filter=foreign), membership=membership)

    assert refused.value.field == "saved_filter"


def test_create_when_the_role_is_too_small_then_it_is_not_allowed(clock, link, membership):
    clock.set(2026, 6, 1, 6, 0)
    viewer = make_member(membership.team, Role.VIEWER)

    with pytest.raises(NotAllowed):
        create_schedule(wish=daily(FlashLights(), time(6, 30)), membership=viewer)
