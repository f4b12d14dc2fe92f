"""What an owner's login at a maker is used for already, when the same person signs in again."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from connect.models import Visit
from fleet.vehicles.models import Connection, Consent, ProviderAccount, VehicleLink


def find_account(visit: Visit, provider_user_id: str | None) -> ProviderAccount | None:
    """Return the login with which a pass signed in, if this installation knows it already."""
    return ProviderAccount.objects.filter(
        app_id=visit.app_id, brand=visit.brand, provider_user_id=(provider_user_id or "")[:200]
    ).first()


def is_alive(account: ProviderAccount | None) -> bool:
    return account is not None and account.status == ProviderAccount.Status.ACTIVE


def joined_ids(account: ProviderAccount | None, team_id: UUID) -> frozenset[str]:
    """Return the maker's ids of the cars that a team reaches through a login, with consents that hold."""
    if not is_alive(account):
        return frozenset()
    links = VehicleLink.objects.filter(
        team_id=team_id,
        connection__account=account,
        connection__status=Connection.Status.ACTIVE,
        ended_at__isnull=True,
        id__in=Consent.objects.filter(team_id=team_id, withdrawn_at__isnull=True).values("link"),
    )
    return frozenset(links.values_list("provider_vehicle_id", flat=True))


@dataclass(frozen=True)
class Usable:
    """What may be done for the chosen cars, and whether the new tokens take the place of the older ones."""

    scopes: frozenset[str]
    is_replaced: bool


def usable_grant(visit: Visit, account: ProviderAccount | None, *, vehicle_ids: Collection[str]) -> Usable:
    """Return what the grant of a pass may be used for without harming what lives by an older one of the same login.

    A login has one set of tokens. Where other cars need what the new grant does not allow, the older tokens stay, and
    for the chosen cars only what both grants allow can be done. vehicle_ids: the cars of this team that move over.
    """
    granted = frozenset(visit.scopes_granted)
    if not is_alive(account):
        return Usable(granted, is_replaced=True)
    live = VehicleLink.objects.across_teams().filter(
        connection__account=account, connection__status=Connection.Status.ACTIVE, ended_at__isnull=True
    )
    staying = live.exclude(team_id=visit.team_id, provider_vehicle_id__in=vehicle_ids)
    relied_on = frozenset[str]().union(*staying.values_list("connection__scopes_granted", flat=True))
    if relied_on <= granted:
        return Usable(granted, is_replaced=True)
    return Usable(granted & relied_on, is_replaced=False)
