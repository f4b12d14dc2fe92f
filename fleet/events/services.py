"""Writing the log. Every change of another app calls record() in its own transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from fleet.events.models import Event


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Run a transaction in somebody's name: triggers write `actor` into the log and refuse a change without one.

    actor: "user:<id>", "owner:<id>" or "system:<part>". The name ends with the transaction.
    """
    if not actor:
        raise ValueError("a change needs an actor")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('fleetwell.actor', %s, true)", [actor])
        yield


def record(
    kind: str,
    *,
    actor: str,
    team_id: UUID | None,
    vehicle_id: UUID | None = None,
    subject: str = "",
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write one event into the current transaction and return it; open pages hear of it after the commit.

    Raises RuntimeError outside a transaction: an event without the change it tells of would be a lie.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("record() belongs into the transaction of the change")
    return Event.objects.create(
        kind=kind, actor=actor, team_id=team_id, vehicle_id=vehicle_id, subject=subject, data=dict(data or {})
    )
