"""What every page says of a team that is closed."""

from typing import Any

from django.http import HttpRequest

from fleet.teams.access import current_membership
from fleet.teams.deletion import is_closing
from fleet.teams.roles import Permission


def end_of_team(request: HttpRequest) -> dict[str, Any]:
    """Return when the current team is erased (None while it is open), and whether the person may end it."""
    user = getattr(request, "user", None)
    membership = current_membership(request) if user is not None and user.is_authenticated else None
    if membership is None:
        return {"may_end_team": False, "ends_at": None}
    return {
        "may_end_team": membership.may(Permission.DELETE),
        "ends_at": membership.team.delete_at if is_closing(membership.team) else None,
    }
