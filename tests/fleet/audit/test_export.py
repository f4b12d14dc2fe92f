"""The trail as a file: the same filters, every entry, nothing that a spreadsheet would compute, and a trace of it."""

import asyncio
import csv
import io
import json
from typing import Any

import pytest
from django.db import connection
from django.test import AsyncClient, Client

from fleet.audit import export
from fleet.audit.export import harmless
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from tests.factories import make_member, make_team
from tests.fleet.audit.conftest import Happen, make_vehicle
from tests.infrastructure.databases import CommittedDatabase


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_export_when_csv_is_chosen_holds_every_entry_and_says_who_took_it(
    owner: Membership, pages: Client, happen: Happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 2)
    car = make_vehicle(owner, "=1+1")
    happen("command.failed", actor="system:dispatcher", vehicle_id=car.id, data={"kind": "lock", "error": "timeout"})

    answer = pages.post("/audit/export/", {"format": "csv"})

    rows = list(csv.DictReader(io.StringIO(text_of(answer))))
    assert [(row["kind"], row["who"], row["what"], row["vehicle"]) for row in rows] == [
        ("audit.exported", "Robin Example", "Exported the audit trail as CSV.", ""),
        ("command.failed", "Fleetwell: sending of commands", "Lock: failed.", "'=1+1"),
        ("member.added", "Robin Example", "Added Robin Example as Owner.", ""),
        ("team.created", "Robin Example", "Created the team.", ""),
    ]
    assert json.loads(rows[1]["data"]) == {"kind": "lock", "error": "timeout"}
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="audit-20')


def test_export_when_json_is_chosen_and_filtered_holds_what_the_page_shows(
    owner: Membership, pages: Client, happen: Happen
) -> None:
    event = happen("rule.added", data={"kind": "moving"})

    answer = pages.post("/audit/export/", {"format": "json", "what": "rule"})

    assert json.loads(text_of(answer)) == [
        {
            "id": event.id,
            "at": event.at.isoformat(timespec="microseconds"),
            "who": "Robin Example",
            "what": "Added a rule.",
            "detail": "",
            "vehicle": "",
            "kind": "rule.added",
            "actor": owner.user.actor,
            "vehicle_id": None,
            "subject": "",
            "data": {"kind": "moving"},
        }
    ]
    taken = Event.objects.get(kind="audit.exported")
    assert (taken.actor, taken.data) == (owner.user.actor, {"format": "json", "what": "rule"})


def test_export_when_nothing_is_left_is_an_empty_file(pages: Client) -> None:
    query = {"what": "schedule"}

    assert json.loads(text_of(pages.post("/audit/export/", {**query, "format": "json"}))) == []
    assert len(text_of(pages.post("/audit/export/", {**query, "format": "csv"})).splitlines()) == 1


def test_export_when_the_reader_speaks_german_does_so_too(pages: Client) -> None:
    answer = pages.post("/audit/export/", {"format": "csv"}, headers={"accept-language": "de"})

    assert "Team angelegt." in text_of(answer)


@pytest.mark.parametrize(
    "form", [{}, {"format": "xml"}, {"format": "csv", "what": "x"}, {"format": "csv", "since": "x"}]
)
def test_export_when_the_form_makes_no_sense_is_refused_and_leaves_no_trace(
    pages: Client, form: dict[str, str]
) -> None:
    answer = pages.post("/audit/export/", form)

    assert answer.status_code == 422
    assert not Event.objects.filter(kind="audit.exported").exists()


def test_export_when_somebody_small_or_foreign_asks_gives_nothing(owner: Membership, happen: Happen) -> None:
    happen("rule.added")
    viewer, stranger = Client(), Client()
    viewer.force_login(make_member(owner.team, Role.VIEWER).user)
    stranger.force_login(make_team("Another Fleet").user)

    assert viewer.post("/audit/export/", {"format": "csv"}).status_code == 403
    assert "rule.added" not in text_of(stranger.post("/audit/export/", {"format": "csv"}))
    assert stranger.get("/audit/export/").status_code == 405


def test_export_when_served_by_an_event_loop_comes_in_parts(committed_db: CommittedDatabase) -> None:
    owner = make_team()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (team_id, kind, actor) SELECT %s, 'rule.added', 'system:test' "
            "FROM generate_series(1, 2500)",
            [owner.team_id],
        )

    async def ask() -> list[bytes]:
        client = AsyncClient()
        await client.aforce_login(owner.user)
        answer = await client.post("/audit/export/", {"format": "json"})
        assert answer.is_async
        return [part async for part in answer.streaming_content]

    parts = asyncio.run(ask())

    assert len(parts) == 4
    assert len(json.loads(b"".join(parts))) == 2503


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_harmless_when_a_cell_could_be_a_formula_puts_a_quote_before_it(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=b", "1-1", "Lock: failed."])
def test_harmless_when_a_cell_is_text_leaves_it(cell: str) -> None:
    assert harmless(cell) == cell
