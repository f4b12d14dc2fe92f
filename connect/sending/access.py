"""Finding personal links on behalf of a member of the team."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from connect.models import Recipient
from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_recipient(user: User | AnonymousUser, recipient_id: UUID) -> tuple[Recipient, Membership]:
    """Return a personal link of a team and the membership under which it is reached.

    Raises Http404 for a foreign one, PermissionDenied for too small a role.
    """
    return get_in_teams(
        Recipient.objects.select_related("link__team", "team"), user, recipient_id, to=Permission.CONNECT
    )
