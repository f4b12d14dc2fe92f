"""Anchors: the heads of all chains in a file, in a mail and in a row."""

import json
from pathlib import Path
from uuid import UUID, uuid4

from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from fleet.events.anchors import write_anchor
from fleet.events.chain import INSTALLATION
from fleet.events.models import Anchor, Seal
from fleet.events.sealing import seal_events
from tests.fleet.events.conftest import happen
from tests.infrastructure.databases import CommittedDatabase


def test_write_anchor_when_chains_grew_writes_their_heads_everywhere(
    committed_db: CommittedDatabase, team: UUID, settings: Settings, tmp_path: Path
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "new" / "anchors.jsonl")
    settings.AUDIT_ANCHOR_MAIL = "auditor@example.com"
    other = uuid4()
    for turn in (team, team, other, None):
        happen(turn)
        seal_events()
    heads = {str(seal.chain_id): [seal.sequence, bytes(seal.hash).hex()] for seal in Seal.objects.order_by("sequence")}

    told = write_anchor(now=timezone.now())
    again = write_anchor(now=timezone.now())

    assert set(heads) == {str(team), str(other), str(INSTALLATION)}
    assert (told, again) == (heads, None)
    lines = Path(settings.AUDIT_ANCHOR_FILE).read_text().splitlines()
    assert [json.loads(line)["heads"] for line in lines] == [heads]
    assert Path(settings.AUDIT_ANCHOR_FILE).stat().st_mode & 0o777 == 0o600
    assert [(sent.to, sent.body) for sent in mail.outbox] == [(["auditor@example.com"], lines[0] + "\n")]
    assert [anchor.heads for anchor in Anchor.objects.all()] == [heads]


def test_write_anchor_when_chains_grow_again_appends_a_line(
    committed_db: CommittedDatabase, team: UUID, settings: Settings, tmp_path: Path
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    for _ in range(2):
        happen(team)
        seal_events()
        write_anchor(now=timezone.now())

    lines = Path(settings.AUDIT_ANCHOR_FILE).read_text().splitlines()
    assert [json.loads(line)["heads"][str(team)][0] for line in lines] == [1, 2]
    assert mail.outbox == []
