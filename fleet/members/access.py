"""Finding members, invitations, roles and groups on behalf of somebody. What is of another team does not exist."""

from datetime import datetime
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet, Value
from django.http import Http404
from django.utils import timezone

from fleet.members.invitations import hash_secret, open_invitations
from fleet.members.joining import find_by_hash
from fleet.teams.access import get_in_teams, with_rights
from fleet.teams.models import CustomRole, Invitation, Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.groups import groups_of
from fleet.vehicles.models import VehicleGroup
from fleet.vehicles.sealing import keyed_hash

SECRET_MAX_LENGTH = 100
MISSES_PER_MINUTE = 30
Asker = User | AnonymousUser


def get_member(user: Asker, membership_id: UUID) -> tuple[Membership, Membership]:
    """Return a member and the membership of who asks. Raises Http404, or PermissionDenied for too small a role."""
    return get_in_teams(with_rights().filter(ended_at__isnull=True), user, membership_id, to=Permission.MEMBERS)


def get_invitation(user: Asker, invitation_id: UUID) -> tuple[Invitation, Membership]:
    """Return an invitation, however it ended, and the membership of who asks. Raises as get_member."""
    invitations = Invitation.objects.select_related("custom_role")
    return get_in_teams(invitations, user, invitation_id, to=Permission.MEMBERS)


def get_role(user: Asker, role_id: UUID) -> tuple[CustomRole, Membership]:
    """Return a role of the team's own that is offered. Raises as get_member."""
    roles = CustomRole.objects.filter(removed_at__isnull=True)
    return get_in_teams(roles, user, role_id, to=Permission.MEMBERS)


def get_group(user: Asker, group_id: UUID) -> tuple[VehicleGroup, Membership]:
    """Return a group of vehicles; one beyond the asker's reach does not exist for them. Raises as get_member."""
    group, membership = get_in_teams(VehicleGroup.objects.all(), user, group_id, to=Permission.TEAM)
    if not groups_of(membership).filter(pk=group_id).exists():
        raise Http404
    return group, membership


def members_of(membership: Membership, *, text: str = "") -> QuerySet[Membership]:
    """Return the team's members by name, each with has_second_factor (None: not known here); text: part of a name."""
    members = with_rights().filter(team_id=membership.team_id, ended_at__isnull=True)
    if text:
        members = members.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    return members.annotate(has_second_factor=_second_factor()).order_by("user__name", "user__email", "id")


def _second_factor() -> Exists | Value:
    if not apps.is_installed("allauth.mfa"):
        return Value(None, output_field=BooleanField(null=True))
    factors = apps.get_model("mfa", "Authenticator").objects.exclude(type="recovery_codes")
    return Exists(factors.filter(user=OuterRef("user")))


def invitations_of(membership: Membership) -> QuerySet[Invitation]:
    """Return the team's invitations that wait, the newest first."""
    return open_invitations(membership).select_related("custom_role", "invited_by__user").order_by("-created_at", "id")


def roles_of(membership: Membership) -> QuerySet[CustomRole]:
    """Return the roles of the team's own that are offered, by name."""
    return CustomRole.objects.filter(team_id=membership.team_id, removed_at__isnull=True).order_by("name")


def find_invitation(secret: str) -> Invitation | None:
    """Return the invitation that a secret opens, usable or not; None when there is none."""
    if len(secret) > SECRET_MAX_LENGTH:
        return None
    return find_by_hash(hash_secret(secret))


def note_miss(address: str, *, now: datetime | None = None) -> bool:
    """Count an invitation that does not exist against an address; False when it asked for too many this minute.

    The counter is the one of share links (connect.access.note_miss), which also forgets it: whoever guesses at both
    doors has the tries of one. This app stands below connect, so it speaks to the table.
    """
    minute_at = (now or timezone.now()).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO connect_linkmiss AS m (address_hash, minute_at, count) VALUES (%s, %s, 1) "
            "ON CONFLICT (address_hash, minute_at) DO UPDATE SET count = m.count + 1 RETURNING count",
            [keyed_hash(address, purpose="link_miss"), minute_at],
        )
        (count,) = cursor.fetchone()
    return count <= MISSES_PER_MINUTE
