"""Which cars a maker still lists in an owner's account: asked once a day, and whenever the owner signs in anew.

A car that is not listed is marked and stays: makers drop cars from a list and bring them back, and what would end here
would end for its owner. Commands for it get the maker's own answer.
"""

import asyncio
import logging
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from fleet.adapters.base import Login
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http, Take
from fleet.budgets.meter import Payer, calls_of
from fleet.events.services import acting_as, record
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import Connection, ProviderAccount, VehicleLink
from fleet.vehicles.providers import make_adapter

logger = logging.getLogger(__name__)

ACTOR = "system:connections"
BATCH = 20

# Marked before asking, so that a maker who hangs is not asked by every round.
CLAIM = """
UPDATE vehicles_provideraccount SET listed_at = now() WHERE id IN (
    SELECT a.id FROM vehicles_provideraccount a JOIN vehicles_providerapp p ON p.id = a.app_id
    WHERE a.status = 'active' AND coalesce(a.listed_at, a.created_at) <= now() - make_interval(secs => %(every_s)s)
        AND p.is_enabled AND (p.held_until IS NULL OR p.held_until <= now())
        AND (p.breaker_until IS NULL OR p.breaker_until <= now())
        AND EXISTS (SELECT 1 FROM vehicles_connection c WHERE c.account_id = a.id AND c.status = 'active')
    ORDER BY coalesce(a.listed_at, a.created_at) LIMIT %(most)s FOR UPDATE OF a SKIP LOCKED)
RETURNING id
"""
LIST_EVERY = timedelta(days=1)


def note_listing(account: ProviderAccount, listed: Collection[str]) -> int:
    """Mark the cars of a login that are not in the maker's list, unmark those that are again; return how many changed.

    listed: the maker's ids, as list_vehicles gave them. Every team that reaches a car of the login hears of it.
    """
    changed, now = 0, timezone.now()
    with acting_as(ACTOR):
        ProviderAccount.objects.filter(pk=account.pk).update(listed_at=now)
        links = VehicleLink.objects.across_teams().filter(
            connection__account=account, connection__status=Connection.Status.ACTIVE, ended_at__isnull=True
        )
        for link in links.order_by("id"):
            is_listed = link.provider_vehicle_id in listed
            if is_listed != (link.unlisted_at is not None):
                continue
            unlisted_at = None if is_listed else now
            changed += VehicleLink.objects.this(link).update(unlisted_at=unlisted_at)
            record(
                "link.listed" if is_listed else "link.unlisted",
                actor=ACTOR,
                team_id=link.team_id,
                vehicle_id=link.vehicle_id,
                subject=f"link:{link.id}",
            )
    return changed


def list_due(most: int = BATCH) -> int:
    """Ask for the lists that are a day old, some at a time; return how many were read. For worker processes only.

    A maker that does not answer has said nothing: nothing is marked, and it is asked again the next day.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"every_s": LIST_EVERY.total_seconds(), "most": most})
        due = [row[0] for row in cursor.fetchall()]
    return sum(_list(account_id) for account_id in due)


def _list(account_id: UUID) -> bool:
    account = ProviderAccount.objects.select_related("app").get(pk=account_id)
    try:
        login = get_login(account.id)
        listed = asyncio.run(_ask(account, login, calls_of(Payer(account.app_id, account.id))))
    except AdapterError as error:
        logger.info("listing the cars of account %s: %s", account_id, error)
        return False
    note_listing(account, listed)
    return True


async def _ask(account: ProviderAccount, login: Login, take: Take | None) -> set[str]:
    async with Http() as http:
        adapter = make_adapter(account.app, http.metered(take) if take else http)
        return {car.provider_vehicle_id for car in await adapter.list_vehicles(login)}
