"""What workers do for vehicles: read a car's state when asked or when it is due. Reading never wakes a car."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.budgets.holds import hold_app
from fleet.budgets.pacing import read_intervals
from fleet.teams.models import Team
from fleet.vehicles.models import ProviderApp, Vehicle, VehicleLink

logger = logging.getLogger(__name__)

READ_EVERY = timedelta(seconds=60)
BATCH = 50


@shared_task(expires=30)
def read_link(link_id: str, *, with_capabilities: bool = False, asked_by: str = "") -> None:
    """Read one car through one link and keep what it said; a maker that does not answer is asked again later."""
    from fleet.vehicles.services import read_vehicle

    link = (
        VehicleLink.objects.filter(_still_given(), pk=UUID(link_id), ended_at__isnull=True)
        .select_related("connection__account__app", "vehicle")
        .first()
    )
    if link is None or ProviderApp.objects.filter(_closed(timezone.now()), pk=link.connection.account.app_id).exists():
        return
    try:
        read_vehicle(link, with_capabilities=with_capabilities, asked_by=asked_by)
    except AdapterError as error:
        logger.info("reading link %s: %s", link.id, error)
        if error.code == "rate_limited":
            hold_app(link.connection.account.app_id, error.retry_after_s)


@shared_task(expires=120)
def refresh_account(account_id: str, seen_version: int) -> None:
    """Refresh one login early, unless somebody did since."""
    from fleet.vehicles.refreshing import refresh_early

    refresh_early(UUID(account_id), seen_version=seen_version)


@shared_task
def refresh_accounts() -> None:
    """Have the logins refreshed whose access token is nearly over, and those whose refresh died half way."""
    from fleet.vehicles.refreshing import claim_due, end_waves

    for account_id, seen_version in claim_due():
        refresh_account.delay(str(account_id), seen_version)
    end_waves()


@shared_task
def refresh_due() -> None:
    """Ask for the cars that were not read for a minute, oldest first, a batch at a time.

    Where the maker counts our calls a car is read more seldom; where it is held or does not answer, not at all; nor are
    the cars of a closed team.
    """
    now = timezone.now()
    with transaction.atomic():
        due = list(
            _without_waiting(Vehicle.objects.select_for_update(skip_locked=True), now)
            .filter(removed_at__isnull=True)
            .exclude(team__in=Team.objects.filter(delete_at__isnull=False))
            .exclude(read_at__gt=now - READ_EVERY)
            .order_by(F("read_at").asc(nulls_first=True))[:BATCH]
            .values_list("id", flat=True)
        )
        # Marked before reading, so that a maker who hangs does not fill the queue with the same cars.
        Vehicle.objects.filter(id__in=due).update(read_at=timezone.now())
    live = VehicleLink.objects.filter(
        _still_given(),
        vehicle_id__in=due,
        ended_at__isnull=True,
        connection__status="active",
        connection__account__status="active",
    )
    for link_id, has_capabilities in live.values_list("id", "capabilities"):
        read_link.delay(str(link_id), with_capabilities=not has_capabilities)


@shared_task
def list_cars() -> None:
    """Look which cars makers still list, some accounts a round, each once a day."""
    from fleet.vehicles.listing import list_due

    list_due()


@shared_task
def keep_promises() -> None:
    """Do what owners were promised by the clock: end what they gave until now, forget locations in private hours."""
    from fleet.vehicles.consent import forget_private_locations
    from fleet.vehicles.services import end_due_connections

    forget_private_locations()
    end_due_connections()


def _still_given() -> Q:
    """Links whose owner did not give them until an earlier time."""
    return Q(connection__ends_at__isnull=True) | Q(connection__ends_at__gt=timezone.now())


def _without_waiting(vehicles: QuerySet[Vehicle], now: datetime) -> QuerySet[Vehicle]:
    """Leave out the cars whose application may not be asked now, or not yet again about this car."""
    links = VehicleLink.objects.filter(vehicle=OuterRef("pk"), ended_at__isnull=True)
    closed_apps = list(ProviderApp.objects.filter(_closed(now)).values_list("id", flat=True))
    if closed_apps:
        vehicles = vehicles.exclude(Exists(links.filter(connection__account__app__in=closed_apps)))
    for app_id, interval in read_intervals().items():
        vehicles = vehicles.exclude(
            Q(read_at__gt=now - interval) & Exists(links.filter(connection__account__app=app_id))
        )
    return vehicles


def _closed(now: datetime) -> Q:
    """The applications that nothing is asked of: held by the maker, without an answer lately, or switched off."""
    return Q(held_until__gt=now) | Q(breaker_until__gt=now) | Q(is_enabled=False)
