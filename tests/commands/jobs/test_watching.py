"""Looking at a job: its counts, its cars page by page, its CSV; the same for one watcher and for fifty."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from commands.jobs import progress
from commands.jobs.export import export_csv
from commands.jobs.items import list_items
from commands.jobs.models import Job, JobItem, Outcome
from commands.jobs.progress import Reason, count_progress, job_progress
from commands.jobs.words import OUTCOMES, sentence_of
from commands.models import Command
from fleet.adapters.commands import Lock, Unlock
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Vehicle
from tests.commands.jobs.rig import feed, make_car, start, work
from tests.commands.rig import car_of, carry, press


@pytest.fixture
def mixed(membership, links, simulator) -> Job:
    """Skipped, refused, confirmed, and one that the undoing press of a person replaced."""
    withdraw_consent(link=links[0], scope="control_security", actor="system:test")
    car_of(links[1], simulator).behave(refuse="door_open")
    job = start(membership, Unlock())
    feed()
    press(links[3], Lock())
    return work(job)


def test_progress_when_a_job_is_over_then_every_car_is_counted_once_with_its_reason(mixed):
    seen = count_progress(mixed.id)

    assert dict(seen.counts) == {"confirmed": 1, "refused": 1, "not_sent": 1, "skipped": 1}
    assert (seen.done, seen.eligible, seen.total, seen.percent) == (3, 3, 4, 100)
    assert (seen.is_over, seen.left_s, seen.undo_left_s) == (True, None, None)
    assert sorted(seen.reasons, key=lambda reason: reason.outcome) == [
        Reason("not_sent", "superseded", "", 1),
        Reason("refused", "vehicle_refused", "door_open", 1),
        Reason("skipped", "no_consent", "", 1),
    ]
    assert {reason.code: reason.sentence for reason in seen.reasons} == {
        "superseded": "A newer command for this car replaced it.",
        "vehicle_refused": "A door is open.",
        "no_consent": "Not allowed by the owner",
    }


def test_progress_when_counted_for_one_language_then_it_is_told_in_the_other_too(mixed):
    with translation.override("en"):
        seen = count_progress(mixed.id)

    with translation.override("de"):
        sentences = {reason.code: reason.sentence for reason in seen.reasons}

    assert sentences["no_consent"] == "Vom Halter nicht erlaubt"


def test_progress_when_commands_ended_and_nobody_wrote_it_down_yet_then_it_tells_already(membership, links):
    job = start(membership)
    feed()
    running = count_progress(job.id)
    carry()

    ended = count_progress(job.id)

    assert (dict(running.counts), running.percent, running.is_over) == ({"running": 4}, 0, False)
    assert (dict(ended.counts), ended.percent, ended.is_over) == ({"confirmed": 4}, 100, False)
    assert set(JobItem.objects.values_list("outcome", flat=True)) == {"running"}


def test_progress_when_fifty_look_at_once_then_it_is_counted_once(membership, links, monkeypatch):
    job = start(membership)
    asked = []
    monkeypatch.setattr(progress, "FRESH_S", 3600.0)
    count = progress.count_progress
    monkeypatch.setattr(progress, "count_progress", lambda job_id: asked.append(job_id) or count(job_id))

    def look(_: int) -> dict[str, int]:
        try:
            return dict(job_progress(job.id).counts)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        seen = list(pool.map(look, range(50)))
    feed()

    assert seen == [{"waiting": 4}] * 50
    assert asked == [job.id]
    assert dict(job_progress(job.id, is_fresh=True).counts) == {"running": 4}
    assert dict(job_progress(job.id).counts) == {"running": 4}


def test_progress_when_thirty_cars_are_on_their_way_then_it_asks_as_often_as_for_four(membership, links, simulator):
    asked = []
    for more in (0, 26):
        for n in range(more):
            make_car(membership, simulator, 10 + n)
        job = start(membership)
        feed()
        with CaptureQueriesContext(connection) as queries:
            count_progress(job.id)
        asked.append(len(queries))

    assert asked == [2, 2]


def test_items_when_listed_then_each_car_says_what_happened(mixed, links):
    rows, cursor = list_items(job=mixed)

    assert cursor == ""
    assert [(row.n, row.plate, row.outcome, row.word, row.sentence, row.tone) for row in rows] == [
        (1, "JO-B 001", "skipped", "Skipped", "Not allowed by the owner", ""),
        (2, "JO-B 002", "refused", "Refused", "A door is open.", "danger"),
        (3, "JO-B 003", "confirmed", "Confirmed", "The car’s own state shows it", "ok"),
        (4, "JO-B 004", "not_sent", "Not sent", "A newer command for this car replaced it.", ""),
    ]
    assert [bool(row.command_url) for row in rows] == [False, True, True, True]
    assert [row.took_s is not None for row in rows] == [False, True, True, False]


def test_items_when_narrowed_then_only_those_show(mixed):
    def plates(**narrowed: str) -> list[str]:
        return [row.plate for row in list_items(job=mixed, **narrowed)[0]]

    assert plates(outcome="refused") == ["JO-B 002"]
    assert plates(outcome="running") == []
    assert plates(outcome="nonsense") == []
    assert plates(search="b 003") == ["JO-B 003"]
    assert plates(search="\x00") == ["JO-B 001", "JO-B 002", "JO-B 003", "JO-B 004"]
    assert plates(outcome="confirmed", search="B 004") == []


def test_items_when_their_commands_run_then_they_show_where_each_is(membership, links, simulator, as_owner):
    car_of(links[1], simulator).behave(never_acts=True)
    job = start(membership, Unlock())
    feed()
    carry()

    def outcomes(outcome: str = "") -> list[tuple[int, str]]:
        return [(row.n, row.outcome) for row in list_items(job=job, outcome=outcome)[0]]

    assert outcomes() == [(1, "confirmed"), (2, "accepted"), (3, "confirmed"), (4, "confirmed")]
    assert outcomes("accepted") == [(2, "accepted")]
    assert outcomes("running") == []
    assert Command.objects.get(vehicle=links[1].vehicle_id).state == "sent"


def test_items_when_they_are_many_then_pages_follow_each_other_by_cursor(membership, simulator, monkeypatch):
    monkeypatch.setattr("commands.jobs.items.PAGE_SIZE", 2)
    for n in range(1, 6):
        make_car(membership, simulator, n)
    job = start(membership)

    pages, cursor = [], ""
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            rows, cursor = list_items(job=job, cursor=cursor)
        pages.append(([row.n for row in rows], cursor, len(queries)))

    assert pages == [([1, 2], "2", 1), ([3, 4], "4", 1), ([5], "", 1)]
    for bad in ("x", "-1", "٣", "9" * 30):
        assert [row.n for row in list_items(job=job, cursor=bad)[0]] == [1, 2]


def test_csv_when_exported_then_every_car_has_its_line_and_no_cell_is_a_formula(mixed, monkeypatch):
    monkeypatch.setattr("commands.jobs.export.CHUNK", 3)
    evil = '=HYPERLINK("http://example.com";"x")'
    Vehicle.objects.filter(plate="JO-B 002").update(name=evil, plate="@SUM(1)", vin="-1+1")

    pieces = list(export_csv(mixed))
    lines = list(csv.reader(io.StringIO("".join(pieces).removeprefix("\ufeff"))))

    assert len(pieces) == 3
    assert lines[0][:7] == ["Number", "Vehicle", "Plate", "VIN", "Make", "Model", "Outcome"]
    assert [line[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    assert lines[2][1:8] == [f"'{evil}", "'@SUM(1)", "'-1+1", "Volkswagen", "ID.3", "Refused", "A door is open."]
    assert lines[3][12] == str(Command.objects.get(vehicle__plate="JO-B 003", kind="unlock").id)
    assert [line[9] == "" for line in lines[1:]] == [True, False, False, True]


def test_csv_when_read_in_german_then_it_is_german(mixed):
    with translation.override("de"):
        lines = "".join(export_csv(mixed)).splitlines()

    assert "Ausgelassen" in lines[1]


def test_words_when_an_outcome_exists_then_it_has_one():
    assert set(OUTCOMES) == set(Outcome.values)
    assert sentence_of("skipped", "no such code") == ""
