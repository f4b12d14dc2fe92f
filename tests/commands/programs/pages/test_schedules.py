"""Pages of schedules: who may what, bad values at their fields, the dry run, as many queries for one as for thirty."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.jobs.models import Job
from commands.programs.models import Schedule
from commands.programs.running import run_due_schedules
from commands.programs.schedules import create_schedule
from fleet.adapters.commands import FlashLights
from fleet.vehicles.models import SavedFilter, Vehicle
from tests.commands.programs.scheduling import make_schedule, wish
from tests.factories import PASSWORD

FILLED_IN = {
    "name": "Early shift",
    "kind": "start_climate",
    "temperature_c": "21.5",
    "saved_filter": "",
    "repeat": "weekdays",
    "every": "1",
    "starts_on": "2027-03-01",
    "at": "06:30",
    "time_zone": "car",
    "on_holiday": "skip",
    "holiday_country": "DE",
    "holiday_region": "be",
    "own_dates": "2027-12-24, 2027-12-31",
    "grace_min": "10",
    "within_min": "60",
    "do": "save",
}


def errors_of(answer) -> dict[str, list[str]]:
    return {name: list(errors) for name, errors in answer.context["form"].errors.items()}


def test_new_when_filled_in_then_it_is_kept_and_said_in_one_plain_sentence(cast, link, browser_of):
    berlin = SavedFilter.objects.create(team=cast.owner.team, name="Vans Berlin", values={})
    browser = browser_of(cast.operator)

    answer = browser.post("/schedules/new/", {**FILLED_IN, "saved_filter": str(berlin.id)})

    schedule = Schedule.objects.get()
    page = browser.get(answer.url).content.decode()
    assert answer.url == f"/schedules/{schedule.id}/"
    assert (schedule.membership_id, schedule.rule, schedule.time_zone, schedule.parameters) == (
        cast.operator.id,
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "",
        {"temperature_c": 21.5},
    )
    assert (schedule.holiday_region, schedule.own_dates) == ("BE", [date(2027, 12, 24), date(2027, 12, 31)])
    assert (
        "Every weekday (Monday to Friday) at 06:30, in each car’s own time zone: "
        "Start climate 21.5\N{NO-BREAK SPACE}°C, for “Vans Berlin” (1 car today)."
    ) in page
    assert "Mon 1 Mar 2027, 06:30" in page
    assert "Left out: Frauentag" in page


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "a\x07b"}, "name", "This text holds characters that can’t be shown."),
        ({"kind": "set_pin"}, "kind", "Select a valid choice. set_pin is not one of the available choices."),
        ({"temperature_c": "99"}, "temperature_c", "Ensure this value is less than or equal to 28.0."),
        ({"temperature_c": "21.3"}, "temperature_c", "Only steps of 0.5 are possible."),
        ({"kind": "set_charge_limit"}, "limit_percent", "Please fill this in."),
        ({"starts_on": "31.12.2027"}, "starts_on", "Enter a valid date."),
        ({"starts_on": "2020-01-01", "repeat": "once"}, "starts_on", "On none of the coming days would this ever run."),
        ({"at": "25:00"}, "at", "Enter a valid time."),
        ({"ends_on": "2027-01-01"}, "ends_on", "The last day is before the first."),
        ({"time_zone": "Mars/Base"}, "time_zone", None),
        ({"repeat": "rule", "rule": "FREQ=MINUTELY"}, "rule", "Begin with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY."),
        ({"repeat": "rule", "rule": ""}, "rule", None),
        ({"repeat": "daily", "every": "0"}, "every", "Ensure this value is greater than or equal to 1."),
        ({"holiday_country": ""}, "holiday_region", "This country has no regions with holidays of their own."),
        ({"holiday_region": "XX"}, "holiday_region", None),
        ({"own_dates": "Christmas"}, "own_dates", "Write dates as year-month-day, for example 2026-12-24."),
        ({"grace_min": "0"}, "grace_min", "Ensure this value is greater than or equal to 1."),
        ({"saved_filter": "0b0c1d2e-0000-4000-8000-000000000000"}, "saved_filter", None),
    ],
)
def test_new_when_a_value_is_wrong_then_its_field_says_so_and_nothing_is_kept(
    cast, link, browser_of, changed, field, says
):
    answer = browser_of(cast.owner).post("/schedules/new/", FILLED_IN | changed)

    errors = errors_of(answer)
    assert (answer.status_code, field in errors) == (422, True), errors
    assert says is None or errors[field] == [says]
    assert not Schedule.objects.exists()


def test_dry_run_when_asked_for_then_it_shows_the_next_times_and_keeps_nothing(cast, link, browser_of):
    Vehicle.objects.update(time_zone="Europe/Berlin")
    night = {"repeat": "daily", "at": "02:30", "starts_on": "2027-03-27", "on_holiday": "run", "holiday_region": ""}

    answer = browser_of(cast.owner).post("/schedules/new/", FILLED_IN | night | {"do": "dry", "kind": "flash_lights"})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert [row.local for row in answer.context["dry"]["planned"]][:2] == [
        "Sat 27 Mar 2027, 02:30",
        "Sun 28 Mar 2027, 02:30",
    ]
    assert "The clocks go forward: this time does not exist, so it runs at 03:00." in page
    assert not Schedule.objects.exists()


def test_risky_when_nobody_proved_lately_who_they_are_then_the_password_is_asked_for(cast, link, browser_of):
    browser = browser_of(cast.owner, lately=False)
    unlock = FILLED_IN | {"kind": "unlock"}

    answers = [browser.post("/schedules/new/", unlock | {"password": word}) for word in ("", "not it", PASSWORD)]

    assert [answer.status_code for answer in answers] == [422, 422, 302]
    assert [schedule.kind for schedule in Schedule.objects.all()] == ["unlock"]
    assert "not it" not in answers[1].content.decode()


def test_risky_for_many_cars_when_saved_then_their_number_is_asked_for(cast, link, browser_of, monkeypatch):
    monkeypatch.setattr("commands.jobs.services.NUMBER_ABOVE", 0)
    browser = browser_of(cast.owner)
    honk = FILLED_IN | {"kind": "honk_horn"}

    answers = [browser.post("/schedules/new/", honk | {"confirmed_count": number}) for number in ("", "2", "1")]

    assert [answer.status_code for answer in answers] == [422, 422, 302]
    assert errors_of(answers[0]) == {
        "confirmed_count": ["This goes to 1 cars. Type this number to say that you mean it."]
    }
    assert Schedule.objects.get().confirmed_count == 1


def test_pages_when_a_viewer_looks_then_they_see_everything_and_may_change_nothing(cast, link, browser_of):
    schedule = make_schedule(cast.owner)
    browser = browser_of(cast.viewer)

    seen = [browser.get(path).status_code for path in ("/schedules/", f"/schedules/{schedule.id}/")]
    page = browser.get(f"/schedules/{schedule.id}/").content.decode()
    refused = [
        browser.post(f"/schedules/{schedule.id}/{verb}/").status_code for verb in ("pause", "resume", "remove", "edit")
    ]

    assert (seen, refused) == ([200, 200], [403, 403, 403, 403])
    assert "/pause/" not in page
    assert browser.get("/schedules/new/").status_code == 403


def test_pages_when_an_outsider_asks_then_there_is_no_such_schedule(cast, link, browser_of):
    schedule = make_schedule(cast.owner)
    browser = browser_of(cast.outsider)

    statuses = [
        browser.get(f"/schedules/{schedule.id}/").status_code,
        browser.get(f"/schedules/{schedule.id}/edit/").status_code,
    ]
    statuses += [
        browser.post(f"/schedules/{schedule.id}/{verb}/").status_code for verb in ("pause", "resume", "remove")
    ]

    assert statuses == [404] * 5
    assert schedule.name not in browser.get("/schedules/").content.decode()


def test_schedule_when_paused_resumed_and_removed_then_the_pages_follow(cast, link, browser_of):
    schedule = make_schedule(cast.owner)
    browser = browser_of(cast.operator)
    states = []

    for verb in ("pause", "resume", "remove"):
        browser.post(f"/schedules/{schedule.id}/{verb}/")
        schedule.refresh_from_db()
        states.append(schedule.state)

    assert states == ["paused", "active", "removed"]
    assert schedule.membership_id == cast.operator.id
    assert browser.get(f"/schedules/{schedule.id}/").status_code == 404


def test_edit_when_opened_and_saved_then_nothing_but_the_name_changed(cast, link, browser_of):
    made = make_schedule(cast.owner, rule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", on_holiday="move", holiday_country="AT")
    browser = browser_of(cast.owner)
    shown = browser.get(f"/schedules/{made.id}/edit/").context["form"].initial

    answer = browser.post(f"/schedules/{made.id}/edit/", {**shown, "name": "Another name", "do": "save"})

    changed = Schedule.objects.get()
    assert answer.status_code == 302
    assert changed.name == "Another name"
    kept = ("kind", "parameters", "rule", "starts_on", "at", "ends_on", "time_zone", "on_holiday", "holiday_country")
    assert {name: getattr(changed, name) for name in kept} == {name: getattr(made, name) for name in kept}


def test_history_when_a_run_started_then_it_links_to_its_job(cast, link, browser_of, let_pass):
    due_at = timezone.now() + timedelta(minutes=30)
    schedule = create_schedule(wish=wish(FlashLights(), due_at), membership=cast.owner)
    let_pass(schedule, minutes=31)

    run_due_schedules()

    job = Job.objects.get()
    page = browser_of(cast.viewer).get(f"/schedules/{schedule.id}/").content.decode()
    assert f"/jobs/{job.id}/" in page
    assert "Over" in page


def test_list_when_it_has_thirty_rows_then_it_asks_as_often_as_with_one(cast, link, browser_of):
    browser = browser_of(cast.owner)
    make_schedule(cast.owner)
    browser.get("/schedules/")
    with CaptureQueriesContext(
        connection,
    ) as one:
        browser.get("/schedules/")
    for number in range(29):
        make_schedule(cast.owner, name=f"Number {number}")

    with CaptureQueriesContext(connection) as thirty:
        page = browser.get("/schedules/").content.decode()

    assert page.count("/schedules/") > 30
    assert len(thirty) == len(one)
