"""The verbs that one member does to another: change what they may, remove them. Nobody touches who has more rights."""

from fleet.events.services import acting_as, record
from fleet.teams import services as teams
from fleet.teams.access import with_rights
from fleet.teams.grants import BeyondOwnRights, Grant, check_may_give, grant_of
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Permission


class NotAMember(Exception):
    """The member was removed meanwhile."""

    code = "not_a_member"


def change_member(*, membership: Membership, target: Membership, grant: Grant) -> None:
    """Give another member, or oneself, a role and vehicles.

    Whatever of theirs was accepted before and is not yet permitted will not be sent. Raises BeyondOwnRights when the
    target has, or would get, more than the member who changes it; LastOwner; NotAMember.
    """
    with acting_as(membership.user.actor):
        giver, target = _lock(membership, target)
        check_may_give(giver, grant_of(target))
        check_may_give(giver, grant)
        teams.change_role(membership=target, role=grant, actor=giver.user.actor)


def remove(*, membership: Membership, target: Membership) -> None:
    """End a membership at once: its open pages go, its commands that are not yet permitted are not sent.

    Raises BeyondOwnRights, LastOwner, NotAMember.
    """
    with acting_as(membership.user.actor):
        giver, target = _lock(membership, target)
        check_may_give(giver, grant_of(target))
        teams.remove_member(membership=target, actor=giver.user.actor)


def note_refusal(*, membership: Membership, what: str, role: str) -> None:
    """Keep in the log that somebody tried to give a right that they have not got. what: invite, change, remove."""
    with acting_as(membership.user.actor):
        record(
            "member.refused",
            actor=membership.user.actor,
            team_id=membership.team_id,
            subject=f"membership:{membership.id}",
            data={"what": what, "role": role[:60]},
        )


def _lock(membership: Membership, target: Membership) -> tuple[Membership, Membership]:
    """Return both as they are now, with the team held: who is demoted in this moment gives nothing any more."""
    Team.objects.select_for_update().get(pk=membership.team_id)
    rows = {row.pk: row for row in with_rights().filter(team_id=membership.team_id, pk__in=[membership.pk, target.pk])}
    giver, current = rows[membership.pk], rows[target.pk]
    if not giver.may(Permission.MEMBERS):
        raise BeyondOwnRights
    if current.ended_at is not None:
        raise NotAMember
    return giver, current
