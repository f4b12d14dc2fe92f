"""What workers do for the owner's flow. A message names a row; codes and tokens never travel through the broker."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task

from fleet.adapters.errors import AdapterError

logger = logging.getLogger(__name__)

# Visits and misses are of no use to anybody after so long.
FORGET_VISITS_AFTER = timedelta(days=7)
FORGET_MISSES_AFTER = timedelta(minutes=10)


@shared_task(expires=60)
def exchange(visit_id: str) -> None:
    """Trade the code that waits in a visit's row."""
    from connect.exchange import exchange_code

    exchange_code(UUID(visit_id))


@shared_task(expires=60)
def ask_for_sign_in(visit_id: str) -> None:
    """Ask where the owner of a visit signs in."""
    from connect import asking

    asking.ask_for_sign_in(UUID(visit_id))


@shared_task(expires=30)
def refresh_brands(app_id: str) -> None:
    """Read the brands of one registration, unless somebody just did."""
    from connect import brands
    from fleet.vehicles.models import ProviderApp

    if UUID(app_id) not in brands.stale_apps():
        return
    try:
        brands.refresh_brands(ProviderApp.objects.get(pk=UUID(app_id)))
    except AdapterError as error:
        logger.info("brands of %s: %s", app_id, error)


@shared_task
def sweep() -> None:
    """End what was left lying, ring again for what nobody took, forget what is old, keep the brands fresh."""
    from connect import brands, sweeping

    sweeping.end_abandoned_visits()
    sweeping.ring_again()
    sweeping.forget_old_rows(visits_after=FORGET_VISITS_AFTER, misses_after=FORGET_MISSES_AFTER)
    brands.ask_for_brands()


@shared_task
def write_to_owners() -> None:
    """Write the letters that wait for owners: personal links, reminders, keys of their own pages."""
    from connect import portal_keys
    from connect.sending import letters

    letters.write_due_letters()
    portal_keys.write_due_letters()


@shared_task
def watch_connections() -> None:
    """Tell teams which connections are expected to end soon, and which have."""
    from connect.cockpit.watching import tell_of_ends

    tell_of_ends()
