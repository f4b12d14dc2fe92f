"""Telling teams, once for each expected end, that a connection will end or has ended by itself. For workers."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from connect.cockpit.facts import lives_of, read_facts
from connect.cockpit.health import SOON, Expectation, foresee
from fleet.adapters.registry import ADAPTERS
from fleet.events.services import acting_as, record
from fleet.vehicles.models import Connection, VehicleLink

ACTOR = "system:connections"
BATCH = 500
LOOK_BACK = timedelta(days=8)
# What a refusal or a day without the maker makes of it, is told when it is sure.
TOLD = frozenset({"consent", "grant", "idle"})


def tell_of_ends() -> int:
    """Record which connections are expected to end within two weeks, and which have ended as they were given.

    Return how many. A new expectation is told again, the same one never.
    """
    now = timezone.now()
    return _tell_expected(now) + _tell_ended(now)


def _tell_expected(now: datetime) -> int:
    told, after = 0, UUID(int=0)
    while batch := list(_candidates(now).filter(pk__gt=after)[:BATCH]):
        after = batch[-1].pk
        links = VehicleLink.objects.filter(connection__in=batch, ended_at__isnull=True).order_by("created_at")
        link_of = dict(links.values_list("connection_id", "id"))
        facts = dict(read_facts(VehicleLink.objects.filter(pk__in=link_of.values())))
        for connection in batch:
            known = facts.get(link_of.get(connection.id, connection.id))
            end = foresee(known, now=now) if known else None
            if end is not None and end.why in TOLD and end.at - now <= SOON:
                told += _tell(connection, end)
    return told


def _candidates(now: datetime) -> QuerySet[Connection]:
    """Return the live connections that may end soon and of whose end perhaps nobody was told."""
    lives = [provider for provider in ADAPTERS if lives_of(provider) != (None, None)]
    is_given_until = Q(ends_at__lte=now + SOON) & (Q(told_of_end_at__isnull=True) | ~Q(told_of_end_at=F("ends_at")))
    found = Connection.objects.filter(is_given_until | Q(account__app__provider__in=lives))
    return found.filter(status=Connection.Status.ACTIVE, team__delete_at__isnull=True).order_by("pk")


def _tell(connection: Connection, end: Expectation) -> bool:
    with acting_as(ACTOR):
        untold = Q(told_of_end_at__isnull=True) | ~Q(told_of_end_at=end.at)
        live = Connection.objects.this(connection).filter(untold, status=Connection.Status.ACTIVE)
        if not live.update(told_of_end_at=end.at):
            return False
        # About the account, as when it breaks: so readers of the log find its cars.
        record(
            "connection.expiring",
            actor=ACTOR,
            team_id=connection.team_id,
            subject=f"account:{connection.account_id}",
            data={"connection": str(connection.id), "ends_at": end.at.isoformat(), "why": end.why},
        )
    return True


def _tell_ended(now: datetime) -> int:
    """Record what ended as it was given. That it was told stands in the row: its expected end is its end."""
    untold = Q(told_of_end_at__isnull=True) | ~Q(told_of_end_at=F("ended_at"))
    over = Connection.objects.filter(
        untold, status=Connection.Status.ENDED, ended_at__gt=now - LOOK_BACK, ends_at__lte=F("ended_at")
    )
    told = 0
    for connection in over.order_by("ended_at")[:BATCH]:
        with acting_as(ACTOR):
            if Connection.objects.this(connection).filter(untold).update(told_of_end_at=F("ended_at")):
                subject = f"connection:{connection.id}"
                record("connection.expired", actor=ACTOR, team_id=connection.team_id, subject=subject)
                told += 1
    return told
