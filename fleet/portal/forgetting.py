"""Forgetting an owner: nothing of them is left but ids in the team's log, which cannot be changed without a trace.

Nothing here waits for a maker: the grants are taken back there by fleet.keeping, as often as it takes. Every step can
be done again, so that one that was interrupted is finished by asking for it once more; the key works until the last.
"""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from connect.models import PortalKey, Recipient, ShareLink, Visit
from fleet.events import personal
from fleet.events.services import acting_as, record
from fleet.portal.access import links_of, live_links_of
from fleet.portal.services import stop_sharing
from fleet.vehicles.consent import lock_lane
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ReadCount, Vehicle, VehicleLink, VehicleSignal
from fleet.vehicles.services import remove_vehicle


def forget_owner(owner: Owner, *, actor: str) -> bool:
    """End all that an owner shares with a team and forget who they are; True if they were not forgotten before."""
    while True:
        stop_sharing(links=live_links_of(owner), actor=actor)
        for vehicle in _cars_of_nobody_else(owner):
            _close_links_for(vehicle)
            _forget_car(vehicle, actor=actor)
        with acting_as(actor):
            # The logins before the owner, as who joins a car takes them.
            logins = ProviderAccount.objects.filter(id__in=_connections(owner).values("account"))
            accounts = list(logins.order_by("id").select_for_update())
            locked = Owner.objects.this(owner).select_for_update().get()
            if locked.forgotten_at is not None:
                return False
            # Shared once more in another browser while we were at it.
            if live_links_of(locked).exists():
                continue
            _forget_person(locked, accounts, actor=actor)
            return True


def _connections(owner: Owner) -> QuerySet[Connection]:
    return Connection.objects.filter(owner=owner, team_id=owner.team_id)


def _cars_of_nobody_else(owner: Owner) -> QuerySet[Vehicle]:
    """Return the cars that were this owner's to share and that the team reaches through nobody now."""
    live = VehicleLink.objects.filter(
        team_id=owner.team_id, ended_at__isnull=True, connection__status=Connection.Status.ACTIVE
    )
    mine = links_of(owner).values("vehicle_id")
    return Vehicle.objects.filter(team_id=owner.team_id, id__in=mine).exclude(id__in=live.values("vehicle_id"))


def _forget_car(vehicle: Vehicle, *, actor: str) -> None:
    with acting_as(actor):
        lock_lane(vehicle)
        if VehicleLink.objects.filter(vehicle=vehicle, ended_at__isnull=True).exists():
            return
        if vehicle.removed_at is None:
            remove_vehicle(vehicle=vehicle, actor=actor)
        VehicleSignal.objects.filter(vehicle=vehicle).delete()
        Vehicle.objects.this(vehicle).update(vin="", plate="", name="")


def _close_links_for(vehicle: Vehicle) -> None:
    """Invitations for this one car name its VIN: they end, rather than opening for any car."""
    if not vehicle.vin:
        return
    for model in (ShareLink, Recipient):
        named = model.objects.filter(team_id=vehicle.team_id, vin=vehicle.vin)
        named.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        named.update(vin="")


def _forget_person(owner: Owner, accounts: list[ProviderAccount], *, actor: str) -> None:
    ids = list(_connections(owner).values_list("id", flat=True))
    ReadCount.objects.filter(team_id=owner.team_id, link__connection_id__in=ids).delete()
    # The maker's id of a car leads to it as well as its VIN.
    VehicleLink.objects.filter(team_id=owner.team_id, connection_id__in=ids).update(provider_vehicle_id="forgotten")
    Visit.objects.filter(Q(owner=owner) | Q(connection_id__in=ids), team_id=owner.team_id).delete()
    _forget_letters(owner, ids, actor=actor)
    _forget_logins(owner, accounts)
    PortalKey.objects.filter(owner=owner, team_id=owner.team_id).update(
        revoked_at=timezone.now(), secret_hash=None, send_at=None
    )
    Owner.objects.this(owner).update(
        name="", email="", language="", private_hours=[], private_time_zone="", forgotten_at=timezone.now()
    )
    record("owner.forgotten", actor=actor, team_id=owner.team_id, subject=f"owner:{owner.id}")


def _forget_letters(owner: Owner, connection_ids: list[UUID], *, actor: str) -> None:
    """Blank who was written to, and shred the addresses of which the log holds hashes."""
    mine = Q(connection_id__in=connection_ids)
    if owner.email:
        mine |= Q(email__iexact=owner.email)
    letters = Recipient.objects.filter(mine, team_id=owner.team_id)
    addresses = {owner.email, *letters.values_list("email", flat=True)} - {""}
    letters.filter(revoked_at__isnull=True).update(revoked_at=timezone.now(), send_at=None)
    letters.update(name="", email="", vin="")
    for address in addresses | {address.lower() for address in addresses}:
        personal.shred(address, team_id=owner.team_id, actor=actor)


def _forget_logins(owner: Owner, accounts: list[ProviderAccount]) -> None:
    """Forget by which id the maker knows the person, where no connection of anybody else goes by that login."""
    for account in accounts:
        others = Connection.objects.across_teams().filter(account=account).exclude(owner=owner)
        if not others.filter(owner__forgotten_at__isnull=True).exists():
            ProviderAccount.objects.filter(pk=account.pk).update(provider_user_id=f"forgotten:{account.id}")
