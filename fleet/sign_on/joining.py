"""Joining the teams that a domain is for, at each sign-in by its provider; never a second time after a removal."""

from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.db.models import QuerySet

from fleet.events.services import acting_as
from fleet.sign_on.providers import Provider, domain_of
from fleet.teams.access import with_rights
from fleet.teams.grants import BeyondOwnRights, check_may_give, grant_of
from fleet.teams.models import Membership, SignOnDomain, Team, User
from fleet.teams.roles import Permission
from fleet.teams.services import add_member


def join_teams(user: User, provider: Provider) -> list[Membership]:
    """Make somebody who came in by a provider a member of the teams of their domain; return the new memberships.

    Whoever was ever in a team is left as they are: a member who was removed stays out until somebody invites them.
    """
    domain = domain_of(user.email)
    if domain not in provider.domains:
        return []
    waiting = open_to(domain).exclude(team__membership__user=user).values_list("id", "team_id")
    joined = [_join(domain_id, team_id, user) for domain_id, team_id in waiting]
    return [membership for membership in joined if membership is not None]


def landing_team(user: User) -> UUID | None:
    """Return the team of the person's domain in which they land; None where they are in none of them."""
    domains = open_to(domain_of(user.email))
    live = Membership.objects.across_teams().filter(
        user=user, ended_at__isnull=True, team_id__in=domains.values("team_id")
    )
    return live.order_by("created_at").values_list("team_id", flat=True).first()


def open_to(domain: str) -> QuerySet[SignOnDomain]:
    """Return the entries of a domain in teams that go on, the oldest first."""
    open_ones = SignOnDomain.objects.across_teams().filter(domain=domain, removed_at__isnull=True)
    going_on = open_ones.filter(team__delete_at__isnull=True)
    return going_on.order_by("created_at")


def _join(domain_id: UUID, team_id: UUID, user: User) -> Membership | None:
    with acting_as(user.actor):
        # Two sign-ins at once, or a removal meanwhile: the second waits here and then sees it.
        team = Team.objects.select_for_update(no_key=True).get(pk=team_id)
        row = SignOnDomain.objects.select_related("custom_role").get(pk=domain_id, team_id=team_id)
        is_over = row.removed_at is not None or team.delete_at is not None
        if is_over or Membership.objects.filter(team=team, user=user).exists() or not still_stands(row):
            return None
        return add_member(team=team, user=user, role=grant_of(row), actor=user.actor)


def still_stands(row: SignOnDomain) -> bool:
    """Say whether who opened the team could still give this: an entry does not outlive its maker's rights."""
    maker = with_rights().get(pk=row.made_by_id, team_id=row.team_id)
    if not maker.may(Permission.MEMBERS) or not comes_by(maker.user, row.domain):
        return False
    if row.custom_role is not None and row.custom_role.removed_at is not None:
        return False
    try:
        check_may_give(maker, grant_of(row))
    except BeyondOwnRights:
        return False
    return True


def comes_by(user: User, domain: str) -> bool:
    """Say whether a person is of a domain, by its provider's word and not only by the letters of their address."""
    return domain_of(user.email) == domain and SocialAccount.objects.filter(user=user).exists()
