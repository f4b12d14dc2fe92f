"""What /healthz tells of the audit trail and of logins: a sign, no outage."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone
from pytest_django import Settings

from fleet.events.anchors import write_anchor
from fleet.events.sealing import seal_events
from fleet.live.health import check_health
from fleet.vehicles.models import ProviderApp
from tests.factories import make_simulator_app
from tests.infrastructure.databases import CommittedDatabase


def signs() -> tuple[str, str]:
    report = check_health()
    return report["sealing"], report["anchors"]


def happened(as_owner: psycopg.Connection, *, minutes_ago: float) -> None:
    as_owner.execute(
        "INSERT INTO events_event (at, kind, actor) VALUES (now() - %s, 'team.changed', 'user:x')",
        [timedelta(minutes=minutes_ago)],
    )


@pytest.mark.parametrize(("minutes_ago", "sign"), [(4, "ok"), (6, "late")])
def test_sealing_when_an_event_waits_for_more_than_five_minutes_then_it_is_late(
    committed_db: CommittedDatabase, as_owner: psycopg.Connection, minutes_ago: float, sign: str
) -> None:
    assert signs() == ("ok", "ok")
    happened(as_owner, minutes_ago=minutes_ago)

    before = signs()
    seal_events()

    assert (before, signs()) == ((sign, "ok"), ("ok", "ok"))


def test_anchors_when_what_was_sealed_long_ago_is_not_anchored_then_they_are_late(
    committed_db: CommittedDatabase, as_owner: psycopg.Connection, settings: Settings, tmp_path: Path
) -> None:
    settings.AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    settings.AUDIT_ANCHOR_EVERY_S = 3600
    happened(as_owner, minutes_ago=1)
    seal_events()

    just_sealed = signs()
    _age(as_owner, hours=3)
    unanchored = signs()
    write_anchor(now=timezone.now())
    anchored = signs()
    # A quiet night: the last anchor is old, and so is all that it holds.
    _age(as_owner, hours=9)
    quiet = signs()

    assert [just_sealed, unanchored, anchored, quiet] == [("ok", "ok"), ("ok", "late"), ("ok", "ok"), ("ok", "ok")]


def test_anchors_when_the_only_way_out_is_a_mail_that_fails_then_no_row_says_that_it_went(
    committed_db: CommittedDatabase, as_owner: psycopg.Connection, settings: Settings
) -> None:
    settings.AUDIT_ANCHOR_FILE = ""
    settings.AUDIT_ANCHOR_MAIL = "auditor@example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    happened(as_owner, minutes_ago=1)
    seal_events()
    _age(as_owner, hours=3)

    with pytest.raises(OSError, match="refused"):
        write_anchor(now=timezone.now())

    assert signs() == ("ok", "late")


def _age(as_owner: psycopg.Connection, *, hours: int) -> None:
    """Make seals and anchors older, as only the owner of the tables can."""
    as_owner.execute("ALTER TABLE events_seal DISABLE TRIGGER USER")
    as_owner.execute("ALTER TABLE events_anchor DISABLE TRIGGER USER")
    as_owner.execute("UPDATE events_seal SET sealed_at = sealed_at - %s", [timedelta(hours=hours)])
    as_owner.execute("UPDATE events_anchor SET at = at - %s", [timedelta(hours=hours)])
    as_owner.execute("ALTER TABLE events_seal ENABLE TRIGGER USER")
    as_owner.execute("ALTER TABLE events_anchor ENABLE TRIGGER USER")


def test_logins_when_a_provider_refuses_many_then_it_is_told_and_the_machine_stays_in_service(db: None) -> None:
    app = make_simulator_app()
    before = check_health()["logins"]
    ProviderApp.objects.filter(pk=app.pk).update(refusing_since=timezone.now())

    assert (before, check_health()["logins"]) == ("ok", "refused")
