"""What every page of the dashboard shows of notices: how many are unread."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from fleet.notifications.access import count_unread
from fleet.teams.models import User


def unread_notices(request: HttpRequest) -> dict[str, Any]:
    """Return the number of unread notices for templates; asked only by pages that show it, not by their parts."""
    return {"unread_notices": SimpleLazyObject(lambda: _count(request))}


def _count(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return count_unread(user) if isinstance(user, User) else 0
