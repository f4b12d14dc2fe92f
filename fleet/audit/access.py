"""Finding what somebody may read of the log: of their team as far as they reach, and what happened to their account."""

from django.db.models import Q, QuerySet

from fleet.events.models import IS_BY_SOMEBODY, Event
from fleet.teams.models import Membership, User
from fleet.vehicles.access import reach_of


def events_of(membership: Membership) -> QuerySet[Event]:
    """Return the team's events, newest first. What is about no vehicle is for everybody who may read the trail."""
    events = Event.objects.filter(team_id=membership.team_id).order_by("-at", "-id")
    if membership.reaches_all:
        return events
    return events.filter(Q(vehicle_id__isnull=True) | reach_of(membership, "vehicle_id"))


def own_events_of(user: User) -> QuerySet[Event]:
    """Return what happened to a person's own account, newest first. Every event of it is in their name."""
    # The condition of the index stands beside the name, or the planner does not take it.
    events = Event.objects.filter(IS_BY_SOMEBODY, team_id__isnull=True, actor=user.actor)
    return events.filter(kind__startswith="account.").order_by("-at", "-id")
