"""The verbs of domains: open a team to the people of one, and close it again."""

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from fleet.events.services import acting_as, record
from fleet.sign_on.configured import provider_for
from fleet.sign_on.joining import comes_by
from fleet.teams.grants import Grant, check_may_give
from fleet.teams.models import Membership, SignOnDomain, Team


class NotOpened(Exception):
    """The team was not opened to a domain. code: see fleet.sign_on.words.REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def open_team(*, membership: Membership, domain: str, grant: Grant) -> SignOnDomain:
    """Let people of a domain join the team when they come by its provider, with a grant that the member could give.

    The member comes by that provider themselves: else any team could draw a whole company into it. Raises
    BeyondOwnRights, NotOpened (not_served, not_yours, open_already).
    """
    check_may_give(membership, grant)
    if provider_for(domain) is None:
        raise NotOpened("not_served")
    if not comes_by(membership.user, domain):
        raise NotOpened("not_yours")
    with acting_as(membership.user.actor):
        Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
        if open_domains(membership).filter(domain=domain).exists():
            raise NotOpened("open_already")
        row = SignOnDomain.objects.create(
            team_id=membership.team_id, made_by=membership, domain=domain, **grant.columns()
        )
        _tell("sign_on.opened", row, membership, **grant.to_json())
    return row


def close_team(*, membership: Membership, domain_id: UUID) -> bool:
    """Let nobody join by a domain any more; who joined stays. True if it was open."""
    with acting_as(membership.user.actor):
        row = open_domains(membership).select_for_update().filter(pk=domain_id).first()
        if row is None:
            return False
        row.removed_at = timezone.now()
        row.save(update_fields=["removed_at"])
        _tell("sign_on.closed", row, membership)
    return True


def open_domains(membership: Membership) -> QuerySet[SignOnDomain]:
    """Return the domains that the team is open to."""
    return SignOnDomain.objects.filter(team_id=membership.team_id, removed_at__isnull=True).order_by("domain")


def _tell(kind: str, row: SignOnDomain, membership: Membership, **data: object) -> None:
    told = {"domain": row.domain, **data}
    record(kind, actor=membership.user.actor, team_id=row.team_id, subject=f"sign_on:{row.id}", data=told)
