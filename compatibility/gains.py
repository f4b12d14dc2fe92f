"""When a connected car gains or loses a command, by a new load of data or because its maker says otherwise: told once.

Each live link is looked at every some minutes and compared with what was known of it. The event and the new knowledge
are one transaction, so that neither a crash nor a second worker makes it told twice or never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from compatibility.answers import Answer, answers_for
from compatibility.models import KnownAbility
from compatibility.words import CONTROLS, Support
from fleet.events.services import record
from fleet.vehicles.models import Connection, VehicleLink

ACTOR = "system:compatibility"
LOOK_AGAIN_AFTER = timedelta(minutes=10)
# Until its maker was asked, a new car's answers are only declared: what it then says is no gain and no loss.
LEARNS_FOR = timedelta(days=1)
LINKS_PER_BATCH = 500
# One run must not hold a worker for long; the next one comes in minutes.
BATCHES_PER_RUN = 20


@dataclass(frozen=True)
class Change:
    """What differs from what was known. known: what is known from now on, {command: support}."""

    known: dict[str, str]
    gained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def tell_gains_and_losses(now: datetime | None = None) -> int:
    """Compare every live link that is due with what was known of it; return how many events were written.

    For worker processes only.
    """
    now = now or timezone.now()
    told = 0
    for _ in range(BATCHES_PER_RUN):
        looked_at, events = _look_at_some(now)
        told += events
        if looked_at < LINKS_PER_BATCH:
            break
    return told


def compare(known: Mapping[str, str], answers: Mapping[str, Answer]) -> Change:
    """Say what changed between yes (also with a condition) and no. Pure.

    An answer that nobody knows is neither: what was known before stays, so that a no after it is still a loss. What was
    never known before is only noted.
    """
    change = Change(dict(known))
    for command in CONTROLS:
        can = answers[command].can
        if can is None:
            continue
        change.known[command] = answers[command].support.value
        if command in known and can != (known[command] != Support.NONE):
            (change.gained if can else change.lost).append(command)
    return change


@transaction.atomic
def _look_at_some(now: datetime) -> tuple[int, int]:
    """Look at a batch in one transaction; return how many links it was and how many events were written."""
    links = list(_due(now)[:LINKS_PER_BATCH])
    # Asked after the links are locked: another worker's look at them has been committed by now, and is seen.
    known = {row.link_id: row.abilities for row in KnownAbility.objects.filter(link__in=links)}
    answers = answers_for(links)
    told, rows = 0, []
    for link in links:
        change = compare(known.get(link.id, {}), answers[link.id])
        rows.append(KnownAbility(team_id=link.team_id, link=link, abilities=change.known, seen_at=now))
        told += _tell(link, change)
    KnownAbility.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["link"], update_fields=["abilities", "seen_at"]
    )
    return len(links), told


def _due(now: datetime) -> QuerySet[VehicleLink]:
    connection = Q(connection__ends_at__isnull=True) | Q(connection__ends_at__gt=now)
    has_learnt = ~Q(capabilities={}) | Q(created_at__lt=now - LEARNS_FOR)
    is_due = Q(knownability__isnull=True) | Q(knownability__seen_at__lte=now - LOOK_AGAIN_AFTER)
    return (
        VehicleLink.objects.filter(
            connection,
            has_learnt,
            is_due,
            ended_at__isnull=True,
            connection__status=Connection.Status.ACTIVE,
            vehicle__removed_at__isnull=True,
            team__delete_at__isnull=True,
        )
        .select_related("vehicle__team", "connection__account__app")
        .order_by(F("knownability__seen_at").asc(nulls_first=True), "id")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)
    )


def _tell(link: VehicleLink, change: Change) -> int:
    """Write at most one event of each kind for a car; return how many."""
    lost = _tell_of("vehicle.lost_command", link, change.lost)
    return lost + _tell_of("vehicle.gained_command", link, change.gained)


def _tell_of(kind: str, link: VehicleLink, commands: list[str]) -> int:
    if not commands:
        return 0
    subject, data = f"link:{link.id}", {"commands": commands}
    record(kind, actor=ACTOR, team_id=link.team_id, vehicle_id=link.vehicle_id, subject=subject, data=data)
    return 1
