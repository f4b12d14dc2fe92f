"""Finding what a membership may read of the log: its own team, and of the vehicles those within its reach."""

from django.db.models import Q, QuerySet

from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.access import reach_of


def events_of(membership: Membership) -> QuerySet[Event]:
    """Return the team's events, newest first. What is about no vehicle is for everybody who may read the trail."""
    events = Event.objects.filter(team_id=membership.team_id).order_by("-at", "-id")
    if membership.reaches_all:
        return events
    return events.filter(Q(vehicle_id__isnull=True) | reach_of(membership, "vehicle_id"))
