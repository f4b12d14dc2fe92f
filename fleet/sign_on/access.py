"""Finding a team's domains on behalf of somebody. What is of another team does not exist."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from fleet.teams.access import get_membership
from fleet.teams.models import Membership, SignOnDomain, User
from fleet.teams.roles import Permission


def get_domain(user: User | AnonymousUser, domain_id: UUID) -> tuple[SignOnDomain, Membership]:
    """Return a domain that a team is open to, and the membership of who asks. Raises Http404, PermissionDenied."""
    row = SignOnDomain.objects.filter(pk=domain_id, removed_at__isnull=True).first()
    if row is None:
        raise Http404
    return row, get_membership(user, row.team_id, to=Permission.MEMBERS)
