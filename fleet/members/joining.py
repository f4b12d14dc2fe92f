"""Accepting an invitation: one person, once, while it holds by the database's clock."""

from fleet.events.services import acting_as, record
from fleet.members.invitations import database_time
from fleet.teams.deletion import is_closing
from fleet.teams.grants import BeyondOwnRights, check_may_give, grant_of
from fleet.teams.models import Invitation, Membership, Team, User
from fleet.teams.roles import Permission
from fleet.teams.services import add_member


class CannotJoin(Exception):
    """The invitation can't be accepted, by this person or by anybody. code: see fleet.members.words.OUT."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make the signed-in person a member by an invitation, and use it up. Nobody is joined by another's letter.

    Raises CannotJoin: used, revoked, closed (the team), expired, other_person, member_already, no_longer (who invited
    lost the right).
    """
    with acting_as(user.actor):
        # Asked twice at once, the second waits here and then finds it used. The team first, as all others do.
        team = Team.objects.select_for_update(no_key=True).get(pk=invitation.team_id)
        locked = Invitation.objects.this(invitation).select_for_update(of=("self",)).select_related("custom_role").get()
        if code := find_obstacle(locked, user):
            raise CannotJoin(code)
        grant = grant_of(locked)
        membership = add_member(team=team, user=user, role=grant, actor=user.actor)
        locked.accepted_at, locked.accepted_by = database_time(), membership
        locked.save(update_fields=["accepted_at", "accepted_by"])
        data = {"user": str(user.id), "membership": str(membership.id)}
        record("invitation.accepted", actor=user.actor, team_id=team.id, subject=f"invitation:{locked.id}", data=data)
    return membership


def find_obstacle(invitation: Invitation, user: User | None) -> str:
    """Return why a person can't accept an invitation now, "" when they can; user: None while nobody is signed in."""
    if invitation.accepted_at is not None:
        return "used"
    if invitation.revoked_at is not None:
        return "revoked"
    if is_closing(invitation.team):
        return "closed"
    if invitation.expires_at <= database_time():
        return "expired"
    if not _still_stands(invitation):
        return "no_longer"
    if user is None:
        return ""
    if Membership.objects.filter(team_id=invitation.team_id, user=user, ended_at__isnull=True).exists():
        return "member_already"
    if invitation.email and invitation.email.lower() != user.email.lower():
        return "other_person"
    return ""


def _still_stands(invitation: Invitation) -> bool:
    """Say whether who invited could still give it: an invitation does not outlive its maker's rights."""
    makers = Membership.objects.filter(team_id=invitation.team_id).select_related("custom_role", "team")
    maker = makers.get(pk=invitation.invited_by_id)
    if not maker.may(Permission.MEMBERS):
        return False
    if invitation.custom_role is not None and invitation.custom_role.removed_at is not None:
        return False
    try:
        check_may_give(maker, grant_of(invitation))
    except BeyondOwnRights:
        return False
    return True


def find_by_hash(secret_hash: bytes) -> Invitation | None:
    """Return the invitation that a secret opens, usable or not."""
    found = (
        Invitation.objects.across_teams()
        .filter(secret_hash=secret_hash)
        .select_related("team", "custom_role", "invited_by__user", "accepted_by")
    )
    return found.first()
