"""Finding commands on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from commands.alerts.models import Alert
from commands.models import Command
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.access import may_reach, reach_of


def get_command(
    user: User | AnonymousUser, command_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Command, Membership]:
    """Return a command and the membership under which it is reached.

    Raises Http404 for a command that is foreign or of a car beyond their reach, PermissionDenied for too small a role.
    """
    commands = with_disputes(Command.objects.select_related("vehicle", "user", "app", "team"))
    command, membership = get_in_teams(commands, user, command_id, to=to)
    if not may_reach(membership, command.vehicle_id):
        raise Http404
    return command, membership


def commands_of(membership: Membership) -> QuerySet[Command]:
    """Return the commands that a membership may see, newest first."""
    # rank: what its index says of itself; see commands.models.
    reached = reach_of(membership, "vehicle_id")
    commands = with_disputes(Command.objects.filter(reached, team_id=membership.team_id, rank__gte=0))
    return commands.select_related("vehicle", "user", "app").order_by("-accepted_at", "-id")


def with_disputes(commands: QuerySet[Command]) -> QuerySet[Command]:
    """Add is_disputed: after its end came evidence that says the opposite of what stands in the row."""
    disputes = Alert.objects.filter(command_id=OuterRef("pk"), kind=Alert.Kind.CONTRADICTED)
    return commands.annotate(is_disputed=Exists(disputes))
