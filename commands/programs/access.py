"""Finding schedules and timed commands on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.programs.models import Schedule, TimedCommand
from fleet.teams.access import get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_schedule(
    user: User | AnonymousUser, schedule_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Schedule, Membership]:
    """Return a schedule and the membership under which it is reached.

    Raises Http404 for a foreign or removed schedule, PermissionDenied for too small a role.
    """
    schedule = (
        Schedule.objects.select_related("team", "saved_filter", "membership__user", "membership__authority")
        .filter(pk=schedule_id)
        .exclude(state=Schedule.State.REMOVED)
        .first()
    )
    if schedule is None:
        raise Http404
    return schedule, get_membership(user, schedule.team_id, to=to)


def schedules_of(membership: Membership) -> QuerySet[Schedule]:
    """Return the schedules that a membership may see, by name."""
    schedules = Schedule.objects.filter(team_id=membership.team_id).exclude(state=Schedule.State.REMOVED)
    return schedules.select_related("saved_filter", "membership__user", "team").order_by("name", "id")


def get_timed(
    user: User | AnonymousUser, timed_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[TimedCommand, Membership]:
    """Return a timed command and the membership under which it is reached; errors as get_schedule."""
    timed = TimedCommand.objects.select_related("vehicle", "first", "membership__user").filter(pk=timed_id).first()
    if timed is None:
        raise Http404
    return timed, get_membership(user, timed.team_id, to=to)
