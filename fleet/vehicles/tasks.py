"""What workers do for vehicles: read a car's state when asked or when it is due. Reading never wakes a car."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.vehicles.models import Vehicle, VehicleLink

logger = logging.getLogger(__name__)

READ_EVERY = timedelta(seconds=60)
BATCH = 50


@shared_task(expires=30)
def read_link(link_id: str, *, with_capabilities: bool = False) -> None:
    """Read one car through one link and keep what it said; a maker that does not answer is asked again later."""
    from fleet.vehicles.services import read_vehicle

    link = (
        VehicleLink.objects.filter(pk=UUID(link_id), ended_at__isnull=True)
        .select_related("connection__account__app", "vehicle")
        .first()
    )
    if link is None:
        return
    try:
        read_vehicle(link, with_capabilities=with_capabilities)
    except AdapterError as error:
        logger.info("reading link %s: %s", link.id, error)


@shared_task
def refresh_due() -> None:
    """Ask for the cars that were not read for a minute, oldest first, a batch at a time."""
    with transaction.atomic():
        due = list(
            Vehicle.objects.select_for_update(skip_locked=True)
            .filter(removed_at__isnull=True)
            .exclude(read_at__gt=timezone.now() - READ_EVERY)
            .order_by(F("read_at").asc(nulls_first=True))[:BATCH]
            .values_list("id", flat=True)
        )
        # Marked before reading, so that a maker who hangs does not fill the queue with the same cars.
        Vehicle.objects.filter(id__in=due).update(read_at=timezone.now())
    live = VehicleLink.objects.filter(
        vehicle_id__in=due, ended_at__isnull=True, connection__status="active", connection__account__status="active"
    )
    for link_id, has_capabilities in live.values_list("id", "capabilities"):
        read_link.delay(str(link_id), with_capabilities=not has_capabilities)
