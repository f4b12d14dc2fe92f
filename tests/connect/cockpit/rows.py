"""Connections of a team for the cockpit's tests: many at once, and a maker whose grants do not live for ever."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from fleet.events.services import acting_as
from fleet.teams.models import Membership
from fleet.vehicles.models import (
    Connection,
    Consent,
    Lane,
    Owner,
    ProviderAccount,
    ProviderApp,
    ReadCount,
    Vehicle,
    VehicleLink,
)

SHORT_LIVED = f"{__name__}.ShortLived"


class ShortLived(SimulatorAdapter):
    """The simulator, by whose card a grant lives 30 days and dies of 20 minutes without use."""

    manifest = replace(SimulatorAdapter.manifest, key="short_lived", grant_life_days=30, idle_life_days=20 / 1440)


def make_connections(
    membership: Membership, app: ProviderApp, number: int, *, emails: bool = True, make: str = "Volkswagen"
) -> list[VehicleLink]:
    """So many cars of as many owners, each read a minute ago; without the maker, whom nobody asks here."""
    team, now = membership.team, timezone.now()
    start = Lane.objects.count()
    accounts = ProviderAccount.objects.bulk_create(
        ProviderAccount(
            app=app,
            brand="volkswagen",
            provider_user_id=f"person-{start + n}",
            refreshed_at=now,
            access_expires_at=now + timedelta(hours=1),
        )
        for n in range(number)
    )
    lanes = Lane.objects.bulk_create(Lane(key=f"{start + n:064d}") for n in range(number))
    with acting_as("system:test"):
        owners = Owner.objects.bulk_create(
            Owner(
                team=team,
                name=f"Owner {start + n}",
                email=f"owner{start + n}@example.com" if emails else "",
                language="de",
            )
            for n in range(number)
        )
        connections = Connection.objects.bulk_create(
            Connection(team=team, account=account, owner=owner, scopes_granted=["read_vin", "read_battery"])
            for account, owner in zip(accounts, owners, strict=True)
        )
        cars = Vehicle.objects.bulk_create(
            Vehicle(team=team, lane=lane, make=make, model="ID.4", plate=f"CO-N {start + n}")
            for n, lane in enumerate(lanes)
        )
        links = VehicleLink.objects.bulk_create(
            VehicleLink(team=team, connection=connection, vehicle=car, provider_vehicle_id=str(car.id))
            for connection, car in zip(connections, cars, strict=True)
        )
        Consent.objects.bulk_create(
            Consent(team=team, link=link, scope=scope, text_version="test")
            for link in links
            for scope in ("read_vin", "read_battery")
        )
    hour = now.replace(minute=0, second=0, microsecond=0)
    ReadCount.objects.bulk_create(
        ReadCount(team=team, link=link, hour_at=hour, purpose="regular", last_at=now - timedelta(minutes=1))
        for link in links
    )
    return links
