"""Finding rules on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from commands.rules.models import TeamRule
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_rule(
    user: User | AnonymousUser, rule_id: UUID, *, to: Permission = Permission.RULES
) -> tuple[TeamRule, Membership]:
    """Return a rule and the membership under which it is reached.

    Raises Http404 for a foreign rule, PermissionDenied for too small a role.
    """
    return get_in_teams(TeamRule.objects.all(), user, rule_id, to=to)


def rules_of(membership: Membership) -> QuerySet[TeamRule]:
    """Return all rules of a team, oldest first, those that are switched off too."""
    return TeamRule.objects.filter(team_id=membership.team_id).order_by("created_at", "id")
