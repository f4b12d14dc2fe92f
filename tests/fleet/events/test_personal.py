"""Personal values: readable through the log until they are shredded; the chain verifies before and after."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction
from pytest_django import Settings

from fleet.events import personal
from fleet.events.models import Event, PersonalValue
from fleet.events.sealing import seal_events
from fleet.events.services import record
from fleet.events.verifying import verify
from tests.infrastructure.databases import CommittedDatabase

ADDRESS = "ada@example.com"


def invite(team: UUID) -> str:
    with transaction.atomic():
        reference = personal.keep(ADDRESS, team_id=team)
        record("invitation.sent", actor="user:1", team_id=team, data={"address": reference})
    return reference


def test_shred_when_a_value_is_forgotten_leaves_a_hash_and_a_whole_chain(
    committed_db: CommittedDatabase, team: UUID, settings: Settings, tmp_path: Path
) -> None:
    references = [invite(team), invite(team)]
    before = personal.read(references, team_id=team)
    seal_events()

    forgotten = personal.shred(ADDRESS, team_id=team, actor="user:1")

    seal_events()
    assert before == dict.fromkeys(references, ADDRESS)
    assert (forgotten, personal.read(references, team_id=team)) == (2, {})
    assert [event.data for event in Event.objects.order_by("id")] == [
        {"address": references[0]},
        {"address": references[1]},
        {"values": 2},
    ]
    assert (verify().problems, PersonalValue.objects.count()) == ([], 0)


def test_keep_when_asked_twice_gives_hashes_that_nobody_can_compare(db: None, team: UUID) -> None:
    first, second = personal.keep(ADDRESS, team_id=team), personal.keep(ADDRESS, team_id=team)

    assert first != second
    assert ADDRESS not in first
    assert len(first) == len("personal:") + 64


def test_read_when_another_team_asks_tells_nothing(db: None, team: UUID) -> None:
    reference = personal.keep(ADDRESS, team_id=team)

    assert personal.read([reference, "link:7"], team_id=uuid4()) == {}
    assert personal.shred(ADDRESS, team_id=uuid4(), actor="user:1") == 0
    assert personal.read([reference, "link:7"], team_id=team) == {reference: ADDRESS}


def test_personal_value_when_changed_is_refused(db: None, team: UUID) -> None:
    personal.keep(ADDRESS, team_id=team)

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        PersonalValue.objects.update(value="eve@example.com")
