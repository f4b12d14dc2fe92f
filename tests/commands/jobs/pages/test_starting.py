"""Starting a job from its preview: at once, after a question, with the number typed, and never twice."""

import pytest

from commands.jobs.models import Job
from commands.models import Command
from fleet.vehicles.services import end_link
from tests.commands.jobs.pages.conftest import join
from tests.factories import PASSWORD

OPTIONS = {"within_min": "60", "pace_per_min": "", "stop_share_percent": "", "step": "start"}


def jobs():
    return list(Job.objects.order_by("created_at").values_list("kind", "state", "total", "eligible", "user"))


def test_start_when_the_command_is_harmless_then_the_job_waits_for_its_undo(links, cast, browser_of):
    values = OPTIONS | {"limit_percent": "85", "pace_per_min": "30", "stop_share_percent": "20", "token": "t1"}

    answer = browser_of(cast.operator).post("/jobs/new/set_charge_limit/?q=J", values)

    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/{job.id}/")
    assert jobs() == [("set_charge_limit", "waiting", 3, 3, cast.operator.user_id)]
    assert (job.parameters, job.pace_per_min, job.stop_share_percent) == ({"limit_percent": 85}, 30, 20)
    assert job.filter == {"text": "J"}
    assert round((job.deadline - job.created_at).total_seconds() / 60) == 60
    assert job.expected_s is not None
    assert Command.objects.count() == 0


def test_start_when_the_form_is_sent_five_times_then_it_is_one_job(links, cast, browser_of):
    browser = browser_of(cast.operator)

    answers = [browser.post("/jobs/new/lock/", OPTIONS | {"token": "t1"}) for _ in range(5)]
    other = browser.post("/jobs/new/lock/", OPTIONS | {"token": "t2"})

    assert len({answer["Location"] for answer in answers}) == 1
    assert other["Location"] != answers[0]["Location"]
    assert len(jobs()) == 2


def test_start_when_two_people_send_the_same_token_then_each_gets_a_job(links, cast, browser_of):
    for member in (cast.operator, cast.owner):
        browser_of(member).post("/jobs/new/lock/", OPTIONS | {"token": "t1"})

    assert [row[4] for row in jobs()] == [cast.operator.user_id, cast.owner.user_id]


def test_start_when_the_command_is_risky_then_a_question_comes_first(links, cast, browser_of):
    browser = browser_of(cast.operator)

    question = browser.post("/jobs/new/unlock/", OPTIONS | {"token": "t1", "pace_per_min": "30"})
    before = jobs()
    answer = browser.post("/jobs/new/unlock/", OPTIONS | {"token": "t1", "pace_per_min": "30", "confirm": "1"})

    page = question.content.decode()
    assert (question.status_code, question.templates[0].name, before) == (200, "jobs/confirm.html", [])
    assert "Unlock: 2 vehicles?" in page
    assert '<input type="hidden" name="pace_per_min" value="30">' in page
    assert "confirmed_count" not in page
    assert (answer.status_code, jobs()) == (302, [("unlock", "running", 3, 2, cast.operator.user_id)])


def test_start_when_they_signed_in_long_ago_then_nothing_starts_without_the_password(links, cast, browser_of):
    browser = browser_of(cast.operator, minutes_ago=16)
    values = OPTIONS | {"token": "t1", "confirm": "1"}

    without = browser.post("/jobs/new/unlock/", values)
    wrong = browser.post("/jobs/new/unlock/", values | {"password": "not the phrase"})
    before = jobs()
    right = browser.post("/jobs/new/unlock/", values | {"password": PASSWORD})

    assert (without.status_code, wrong.status_code, before) == (422, 422, [])
    assert "This is not your password." in wrong.content.decode()
    assert "not the phrase" not in wrong.content.decode()
    assert (right.status_code, len(jobs())) == (302, 1)


@pytest.fixture
def many(links, cast, simulator):
    """With these there are 26 cars that can be unlocked."""
    return [join(cast.owner, simulator, f"NL-M {number}", learn=False) for number in range(24)]


WRONG_NUMBERS = ["", "25", "27", "twenty-six", "-26", "26.0", "\u0662\u0666", "2" * 5000, None]


@pytest.mark.parametrize("typed", WRONG_NUMBERS, ids=lambda typed: repr(typed)[:20])
def test_start_when_the_number_is_wrong_then_nothing_starts(many, cast, browser_of, typed):
    values = OPTIONS | {"token": "t1", "confirm": "1"} | ({} if typed is None else {"confirmed_count": typed})

    answer = browser_of(cast.operator).post("/jobs/new/unlock/", values)

    assert (answer.status_code, jobs()) == (422, [])
    assert 'id="confirm-confirmed_count-errors"' in answer.content.decode()


def test_start_when_the_number_is_right_then_it_starts(many, cast, browser_of):
    browser = browser_of(cast.operator)
    values = OPTIONS | {"token": "t1", "confirm": "1"}

    question = browser.post("/jobs/new/unlock/", OPTIONS | {"token": "t1"})
    answer = browser.post("/jobs/new/unlock/", values | {"confirmed_count": " 26 "})

    assert "Type the number 26 to confirm" in question.content.decode()
    assert (answer.status_code, jobs()) == (302, [("unlock", "running", 27, 26, cast.operator.user_id)])


def test_start_when_a_car_went_between_question_and_answer_then_the_number_is_asked_anew(
    many, cast, browser_of, simulator
):
    gone = join(cast.owner, simulator, "NL-M 99", learn=False)
    browser = browser_of(cast.operator)
    browser.post("/jobs/new/unlock/", OPTIONS | {"token": "t1"})
    end_link(link=gone, actor="system:test")

    answer = browser.post("/jobs/new/unlock/", OPTIONS | {"token": "t1", "confirm": "1", "confirmed_count": "27"})

    assert (answer.status_code, jobs()) == (422, [])
    assert "Type the number 26 to confirm" in answer.content.decode()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("outsider", 200)])
def test_start_when_they_may_not_then_nothing_starts(links, cast, browser_of, who, status):
    answer = browser_of(getattr(cast, who)).post("/jobs/new/lock/", OPTIONS)

    assert (answer.status_code, jobs()) == (status, [])
