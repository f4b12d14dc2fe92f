"""What every page of the dashboard shows of the team."""

from typing import Any

from django.http import HttpRequest

from fleet.teams.access import all_memberships_of, current_membership
from fleet.teams.roles import Permission


def team(request: HttpRequest) -> dict[str, Any]:
    """Return the current team, the membership and what it may, for templates."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"team": None, "membership": None}
    membership = current_membership(request)
    return {
        "team": membership.team if membership else None,
        "membership": membership,
        "may_connect": membership is not None and membership.may(Permission.CONNECT),
        "may_audit": membership is not None and membership.may(Permission.AUDIT),
        "may_change_team": membership is not None and membership.may(Permission.TEAM),
        "other_teams": [other.team for other in all_memberships_of(user) if other != membership],
        "may_manage_members": membership is not None and membership.may(Permission.MEMBERS),
    }
