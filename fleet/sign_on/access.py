"""Finding a team's domains on behalf of somebody. What is of another team does not exist."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, SignOnDomain, User
from fleet.teams.roles import Permission


def get_domain(user: User | AnonymousUser, domain_id: UUID) -> tuple[SignOnDomain, Membership]:
    """Return a domain that a team is open to, and the membership of who asks. Raises Http404, PermissionDenied."""
    open_ones = SignOnDomain.objects.filter(removed_at__isnull=True)
    return get_in_teams(open_ones, user, domain_id, to=Permission.MEMBERS)
