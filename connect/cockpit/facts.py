"""Reading what is known of a team's connections: one query for all of a list, one for the rows of a page."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, Max, OuterRef, Q, QuerySet, Subquery, Value

from connect.cockpit.health import Facts
from connect.models import ShareLink
from connect.scopes import SCOPES
from fleet.adapters.registry import ADAPTERS, get_adapter
from fleet.budgets.pacing import read_intervals
from fleet.teams.models import Membership
from fleet.vehicles.access import reach_of
from fleet.vehicles.models import Connection, Consent, ReadCount, VehicleLink, VehicleSignal

# Ended connections are shown for so long.
SHOW_ENDED = timedelta(days=30)
_ACCOUNT = "connection__account__"
_APP = "connection__account__app__"
_COLUMNS = {
    "created_at": "created_at",
    "ended_at": "ended_at",
    "unlisted_at": "unlisted_at",
    "consent_ends_at": "connection__ends_at",
    "account_status": f"{_ACCOUNT}status",
    "refused_at": f"{_ACCOUNT}refused_at",
    "refused_last_at": f"{_ACCOUNT}refused_last_at",
    "refreshed_at": f"{_ACCOUNT}refreshed_at",
    "refresh_failures": f"{_ACCOUNT}refresh_failures",
    "access_expires_at": f"{_ACCOUNT}access_expires_at",
    "is_enabled": f"{_APP}is_enabled",
    "refusing_since": f"{_APP}refusing_since",
    "breaker_opened_at": f"{_APP}breaker_opened_at",
    "breaker_until": f"{_APP}breaker_until",
    "held_until": f"{_APP}held_until",
}


def shown_links(membership: Membership, *, now: datetime) -> QuerySet[VehicleLink]:
    """Return the links that a list of connections is made of: those that live, and the last of a car that ended."""
    links = VehicleLink.objects.filter(
        reach_of(membership, "vehicle_id"), team_id=membership.team_id, vehicle__removed_at__isnull=True
    )
    of_the_car = VehicleLink.objects.filter(vehicle=OuterRef("vehicle"))
    is_over = Q(ended_at__gt=now - SHOW_ENDED) & ~Exists(
        of_the_car.filter(Q(ended_at__isnull=True) | Q(created_at__gt=OuterRef("created_at")))
    )
    return links.filter(Q(ended_at__isnull=True) | is_over)


def read_facts(links: QuerySet[VehicleLink]) -> list[tuple[UUID, Facts]]:
    """Return the facts of links by their id, in two queries whatever their number."""
    intervals = read_intervals()
    rows = with_facts(links).values(
        "id",
        "heard_at",
        "began_at",
        "needs_pairing",
        "given",
        "needed",
        "connection__scopes_granted",
        f"{_ACCOUNT}app_id",
        f"{_APP}provider",
        *_COLUMNS.values(),
    )
    return [(row["id"], _facts(row, intervals)) for row in rows]


def with_facts(links: QuerySet[VehicleLink]) -> QuerySet[VehicleLink]:
    """Return the same with what is counted beside them."""
    last_read = ReadCount.objects.filter(link=OuterRef("pk")).order_by("-hour_at", "-last_at")
    # Whoever of the teams asked: a login has one grant. Only its date is read.
    signed_in = Connection.objects.filter(account=OuterRef("connection__account")).order_by().values("account")
    asked_by = ShareLink.objects.filter(pk=OuterRef("connection__share_link_id"))
    given = Consent.objects.filter(link=OuterRef("pk"), withdrawn_at__isnull=True)
    return links.annotate(
        heard_at=Subquery(last_read.values("last_at")[:1]),
        began_at=Subquery(signed_in.annotate(latest=Max("created_at")).values("latest")),
        needs_pairing=Func(
            F("capabilities"),
            Value('$.* ? (@.why == "needs_pairing")'),
            template="jsonb_path_exists(%(expressions)s::jsonpath)",
            output_field=BooleanField(),
        ),
        given=ArraySubquery(given.values("scope")),
        needed=Subquery(asked_by.values("scopes_needed")[:1]),
    )


def _facts(row: dict[str, Any], intervals: dict[UUID, timedelta]) -> Facts:
    held = set(row["given"]) & set(row["connection__scopes_granted"])
    lives = lives_of(row[f"{_APP}provider"])
    return Facts(
        **{name: row[column] for name, column in _COLUMNS.items()},
        grant_life_days=lives[0],
        idle_life_days=lives[1],
        read_interval=intervals.get(row[f"{_ACCOUNT}app_id"], timedelta(0)),
        heard_at=row["heard_at"],
        began_at=row["began_at"],
        needs_pairing=bool(row["needs_pairing"]),
        # A scope of an earlier version of the table is asked for by nobody any more.
        missing=(frozenset(row["needed"] or ()) - held) & SCOPES.keys(),
    )


def lives_of(provider: str) -> tuple[float | None, float | None]:
    """Return how many days a grant lives there at most, and how many unused; None where it is not known."""
    if provider not in ADAPTERS:
        return None, None
    manifest = get_adapter(provider).manifest
    return manifest.grant_life_days, manifest.idle_life_days


def observed_at(vehicle_ids: Iterable[UUID], *, team_id: UUID) -> dict[UUID, datetime]:
    """Return when cars themselves last said anything; how they can be reached is the maker's word."""
    signals = VehicleSignal.objects.filter(team_id=team_id, vehicle_id__in=list(vehicle_ids))
    newest = signals.exclude(signal="online_state").values("vehicle_id").annotate(newest=Max("observed_at"))
    return {row["vehicle_id"]: row["newest"] for row in newest.order_by()}


def facts_of(connection_ids: Collection[UUID], *, team_id: UUID) -> list[tuple[UUID, Facts]]:
    """Return the facts of the live links of connections in hand."""
    links = VehicleLink.objects.filter(team_id=team_id, connection_id__in=connection_ids, ended_at__isnull=True)
    return read_facts(links)
