"""Finding commands on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.models import Command
from fleet.teams.access import get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_command(
    user: User | AnonymousUser, command_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Command, Membership]:
    """Return a command and the membership under which it is reached.

    Raises Http404 for a foreign command, PermissionDenied for too small a role.
    """
    command = Command.objects.select_related("vehicle", "user", "app", "team").filter(pk=command_id).first()
    if command is None:
        raise Http404
    return command, get_membership(user, command.team_id, to=to)


def commands_of(membership: Membership) -> QuerySet[Command]:
    """Return the commands that a membership may see, newest first."""
    commands = Command.objects.filter(team_id=membership.team_id)
    return commands.select_related("vehicle", "user", "app").order_by("-accepted_at", "-id")
