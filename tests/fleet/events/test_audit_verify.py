"""manage.py audit_verify: finds what somebody did to the log who may do anything in the database."""

import io
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from fleet.events.anchors import write_anchor
from fleet.events.models import Seal
from fleet.events.sealing import seal_events
from tests.fleet.events.conftest import happen
from tests.infrastructure.databases import CommittedDatabase


@pytest.fixture(autouse=True)
def anchor_file(settings: Settings, tmp_path: Path) -> Path:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors" / "audit.jsonl")
    return Path(settings.AUDIT_ANCHOR_FILE)


@pytest.fixture
def ids(committed_db: CommittedDatabase, team: UUID) -> list[int]:
    """Six events in three seals of one team."""
    numbers: list[int] = []
    for _ in range(3):
        numbers += happen(team, 2)
        seal_events()
    return numbers


def ask(*arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of audit_verify."""
    out = io.StringIO()
    try:
        call_command("audit_verify", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, [*out.getvalue().splitlines(), str(error)]
    return 0, out.getvalue().splitlines()


def test_audit_verify_when_nothing_was_touched_counts_what_it_saw(team: UUID, ids: list[int]) -> None:
    happen(None)
    seal_events()
    write_anchor(now=timezone.now())
    happen(team, 2)

    assert ask() == (0, ["ok: 2 chains, 4 seals, 7 sealed events, 2 not yet sealed, 2 anchored heads"])


def test_audit_verify_when_the_log_is_empty_is_content(committed_db: CommittedDatabase) -> None:
    assert ask() == (0, ["ok: 0 chains, 0 seals, 0 sealed events, 0 not yet sealed, 0 anchored heads"])


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'member.added'",
        "actor = 'user:2'",
        "at = at + interval '1 microsecond'",
        "data = data || '{\"turn\": 0.0}'",
        "subject = ''",
        "team_id = NULL",
        "vehicle_id = gen_random_uuid()",
    ],
)
def test_audit_verify_when_an_event_was_edited_names_it(
    superuser: psycopg.Connection, team: UUID, ids: list[int], change: str
) -> None:
    superuser.execute(f"UPDATE events_event SET {change} WHERE id = %s", [ids[2]])  # noqa: S608

    code, lines = ask()

    assert (code, lines[:-1]) == (1, [f"team {team}, seal 2, event {ids[2]}: is not what was sealed"])


def test_audit_verify_when_an_event_was_removed_names_it(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    superuser.execute("DELETE FROM events_event WHERE id = %s", [ids[3]])

    code, lines = ask()

    assert (code, lines[:-1]) == (1, [f"team {team}, seal 2, event {ids[3]}: was removed"])


def test_audit_verify_when_two_events_were_swapped_names_both(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    for old, new in ((ids[0], -1), (ids[4], ids[0]), (-1, ids[4])):
        superuser.execute("UPDATE events_event SET id = %s WHERE id = %s", [new, old])

    code, lines = ask()

    assert (code, lines[:-1]) == (
        1,
        [
            f"team {team}, seal 1, event {ids[0]}: is not what was sealed",
            f"team {team}, seal 3, event {ids[4]}: is not what was sealed",
        ],
    )


@pytest.mark.parametrize(
    "change",
    [
        "event_ids = ARRAY[event_ids[2], event_ids[1]]",
        "links = set_byte(links, 3, 255 - get_byte(links, 3))",
        "sealed_at = sealed_at - interval '1 day'",
        "hash = previous_hash",
    ],
)
def test_audit_verify_when_a_seal_was_edited_names_it(
    superuser: psycopg.Connection, team: UUID, ids: list[int], change: str
) -> None:
    superuser.execute(f"UPDATE events_seal SET {change} WHERE chain_id = %s AND sequence = 2", [team])  # noqa: S608

    code, lines = ask()

    assert (code, lines[0]) == (1, f"team {team}, seal 2: the seal was changed")


def test_audit_verify_when_a_seal_in_the_middle_was_removed_names_the_gap(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    superuser.execute("DELETE FROM events_seal WHERE chain_id = %s AND sequence = 2", [team])

    code, lines = ask()

    assert (code, lines[:-1]) == (
        1,
        [
            f"team {team}, seals 2 to 2: missing before seal 3",
            f"team {team}, event {ids[2]}: is in no seal and does not wait for one",
            f"team {team}, event {ids[3]}: is in no seal and does not wait for one",
        ],
    )


def test_audit_verify_when_the_gap_was_closed_by_counting_anew_names_the_broken_link(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    superuser.execute("DELETE FROM events_seal WHERE sequence = 2")
    superuser.execute("DELETE FROM events_event WHERE id = ANY(%s)", [ids[2:4]])
    superuser.execute("UPDATE events_seal SET sequence = 2 WHERE sequence = 3")

    code, lines = ask()

    assert (code, lines[:-1]) == (
        1,
        [f"team {team}, seal 2: does not follow from the seal before it", f"team {team}, seal 2: the seal was changed"],
    )


def test_audit_verify_when_the_tail_was_cut_off_behind_the_last_anchor_says_so(
    superuser: psycopg.Connection, team: UUID, ids: list[int], anchor_file: Path
) -> None:
    write_anchor(now=timezone.now())
    superuser.execute("DELETE FROM events_seal WHERE sequence = 3")
    superuser.execute("DELETE FROM events_event WHERE id = ANY(%s)", [ids[4:]])
    by_row = ask()
    superuser.execute("DELETE FROM events_anchor")

    by_file = ask("--anchors", str(anchor_file))

    for code, lines in (by_row, by_file):
        assert (code, len(lines)) == (1, 2)
        assert lines[0].startswith(f"team {team}, seal 3: is missing, although it was anchored at 20")


def test_audit_verify_when_the_whole_chain_was_made_anew_tells_it_from_the_anchored_one(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    write_anchor(now=timezone.now())
    superuser.execute("UPDATE events_event SET actor = 'user:2' WHERE id = %s", [ids[5]])
    superuser.execute("DELETE FROM events_seal")
    superuser.execute("INSERT INTO events_unsealed SELECT id FROM events_event")
    seal_events()  # in one seal, in place of three
    forged = ask()
    superuser.execute("DELETE FROM events_seal")
    for start in (0, 2, 4):
        superuser.execute("INSERT INTO events_unsealed SELECT unnest(%s::bigint[])", [ids[start : start + 2]])
        seal_events()

    code, lines = ask()

    assert forged[0] == code == 1
    assert lines[0].startswith(f"team {team}, seal 3: is not the one that was anchored at 20")


def test_audit_verify_when_an_event_was_slipped_in_past_the_triggers_names_it(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    superuser.execute(
        "INSERT INTO events_event (id, team_id, kind, actor) VALUES (900, %s, 'command.sent', 'user:1')", [team]
    )

    code, lines = ask()

    assert (code, lines[:-1]) == (1, [f"team {team}, event 900: is in no seal and does not wait for one"])


def test_audit_verify_when_an_event_was_removed_before_it_was_sealed_names_it(
    superuser: psycopg.Connection, team: UUID, ids: list[int]
) -> None:
    fresh, other = happen(team, 2)
    superuser.execute("DELETE FROM events_event WHERE id = %s", [fresh])
    before = ask()

    assert seal_events() == 1
    after = ask()

    assert Seal.objects.filter(event_ids=[other]).exists()
    for code, lines in (before, after):
        assert (code, lines[:-1]) == (1, [f"event {fresh}: was removed before it was sealed"])


@pytest.mark.parametrize("content", ["not json", '{"at": "now"}', '{"at": "now", "heads": {"x": [1, "a"]}}', "[]"])
def test_audit_verify_when_the_anchors_cannot_be_read_says_so(
    committed_db: CommittedDatabase, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "copy.jsonl"
    path.write_text(content + "\n")

    code, lines = ask("--anchors", str(path))

    assert (code, lines[0].split(": ")[0]) == (1, "The anchors cannot be read")
    assert ask("--anchors", str(tmp_path / "absent"))[0] == 1
