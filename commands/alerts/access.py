"""Finding alerts on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.alerts.models import Alert
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.access import may_reach, reach_of

# More than this is shown as "99+": the count stands on every page and must stay cheap.
COUNTED = 100


def get_alert(
    user: User | AnonymousUser, alert_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Alert, Membership]:
    """Return an alert and the membership under which it is reached.

    Raises Http404 for an alert that is foreign or of a car beyond their reach, PermissionDenied for too small a role.
    """
    alerts = Alert.objects.select_related("vehicle", "command__user", "closed_by")
    alert, membership = get_in_teams(alerts, user, alert_id, to=to)
    if not may_reach(membership, alert.vehicle_id):
        raise Http404
    return alert, membership


def alerts_of(membership: Membership, *, is_open: bool) -> QuerySet[Alert]:
    """Return the alerts that a membership may see, the newest first: what is open, or what was closed."""
    reached = reach_of(membership, "vehicle_id")
    alerts = Alert.objects.filter(reached, team_id=membership.team_id, closed_at__isnull=is_open)
    alerts = alerts.select_related("vehicle", "command__user", "closed_by")
    return alerts.order_by("-created_at", "-id") if is_open else alerts.order_by("-closed_at", "-id")


def count_open(membership: Membership) -> int:
    """Return how many alerts that a membership may see are open, counted up to COUNTED."""
    reached = reach_of(membership, "vehicle_id")
    return Alert.objects.filter(reached, team_id=membership.team_id, closed_at__isnull=True)[:COUNTED].count()
