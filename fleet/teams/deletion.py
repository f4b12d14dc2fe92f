"""Closing a team and opening it again. What a closed one no longer does, and its end, are in fleet.keeping."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F

from fleet.events.models import ClockTimestamp
from fleet.events.services import acting_as, record
from fleet.teams.access import with_rights
from fleet.teams.models import Authority, Membership, Team
from fleet.teams.roles import Permission


class NotAllowed(Exception):
    """The member may not end the team, or is a member no more."""

    code = "role"


def is_closing(team: Team) -> bool:
    """Say whether a team is closed: it takes no command, and is erased at team.delete_at."""
    return team.delete_at is not None


def close_team(*, membership: Membership) -> datetime:
    """Close a team from this moment on, and return when it is erased; one that is closed already stays as it is.

    Whatever was accepted and is not yet permitted will not be sent, as when a member is removed. Raises NotAllowed.
    """
    actor = membership.user.actor
    with acting_as(actor):
        team = _lock(membership)
        if team.delete_at is None:
            grace = timedelta(days=settings.TEAM_GRACE_DAYS)
            Team.objects.filter(pk=team.pk).update(delete_at=ClockTimestamp() + grace)
            Authority.objects.filter(team_id=team.pk).update(version=F("version") + 1)
            team.refresh_from_db()
            data = {"delete_at": team.delete_at and team.delete_at.isoformat()}
            record("team.closing", actor=actor, team_id=team.pk, subject=f"team:{team.pk}", data=data)
    membership.team.refresh_from_db()
    assert team.delete_at is not None  # noqa: S101 - it is closed by now
    return team.delete_at


def reopen_team(*, membership: Membership) -> bool:
    """Open a closed team again; say whether it was closed. What was stopped stays stopped. Raises NotAllowed.

    While the erasing has not begun: that ends all memberships first, under the same lock.
    """
    actor = membership.user.actor
    with acting_as(actor):
        team = _lock(membership)
        if team.delete_at is None:
            return False
        Team.objects.filter(pk=team.pk).update(delete_at=None)
        record("team.reopened", actor=actor, team_id=team.pk, subject=f"team:{team.pk}")
    membership.team.refresh_from_db()
    return True


def _lock(membership: Membership) -> Team:
    """Return the team, held; asked anew whether the member may, as they may have lost it a moment ago."""
    team = Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
    current = with_rights().get(pk=membership.pk, team_id=team.pk)
    if not current.may(Permission.DELETE):
        raise NotAllowed
    return team
