"""What every page of the dashboard shows of alerts: how many are open."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from commands.alerts.access import count_open
from fleet.teams.access import current_membership
from fleet.teams.roles import Permission


def open_alerts(request: HttpRequest) -> dict[str, Any]:
    """Return the count of open alerts for templates; asked only by pages that show it, not by their parts."""
    return {"open_alerts": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    membership = current_membership(request) if user is not None and user.is_authenticated else None
    return count_open(membership) if membership is not None and membership.may(Permission.VIEW) else 0
