"""What the page of domains shows. No rights are decided here."""

from dataclasses import dataclass
from uuid import UUID

from fleet.members.pages import reach_words
from fleet.sign_on.configured import provider_for
from fleet.sign_on.domains import open_domains
from fleet.sign_on.joining import still_stands
from fleet.teams.models import Membership


@dataclass(frozen=True)
class DomainRow:
    """One domain that the team is open to. provider: "" when none serves it any more; stands: whether people join."""

    id: UUID
    domain: str
    provider: str
    role_title: str
    reach: str
    maker: str
    stands: bool


def domain_rows(membership: Membership) -> list[DomainRow]:
    """Return the domains that the team is open to; there are never more than an installation serves."""
    found = []
    for row in open_domains(membership).select_related("custom_role", "made_by__user"):
        provider = provider_for(row.domain)
        found.append(
            DomainRow(
                id=row.id,
                domain=row.domain,
                provider=provider.name if provider else "",
                role_title=row.role_title,
                reach=reach_words(row),
                maker=str(row.made_by.user),
                stands=provider is not None and still_stands(row),
            )
        )
    return found
