"""The verbs of teams: create a team, add a member, change what a member may, remove a member."""

import dataclasses
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.events.services import acting_as, record
from fleet.teams.grants import Grant, grant_of
from fleet.teams.installation import crown_first
from fleet.teams.models import Authority, Membership, Team, User
from fleet.teams.roles import Role


class LastOwner(Exception):
    """A team must keep an owner."""

    code = "last_owner"


def create_team(*, name: str, owner: User) -> Membership:
    """Create a team with its first owner and return that membership. One transaction, two events."""
    with acting_as(owner.actor):
        team = Team.objects.create(name=name)
        record("team.created", actor=owner.actor, team_id=team.id, subject=f"team:{team.id}")
        return add_member(team=team, user=owner, role=Role.OWNER, actor=owner.actor)


def add_member(*, team: Team, user: User, role: Role | Grant, actor: str) -> Membership:
    """Add a person to a team, with a role for all vehicles or with a whole grant, under an authority of their own."""
    grant = role if isinstance(role, Grant) else Grant(role)
    with acting_as(actor):
        authority = Authority.objects.create(team=team, kind=Authority.Kind.MEMBERSHIP)
        membership = Membership.objects.create(team=team, user=user, authority=authority, **grant.columns())
        data = {"user": str(user.id), **grant.to_json()}
        record("member.added", actor=actor, team_id=team.id, subject=f"membership:{membership.id}", data=data)
    return membership


def change_role(*, membership: Membership, role: Role | Grant, actor: str) -> None:
    """Give a member another role, or other vehicles. Commands accepted before and not yet permitted will not be sent.

    A role alone leaves the vehicles as they are. Raises LastOwner when the team would be left without an owner.
    """
    grant = role if isinstance(role, Grant) else dataclasses.replace(grant_of(membership), role=role, custom_role=None)
    with acting_as(actor):
        _lock_team(membership.team)
        _keep_an_owner(membership, grant.role)
        Membership.objects.this(membership).update(**grant.columns())
        _raise_authority(membership)
        data = {"user": str(membership.user_id), **grant.to_json()}
        subject = f"membership:{membership.id}"
        record("member.role_changed", actor=actor, team_id=membership.team_id, subject=subject, data=data)
    membership.refresh_from_db()


def remove_member(*, membership: Membership, actor: str) -> None:
    """End a membership at once; its commands that are not yet permitted will not be sent. Raises LastOwner."""
    with acting_as(actor):
        _lock_team(membership.team)
        _keep_an_owner(membership, None)
        now = timezone.now()
        Membership.objects.this(membership).update(ended_at=now)
        _raise_authority(membership, revoked_at=now)
        data = {"user": str(membership.user_id)}
        subject = f"membership:{membership.id}"
        record("member.removed", actor=actor, team_id=membership.team_id, subject=subject, data=data)
    membership.refresh_from_db()


def _raise_authority(membership: Membership, **also: datetime) -> None:
    authority = Authority.objects.filter(pk=membership.authority_id, team_id=membership.team_id)
    authority.update(version=F("version") + 1, **also)


def _lock_team(team: Team) -> None:
    # Two owners who demote each other at once must not both succeed.
    Team.objects.select_for_update().get(pk=team.pk)


def _keep_an_owner(membership: Membership, new_role: Role | None) -> None:
    if membership.role != Role.OWNER or new_role == Role.OWNER:
        return
    others = Membership.objects.filter(team_id=membership.team_id, role=Role.OWNER, ended_at__isnull=True)
    if not others.exclude(pk=membership.pk).exists():
        raise LastOwner


def sign_up(*, user: User, team_name: str) -> Membership:
    """Save a new person together with their first team, in one transaction; the very first looks after everything."""
    with transaction.atomic():
        user.save()
        crown_first(user)
        return create_team(name=team_name, owner=user)
