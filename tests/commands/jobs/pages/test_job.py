"""One job on its page: progress, results, undo, stop, retry, CSV; who may see and do what."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.jobs.models import Job, JobItem
from commands.jobs.services import create_job
from commands.models import Command
from fleet.adapters.commands import Lock, Unlock
from fleet.vehicles.filters import VehicleFilter
from tests.commands.jobs.pages.conftest import join
from tests.commands.jobs.rig import feed, past_undo

HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(links, cast):
    """A harmless job in its undo window: two cars to lock, one skipped."""
    return create_job(membership=cast.owner, cars=VehicleFilter(), order=Lock())


@pytest.fixture
def ended(job):
    """The same, over: one car confirmed, one asleep, one skipped."""
    return end(job, "confirmed", ("failed", "vehicle_asleep"))


def end(job, *outcomes):
    """Write down ends as if the makers had answered; they come from real commands in the tests of the engine."""
    past_undo(job)
    feed()
    items = JobItem.objects.filter(job=job, command__isnull=False).order_by("n")
    for item, outcome in zip(items, outcomes, strict=True):
        outcome, code = outcome if isinstance(outcome, tuple) else (outcome, "")
        JobItem.objects.filter(pk=item.pk).update(outcome=outcome, code=code)
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(state="done", finished_at=now, started_at=now)
    job.refresh_from_db()
    return job


def plates(answer):
    return [(row.plate, row.outcome) for row, _ in answer.context["rows"]]


def legend(answer):
    return {line.outcome: line.count for line in answer.context["card"].legend}


# Looking --------------------------------------------------------------------------------------------------------------


def test_job_when_it_waits_then_the_page_offers_to_undo_it_and_fetches_itself(job, cast, browser_of):
    answer = browser_of(cast.operator).get(f"/jobs/{job.id}/")

    page = answer.content.decode()
    assert (answer.status_code, legend(answer)) == (200, {"waiting": 2, "skipped": 1})
    assert plates(answer) == [("NL-J 1", "waiting"), ("NL-J 2", "skipped"), ("NL-J 3", "waiting")]
    assert f'action="/jobs/{job.id}/undo/"' in page
    assert f'action="/jobs/{job.id}/stop/"' not in page
    assert 'hx-trigger="every 1000ms"' in page
    assert "data-until=" in page


def test_job_when_it_runs_then_the_rest_can_be_stopped_and_nothing_undone(job, cast, browser_of):
    past_undo(job)
    feed()

    page = browser_of(cast.operator).get(f"/jobs/{job.id}/").content.decode()

    assert f'action="/jobs/{job.id}/undo/"' not in page
    assert f'action="/jobs/{job.id}/stop/"' in page
    assert 'hx-trigger="every 1500ms"' in page


def test_job_when_it_is_over_then_nothing_fetches_itself_and_the_failed_can_be_retried(ended, cast, browser_of):
    answer = browser_of(cast.operator).get(f"/jobs/{ended.id}/")

    page = answer.content.decode()
    assert legend(answer) == {"confirmed": 1, "failed": 1, "skipped": 1}
    assert "hx-trigger" not in page.partition('id="main"')[2]
    assert "data-final" in page
    assert "Retry the 1 that failed" in page
    assert "The car is asleep and did not wake up in time." in page


def test_job_when_a_viewer_looks_then_they_see_all_and_can_do_nothing(job, ended, cast, browser_of):
    for shown in (job, ended):
        page = browser_of(cast.viewer).get(f"/jobs/{shown.id}/").content.decode()

        assert '<form method="post" action="/jobs/' not in page
        assert "NL-J 1" in page


@pytest.mark.parametrize("part", ["", "progress/", "results/", "results.csv"])
@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("viewer", 200), ("outsider", 404)])
def test_pages_when_somebody_looks_then_only_the_team_sees_them(job, cast, browser_of, part, who, status):
    browser = browser_of(getattr(cast, who))

    answer, absent = browser.get(f"/jobs/{job.id}/{part}"), browser.get(f"/jobs/{uuid.uuid4()}/{part}")

    assert (answer.status_code, absent.status_code) == (status, 404)


def test_list_when_jobs_run_then_they_stand_above_those_that_are_over(ended, cast, browser_of):
    running = create_job(membership=cast.owner, cars=VehicleFilter(), order=Unlock())

    answer = browser_of(cast.viewer).get("/jobs/")
    strangers = browser_of(cast.outsider).get("/jobs/")

    assert [row.job for row, _ in answer.context["running"]] == [running]
    assert [(row.job, counts) for row, counts in answer.context["rows"]] == [
        (ended, {"confirmed": 1, "failed": 1, "skipped": 1})
    ]
    assert (strangers.context["running"], strangers.context["rows"]) == ([], [])


def test_list_when_there_are_more_than_a_page_then_the_pages_hold_each_job_once(links, cast, browser_of):
    made = [end(create_job(membership=cast.owner, cars=VehicleFilter(), order=Lock()), "confirmed", "confirmed")]
    fields = {field.attname: getattr(made[0], field.attname) for field in Job._meta.concrete_fields}
    fields.pop("created_at")
    Job.objects.bulk_create(Job(**fields | {"id": uuid.uuid4()}) for _ in range(52))
    browser = browser_of(cast.viewer)

    first = browser.get("/jobs/").context
    second = browser.get("/jobs/", {"cursor": first["next_cursor"]}).context

    shown = [row.job.id for page in (first, second) for row, _ in page["rows"]]
    assert [len(first["rows"]), len(second["rows"]), second["next_cursor"]] == [50, 3, ""]
    assert shown == list(Job.objects.order_by("-created_at", "-id").values_list("id", flat=True))


@pytest.mark.parametrize("cursor", ["garbage", "%%%", "AAAA", "é", "x" * 5000, "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMHww"])
def test_list_when_the_cursor_makes_no_sense_then_it_shows_the_first_page(ended, cast, browser_of, cursor):
    answer = browser_of(cast.viewer).get("/jobs/", {"cursor": cursor})

    assert (answer.status_code, [row.job for row, _ in answer.context["rows"]]) == (200, [ended])


# Results --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("outcome=failed", [("NL-J 3", "failed")]),
        ("outcome=skipped", [("NL-J 2", "skipped")]),
        ("q=j+1", [("NL-J 1", "confirmed")]),
        ("q=enyaq&outcome=failed", [("NL-J 3", "failed")]),
        ("q=enyaq&outcome=confirmed", []),
        ("cursor=1", [("NL-J 2", "skipped"), ("NL-J 3", "failed")]),
        ("cursor=-1", [("NL-J 1", "confirmed"), ("NL-J 2", "skipped"), ("NL-J 3", "failed")]),
        ("outcome=flying", [("NL-J 1", "confirmed"), ("NL-J 2", "skipped"), ("NL-J 3", "failed")]),
        ("q=a%00b", []),
    ],
)
def test_results_when_they_are_narrowed_then_these_cars_are_shown(ended, cast, browser_of, query, expected):
    answer = browser_of(cast.viewer).get(f"/jobs/{ended.id}/?{query}")

    assert (answer.status_code, plates(answer)) == (200, expected)


def test_results_when_there_are_more_than_a_page_then_each_is_shown_once(links, cast, simulator, browser_of):
    for number in range(50):
        join(cast.owner, simulator, f"NL-K {number:02}", learn=False)
    job = create_job(membership=cast.owner, cars=VehicleFilter(), order=Lock())
    browser = browser_of(cast.viewer)

    first = browser.get(f"/jobs/{job.id}/?q=NL").context
    second = browser.get(first["next_url"]).context

    shown = [row.n for page in (first, second) for row, _ in page["rows"]]
    assert (len(first["rows"]), shown, second["next_url"]) == (50, list(range(1, 54)), "")
    assert (first["poll_s"], second["poll_s"]) == (3.0, None)


def test_csv_when_it_is_fetched_then_it_has_a_line_per_car(ended, cast, browser_of):
    answer = browser_of(cast.viewer).get(f"/jobs/{ended.id}/results.csv")

    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert answer["Content-Disposition"].startswith('attachment; filename="lock-')
    assert [line.split(",")[2] for line in lines] == ["Plate", "NL-J 1", "NL-J 2", "NL-J 3"]


def test_progress_when_fifty_watch_then_it_costs_who_asks_and_no_more(job, cast, browser_of):
    browser = browser_of(cast.viewer)
    browser.get(f"/jobs/{job.id}/progress/", headers=HTMX)

    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(f"/jobs/{job.id}/progress/", headers=HTMX)

    assert answer.content.decode().lstrip().startswith('<section class="card progress" id="job-progress"')
    # The session, the person, their memberships; the counts are asked for once a second by all together.
    assert len(queries) == 3


@pytest.mark.parametrize("path", ["/jobs/", "/jobs/running/", "/jobs/{}/", "/jobs/{}/results/"])
def test_page_when_there_are_many_cars_and_jobs_then_it_asks_the_database_no_oftener_than_for_few(
    links, cast, simulator, browser_of, path
):
    browser, counted = browser_of(cast.operator), []
    for _ in range(2):
        for _ in range(6):
            job = create_job(membership=cast.owner, cars=VehicleFilter(), order=Lock())
            Job.objects.filter(pk=job.pk).update(state="stopped", code="stopped", finished_at=timezone.now())
        for _ in range(6):
            job = create_job(membership=cast.owner, cars=VehicleFilter(), order=Lock())
        browser.get(path.format(job.id))
        with CaptureQueriesContext(connection) as queries:
            browser.get(path.format(job.id))
        counted.append(len(queries))
        for number in range(12):
            join(cast.owner, simulator, f"NL-K {number}", learn=False)

    assert counted[0] == counted[1]


# Doing ----------------------------------------------------------------------------------------------------------------


def test_undo_when_nothing_is_sent_yet_then_nothing_ever_is(job, cast, browser_of):
    answer = browser_of(cast.operator).post(f"/jobs/{job.id}/undo/")
    past_undo(job)
    feed()

    job.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/{job.id}/")
    assert (job.state, job.code, Command.objects.count()) == ("stopped", "undone", 0)
    assert "Undone before anything was sent." in browser_of(cast.viewer).get(f"/jobs/{job.id}/").content.decode()


def test_undo_when_it_is_too_late_then_the_page_says_where_it_stands(job, cast, browser_of):
    past_undo(job)
    feed()

    answer = browser_of(cast.operator).post(f"/jobs/{job.id}/undo/")

    assert (answer.status_code, Job.objects.get().state) == (409, "running")
    assert "It is too late for that." in answer.content.decode()


def test_stop_when_it_runs_then_the_rest_is_not_sent(job, cast, browser_of):
    past_undo(job)
    feed()

    answer = browser_of(cast.operator).post(f"/jobs/{job.id}/stop/")

    assert answer.status_code == 302
    assert sorted(Command.objects.values_list("state", flat=True)) == ["cancelled", "cancelled"]
    page = browser_of(cast.viewer).get(f"/jobs/{job.id}/")
    assert legend(page) == {"not_sent": 2, "skipped": 1}


def test_stop_when_it_is_over_then_the_page_says_so(ended, cast, browser_of):
    answer = browser_of(cast.operator).post(f"/jobs/{ended.id}/stop/")

    assert (answer.status_code, Job.objects.get().state) == (409, "done")


def test_retry_when_some_failed_then_a_new_job_is_for_them_alone(ended, cast, browser_of):
    answer = browser_of(cast.operator).post(f"/jobs/{ended.id}/retry/")

    again = Job.objects.exclude(pk=ended.pk).get()
    assert (answer.status_code, answer["Location"]) == (302, f"/jobs/{again.id}/")
    assert (again.parent, again.kind, again.state, again.total, again.eligible) == (ended, "lock", "waiting", 1, 1)
    page = browser_of(cast.viewer).get(f"/jobs/{again.id}/")
    assert plates(page) == [("NL-J 3", "waiting")]
    assert f'href="/jobs/{ended.id}/"' in page.content.decode()


def test_retry_when_nobody_knows_whether_the_car_acted_then_it_is_never_sent_again(job, cast, browser_of):
    ended = end(job, "confirmed", ("unproved", "not_proved"))
    browser = browser_of(cast.operator)

    page = browser.get(f"/jobs/{ended.id}/").content.decode()
    answer = browser.post(f"/jobs/{ended.id}/retry/")

    assert "1 car may have acted although nobody can prove it." in page
    assert f'action="/jobs/{ended.id}/retry/"' not in page
    assert (answer.status_code, Job.objects.count()) == (409, 1)


def test_retry_when_it_still_runs_then_it_waits_for_the_end(job, cast, browser_of):
    answer = browser_of(cast.operator).post(f"/jobs/{job.id}/retry/")

    assert (answer.status_code, Job.objects.count()) == (409, 1)


def test_retry_when_the_command_is_risky_then_it_is_asked_about_again(links, cast, browser_of):
    job = create_job(membership=cast.owner, cars=VehicleFilter(), order=Unlock())
    end(job, "confirmed", ("failed", "vehicle_asleep"))
    browser = browser_of(cast.operator, minutes_ago=16)

    question = browser.post(f"/jobs/{job.id}/retry/")
    without_password = browser.post(f"/jobs/{job.id}/retry/", {"confirm": "1"})

    assert (question.status_code, question.templates[0].name) == (200, "jobs/confirm.html")
    assert "Unlock: 1 vehicle?" in question.content.decode()
    assert (without_password.status_code, Job.objects.count()) == (422, 1)


@pytest.mark.parametrize("verb", ["undo", "stop", "retry"])
@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("outsider", 404)])
def test_job_when_they_may_not_then_nothing_changes(job, cast, browser_of, verb, who, status):
    answer = browser_of(getattr(cast, who)).post(f"/jobs/{job.id}/{verb}/")

    job.refresh_from_db()
    assert (answer.status_code, job.state, Job.objects.count()) == (status, "waiting", 1)
