"""Finding schedules and timed commands on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.programs.models import Schedule, TimedCommand
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.access import may_reach


def get_schedule(
    user: User | AnonymousUser, schedule_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Schedule, Membership]:
    """Return a schedule and the membership under which it is reached.

    Raises Http404 for a foreign or removed schedule, and for another person's where the membership is for some vehicles
    only; PermissionDenied for too small a role.
    """
    schedules = Schedule.objects.select_related("team", "saved_filter", "membership__user", "membership__authority")
    kept = schedules.exclude(state=Schedule.State.REMOVED)
    schedule, membership = get_in_teams(kept, user, schedule_id, to=to)
    if not membership.reaches_all and schedule.membership_id != membership.id:
        raise Http404
    return schedule, membership


def schedules_of(membership: Membership) -> QuerySet[Schedule]:
    """Return the schedules that a membership may see, by name: their own, where they reach some vehicles only."""
    schedules = Schedule.objects.filter(team_id=membership.team_id).exclude(state=Schedule.State.REMOVED)
    if not membership.reaches_all:
        schedules = schedules.filter(membership=membership)
    return schedules.select_related("saved_filter", "membership__user", "team").order_by("name", "id")


def get_timed(
    user: User | AnonymousUser, timed_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[TimedCommand, Membership]:
    """Return a timed command and the membership under which it is reached; errors as get_vehicle."""
    all_timed = TimedCommand.objects.select_related("vehicle", "first", "membership__user")
    timed, membership = get_in_teams(all_timed, user, timed_id, to=to)
    if not may_reach(membership, timed.vehicle_id):
        raise Http404
    return timed, membership
