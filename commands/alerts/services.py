"""The verbs of alerts: raise, see, close; and what a dispatcher's late answer means for a command that is over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.utils import timezone

from commands.alerts.models import Alert
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership, User

# We said that the car did it, or that it never will; these words say otherwise.
NOT_DONE = frozenset({"refused", "failed"})
DONE = frozenset({"confirmed", "sent"})
NEVER = frozenset({"refused", "failed", "expired", "cancelled", "superseded"})


class NoteMissing(Exception):
    """An alert is closed with a word about what was found, or not at all."""


def raise_alert(
    *,
    team_id: UUID,
    kind: str,
    key: str,
    vehicle_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    actor: str = "system:alerts",
) -> bool:
    """Open an alert that is not about a command; False when one of this kind and key is open already.

    key names what it is about, e.g. "provider:<id>"; data holds codes, never a secret or a position.
    """
    with acting_as(actor):
        # Two workers may notice the same thing in one moment; an insert that waits for the other is the only sure way.
        made = Alert.objects.bulk_create(
            [Alert(team_id=team_id, vehicle_id=vehicle_id, kind=kind, key=key, data=dict(data or {}))],
            ignore_conflicts=True,
        )
        is_new = Alert.objects.this(made[0]).exists()
        if is_new:
            record("alert.raised", actor=actor, team_id=team_id, vehicle_id=vehicle_id, subject=f"alert:{made[0].pk}")
    return is_new


def close_alerts_about(*, team_id: UUID, kind: str, key: str, actor: str = "system:alerts") -> int:
    """Close what has ended by itself, e.g. a provider that answers again; returns how many were open."""
    with acting_as(actor):
        return Alert.objects.filter(team_id=team_id, kind=kind, key=key, closed_at__isnull=True).update(
            closed_at=timezone.now()
        )


def close_alert(*, alert: Alert, user: User, note: str) -> bool:
    """Close an alert with a note; False when somebody else was quicker. Raises NoteMissing."""
    note = note.strip()
    if not note:
        raise NoteMissing
    with acting_as(user.actor):
        closed = (
            Alert.objects.this(alert)
            .filter(closed_at__isnull=True)
            .update(closed_at=timezone.now(), closed_by=user, note=note)
        )
        if closed:
            subject = f"alert:{alert.pk}"
            record(
                "alert.closed", actor=user.actor, team_id=alert.team_id, vehicle_id=alert.vehicle_id, subject=subject
            )
    return bool(closed)


def note_seen(*, alert_ids: list[UUID], membership: Membership) -> None:
    """Remember who saw alerts first."""
    unseen = Alert.objects.filter(team_id=membership.team_id, pk__in=alert_ids, seen_at__isnull=True)
    unseen.update(seen_at=timezone.now(), seen_by=membership.user)


def note_late_answer(command_id: UUID, said_state: str, code: str = "") -> bool:
    """Take an answer that came when its command was over already; True when it contradicts what we said of it.

    said_state: the state that the answer would have moved the command to. The row is frozen: what disagrees becomes an
    event and an alert, what only adds knowledge to an unresolved one becomes an event.
    """
    command = apps.get_model("commands", "Command").objects.filter(pk=command_id).first()
    if command is None or command.finished_at is None:
        return False
    return tell_otherwise(command, said=said_state, code=code, source="answer")


def is_disagreement(state: str, said: str) -> bool:
    """Say whether a late answer contradicts a final state. Pure."""
    return (state == "confirmed" and said in NOT_DONE) or (state in NEVER and said in DONE)


def tell_otherwise(command: Any, *, said: str, code: str, source: str, at: datetime | None = None) -> bool:
    """Record what a maker said of a command that is over; True when it contradicts its state.

    source: answer or report. The first definite word stands; the same word again is no news.
    """
    data = {"said": said, "code": code, "source": source, "state": command.state, "kind": command.kind}
    if at is not None:
        data["at"] = at.isoformat()
    if is_disagreement(command.state, said):
        return record_contradiction(command, data=data)
    if command.state == "unresolved" and said in {"confirmed", "failed", "refused"}:
        with acting_as("system:proof"):
            record(
                "command.reported",
                actor="system:proof",
                team_id=command.team_id,
                vehicle_id=command.vehicle_id,
                subject=f"command:{command.pk}",
                data=data,
            )
    return False


def record_contradiction(command: Any, *, data: Mapping[str, Any], is_alert: bool = True) -> bool:
    """Write the event that a command was contradicted, once; the alert follows by trigger unless is_alert is False.

    Returns False when it was written before.
    """
    subject = f"command:{command.pk}"
    with acting_as("system:proof"), connection.cursor() as cursor:
        # Two reports may come at once. The lock ends with the transaction.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [subject])
        events = apps.get_model("events", "Event").objects
        if events.filter(subject=subject, kind="command.contradicted", team_id=command.team_id).exists():
            return False
        record(
            "command.contradicted",
            actor="system:proof",
            team_id=command.team_id,
            vehicle_id=command.vehicle_id,
            subject=subject,
            data={**data, "alert": is_alert},
        )
    return True
