"""Days and times of schedules: leap days, the turn of the year, holidays; rules that are none."""

from datetime import date, datetime, time

import pytest

from commands.programs.calendars import holiday_name
from commands.programs.recurrence import BadRule, Occurrence, Plan, check_rule, occurrences

WORKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"


def berlin(day: date) -> str:
    return holiday_name("DE", "BE", day)


def none(day: date) -> str:
    return ""


def local(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 - a local time is what this is about


def plan(rule: str, **fields) -> Plan:
    given = {"starts_on": date(2026, 1, 1), "at": time(6, 30), "ends_on": None, "on_holiday": "run", "holiday": none}
    return Plan(rule=rule, **{**given, **fields})


def days(made: Plan, first: date, last: date) -> list[date]:
    return [found.local_at.date() for found in occurrences(made, first=first, last=last) if not found.is_skipped]


def test_yearly_when_it_began_on_a_leap_day_then_it_comes_in_leap_years_only():
    made = plan("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", starts_on=date(2024, 2, 29))

    assert days(made, date(2024, 1, 1), date(2033, 1, 1)) == [date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)]


def test_month_end_when_the_months_differ_then_it_is_the_last_day_of_each():
    made = plan("FREQ=MONTHLY;BYMONTHDAY=-1")

    assert days(made, date(2028, 1, 1), date(2028, 4, 30)) == [
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]


def test_monthly_on_the_31st_when_a_month_is_shorter_then_it_is_left_out():
    made = plan("FREQ=MONTHLY;BYMONTHDAY=31")

    assert days(made, date(2026, 1, 1), date(2026, 5, 31)) == [date(2026, 1, 31), date(2026, 3, 31), date(2026, 5, 31)]


def test_every_second_week_when_the_year_turns_then_the_weeks_go_on_counting():
    made = plan("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", starts_on=date(2026, 12, 10))

    assert days(made, date(2026, 12, 1), date(2027, 1, 31)) == [
        date(2026, 12, 10),
        date(2026, 12, 24),
        date(2027, 1, 7),
        date(2027, 1, 21),
    ]


def test_once_when_its_day_is_asked_for_then_it_is_there_and_on_no_other():
    made = plan("", starts_on=date(2026, 12, 31))

    assert days(made, date(2026, 1, 1), date(2030, 1, 1)) == [date(2026, 12, 31)]
    assert days(made, date(2027, 1, 1), date(2030, 1, 1)) == []


def test_end_when_it_has_come_then_its_own_day_still_counts_and_no_later_one():
    made = plan("FREQ=DAILY", ends_on=date(2026, 3, 2))

    assert days(made, date(2026, 2, 28), date(2026, 3, 10)) == [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]


def test_holidays_when_skipped_then_the_occurrence_says_which_one():
    made = plan(WORKDAYS, on_holiday="skip", holiday=berlin)

    found = list(occurrences(made, first=date(2026, 12, 24), last=date(2026, 12, 28)))

    assert found == [
        Occurrence(local(2026, 12, 24, 6, 30)),
        Occurrence(local(2026, 12, 25, 6, 30), holiday="Erster Weihnachtstag", is_skipped=True),
        Occurrence(local(2026, 12, 28, 6, 30)),
    ]


def test_holidays_when_moved_then_it_runs_on_the_next_working_day_and_only_once():
    made = plan("FREQ=WEEKLY;BYDAY=FR", on_holiday="move", holiday=berlin)
    daily = plan(WORKDAYS, on_holiday="move", holiday=berlin)

    # Friday, New Year's Day 2027: the next working day is the Monday after.
    assert list(occurrences(made, first=date(2026, 12, 30), last=date(2027, 1, 7))) == [
        Occurrence(local(2027, 1, 4, 6, 30), moved_from=date(2027, 1, 1), holiday="Neujahr")
    ]
    assert days(daily, date(2026, 12, 31), date(2027, 1, 5)) == [
        date(2026, 12, 31),
        date(2027, 1, 4),
        date(2027, 1, 5),
    ]


def test_holidays_when_several_days_of_ones_own_follow_then_all_are_passed_over():
    own = {date(2026, 12, day) for day in range(21, 32)}
    made = plan("", starts_on=date(2026, 12, 21), on_holiday="move", holiday=lambda day: "own" * (day in own))

    assert days(made, date(2026, 12, 1), date(2027, 1, 31)) == [date(2027, 1, 1)]


def test_holiday_names_when_a_region_has_its_own_then_it_differs_from_the_rest():
    womens_day, day_off_in_the_us = date(2026, 3, 8), date(2026, 11, 26)

    assert (holiday_name("DE", "BE", womens_day), holiday_name("DE", "BY", womens_day)) == (
        "Frauentag",
        "",
    )
    assert holiday_name("US", "", day_off_in_the_us) == "Thanksgiving Day"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("every day", "not_a_rule"),
        ("", "not_a_rule"),
        ("FREQ=HOURLY", "frequency"),
        ("INTERVAL=2", "frequency"),
        ("FREQ=DAILY;COUNT=3", "unknown_part"),
        ("FREQ=DAILY;BYHOUR=3", "unknown_part"),
        ("FREQ=DAILY;INTERVAL=0", "not_a_rule"),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", "not_a_rule"),
        ("FREQ=WEEKLY;BYDAY=XX", "not_a_rule"),
        ("FREQ=DAILY;BYMONTH=A", "not_a_rule"),
        ("FREQ=DAILY\nEXDATE:20260101", "not_a_rule"),
        ("FREQ=DAILY;BYDAY=" + "MO," * 100, "too_long"),
    ],
)
def test_rule_when_it_is_not_one_that_we_take_then_it_is_refused_with_the_reason(raw, code):
    with pytest.raises(BadRule) as refused:
        check_rule(raw)

    assert refused.value.code == code


def test_rule_when_written_in_another_way_then_it_means_the_same():
    assert check_rule(" rrule:freq=monthly;byday=1mo ") == "FREQ=MONTHLY;BYDAY=1MO"


def test_rule_when_it_never_falls_then_the_search_ends():
    made = plan(check_rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"))

    assert days(made, date(2026, 1, 1), date(2036, 1, 1)) == []
