"""The verbs of a team's own roles: make one, change it, offer it no longer."""

from uuid import UUID

from django.db.models import F
from django.utils import timezone

from fleet.events.services import acting_as, record
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import Authority, CustomRole, Membership
from fleet.teams.roles import Permission, Rights

MOST_ROLES = 50


class TooManyRoles(Exception):
    """A team has at most 50 roles of its own."""

    code = "too_many_roles"


class RoleInUse(Exception):
    """A role that somebody has, or is invited to, cannot be removed."""

    code = "role_in_use"


def save_role(*, membership: Membership, name: str, rights: Rights, role: CustomRole | None = None) -> CustomRole:
    """Make a role of the team's own, or change one for everybody who has it; return it.

    Whatever was accepted under the old rights and is not yet permitted will not be sent. A role that may do anything
    may see as well. Raises BeyondOwnRights when the role holds, or held, more than the member who saves it has;
    TooManyRoles. A name that the team has already raises IntegrityError: ask the form first.
    """
    if rights.permissions:
        rights = Rights(
            rights.permissions | {Permission.VIEW},
            rights.families if Permission.COMMAND in rights.permissions else frozenset(),
            rights.max_cars,
            rights.needs_step_up,
            rights.hours,
        )
    if not membership.rights.covers(rights) or (role is not None and not membership.rights.covers(role.rights)):
        raise BeyondOwnRights
    with acting_as(membership.user.actor):
        offered = CustomRole.objects.filter(team_id=membership.team_id, removed_at__isnull=True)
        if role is None:
            if offered.count() >= MOST_ROLES:
                raise TooManyRoles
            role = CustomRole(team_id=membership.team_id)
            kind = "role.made"
        else:
            role = offered.select_for_update().get(pk=role.pk)
            kind = "role.changed"
        role.name = name
        role.permissions = sorted(rights.permissions)
        role.families = sorted(rights.families)
        role.max_cars, role.needs_step_up = rights.max_cars, rights.needs_step_up
        role.hours = rights.hours.to_json() if rights.hours else None
        role.save()
        holders = Membership.objects.filter(custom_role=role, ended_at__isnull=True)
        Authority.objects.filter(id__in=holders.values("authority_id")).update(version=F("version") + 1)
        _tell(kind, role, membership)
    return role


def remove_role(*, membership: Membership, role_id: UUID) -> None:
    """Offer a role no longer. Raises RoleInUse while somebody has it; BeyondOwnRights as save_role."""
    with acting_as(membership.user.actor):
        role = CustomRole.objects.select_for_update().get(pk=role_id, team_id=membership.team_id)
        if not membership.rights.covers(role.rights):
            raise BeyondOwnRights
        if Membership.objects.filter(custom_role=role, ended_at__isnull=True).exists():
            raise RoleInUse
        role.removed_at = timezone.now()
        role.save(update_fields=["removed_at"])
        _tell("role.removed", role, membership)


def _tell(kind: str, role: CustomRole, membership: Membership) -> None:
    data = {"name": role.name, "permissions": role.permissions, "families": role.families}
    record(kind, actor=membership.user.actor, team_id=role.team_id, subject=f"role:{role.id}", data=data)
