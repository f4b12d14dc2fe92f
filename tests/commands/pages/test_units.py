"""Miles and °F from the form to the history: what is kept and sent is metric, what a team reads is what it typed."""

import pytest

from commands.jobs.models import Job
from commands.models import Command
from commands.programs.models import Schedule
from commands.rules.models import TeamRule
from tests.commands.programs.pages.test_schedules import FILLED_IN as SCHEDULE
from tests.commands.rules.test_views import GOOD as RULES

SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture
def american(cast):
    """The cast, in a team that reads miles and °F."""
    cast.owner.team.distance_unit, cast.owner.team.temperature_unit = "mi", "f"
    cast.owner.team.save(update_fields=["distance_unit", "temperature_unit"])
    return cast


def test_temperature_when_typed_in_fahrenheit_then_every_page_says_what_was_typed(link, american, browser_of):
    browser = browser_of(american.manager)

    answer = browser.post(f"/vehicles/{link.vehicle_id}/commands/set_temperature/", {"temperature_f": "70"})

    command = Command.objects.get()
    assert (answer.status_code, command.parameters) == (302, {"temperature_c": 21.0})
    for url in (command.get_absolute_url(), "/commands/", f"/vehicles/{link.vehicle_id}/commands/latest/"):
        page = browser.get(url).content.decode()
        assert (f"Cabin temperature to 70{SPACE}°F" in page, "°C" in page) == (True, False), url


def test_vehicle_when_the_team_reads_miles_then_no_page_of_it_speaks_metric(link, american, browser_of):
    browser = browser_of(american.viewer)

    for url in ("/vehicles/", link.vehicle.get_absolute_url(), f"/vehicles/{link.vehicle_id}/commands/"):
        page = browser.get(url).content.decode()
        assert [sign for sign in (f"{SPACE}km", "°C") if sign in page] == [], url
    assert f"{SPACE}mi</bdi>" in browser.get("/vehicles/").content.decode()
    assert f"{SPACE}°F</bdi>" in browser.get(link.vehicle.get_absolute_url()).content.decode()


def test_vehicle_when_another_team_reads_miles_then_this_one_keeps_its_kilometres(link, american, browser_of):
    outsider = american.outsider
    page = browser_of(outsider).get("/rules/new/?kind=area").content.decode()

    assert ("Radius, km" in page, "Radius, mi" in page) == (True, False)


def test_limits_when_a_value_is_too_high_then_the_answer_tells_them_in_fahrenheit(link, american, browser_of):
    browser = browser_of(american.manager)

    answer = browser.post(f"/vehicles/{link.vehicle_id}/commands/set_temperature/", {"temperature_f": "90"})

    page = answer.content.decode()
    assert (answer.status_code, Command.objects.exists()) == (422, False)
    assert "Ensure this value is less than or equal to 82." in page
    assert 'name="temperature_f" min="59" max="82" step="1" value="90"' in page


def test_job_when_typed_in_fahrenheit_then_preview_question_and_job_carry_the_metric_value(link, american, browser_of):
    browser = browser_of(american.owner)
    typed = {"temperature_f": "70", "within_min": "60", "token": "one"}

    shown = browser.get("/jobs/new/set_temperature/").content.decode()
    answer = browser.post("/jobs/new/set_temperature/", typed | {"step": "start"})

    assert 'name="temperature_f" min="59" max="82" step="1" value="70"' in shown
    assert answer.status_code == 302, answer.content.decode()
    assert Job.objects.get().parameters == {"temperature_c": 21.0}
    assert f"Cabin temperature to 70{SPACE}°F" in browser.get(answer["Location"]).content.decode()


def test_schedule_when_made_in_fahrenheit_then_it_says_so_and_comes_back_into_its_form(link, american, browser_of):
    browser = browser_of(american.owner)
    plan = {name: value for name, value in SCHEDULE.items() if name not in {"temperature_c", "saved_filter"}}

    answer = browser.post("/schedules/new/", plan | {"temperature_f": "72", "saved_filter": ""})

    assert answer.status_code == 302, answer.context["form"].errors
    schedule = Schedule.objects.get()
    assert schedule.parameters == {"temperature_c": 22.0}
    assert f"Start climate 72{SPACE}°F" in browser.get(schedule.get_absolute_url()).content.decode()
    assert browser.get(f"{schedule.get_absolute_url()}edit/").context["form"]["temperature_c"].value() == 72


def test_rule_when_made_in_miles_then_it_says_so_and_keeps_kilometres(american, browser_of):
    browser = browser_of(american.owner)
    typed = {name: value for name, value in RULES["area"].items() if name != "radius_km"}

    answer = browser.post("/rules/new/?kind=area", typed | {"radius_mi": "1.5"})

    assert answer.status_code == 302, answer.context["form"].errors
    rule = TeamRule.objects.get()
    assert rule.values["radius_km"] == 2.414
    assert f"within 1.5{SPACE}mi of Depot" in browser.get("/rules/").content.decode()
    assert browser.get(f"/rules/{rule.id}/").context["form"]["radius_km"].value() == 1.5
