"""Finding rules on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.rules.models import TeamRule
from fleet.teams.access import get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_rule(
    user: User | AnonymousUser, rule_id: UUID, *, to: Permission = Permission.RULES
) -> tuple[TeamRule, Membership]:
    """Return a rule and the membership under which it is reached.

    Raises Http404 for a foreign rule, PermissionDenied for too small a role.
    """
    rule = TeamRule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise Http404
    return rule, get_membership(user, rule.team_id, to=to)


def rules_of(membership: Membership) -> QuerySet[TeamRule]:
    """Return all rules of a team, oldest first, those that are switched off too."""
    return TeamRule.objects.filter(team_id=membership.team_id).order_by("created_at", "id")
