"""Waking cars: who may, how often, and never for ourselves while the 12 V battery may be weak."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

# A lead-acid battery at rest under this is less than a quarter full.
LOW_12V_V = 12.0
KNOWN_12V_FOR = timedelta(hours=24)
WAKE_GRANT = "SELECT wake_grant(%(lane)s, %(app)s, %(is_automated)s, %(cause)s)"
WAKE_CODES = ("low_12v", "unknown_12v", "wake_recent", "wake_used_up")


def check_12v(readings: Mapping[str, tuple[Any, datetime]], *, at: datetime) -> str:
    """Say why a car may not be woken by ourselves: low_12v or unknown_12v; "" when its 12 V battery is known good.

    readings: signal -> (value, observed_at). A person's press is not asked this.
    """
    value, observed_at = readings.get("battery_12v_v", (None, None))
    if value is None or observed_at is None or at - observed_at > KNOWN_12V_FOR:
        return "unknown_12v"
    return "low_12v" if value < LOW_12V_V else ""


def wake_parameters(*, lane_id: UUID, app_id: UUID, is_automated: bool, cause: str) -> dict[str, Any]:
    """Return the parameters of WAKE_GRANT, for the dispatcher's own connection."""
    return {"lane": lane_id, "app": app_id, "is_automated": is_automated, "cause": cause}


def grant_wake(*, lane_id: UUID, app_id: UUID, is_automated: bool, cause: str) -> str:
    """Write a wake into the ledger and return "", or return why it is not granted: wake_recent or wake_used_up.

    Asked before the wake is: what was asked of the maker is never missing here. A person's press is always granted.
    """
    parameters = wake_parameters(lane_id=lane_id, app_id=app_id, is_automated=is_automated, cause=cause)
    with connection.cursor() as cursor:
        cursor.execute(WAKE_GRANT, parameters)
        (code,) = cursor.fetchone()
    return str(code)
