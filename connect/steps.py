"""What a maker still asks of an owner after joining, from what it says the cars can do. Today that is pairing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime

from fleet.adapters.http import Http
from fleet.vehicles.models import VehicleLink
from fleet.vehicles.providers import make_adapter


@dataclass(frozen=True)
class PairingStep:
    """A car that takes no command until its owner has let our key in. url: the maker's page, "" where it has none."""

    car: str
    url: str
    checked_at: datetime | None


def pairing_steps(links: Iterable[VehicleLink]) -> list[PairingStep]:
    """Return a step for each car that the maker reports as waiting for our key. links: with account and app."""
    return [_step(link) for link in links if needs_pairing(link)]


def needs_pairing(link: VehicleLink) -> bool:
    """Say whether the maker, when it was last asked, refused commands to a car for want of our key."""
    return any(said.get("why") == "needs_pairing" for said in link.capabilities.values())


def checked_at(link: VehicleLink) -> datetime | None:
    """Return when the maker last said what a car can do; None when it has not yet."""
    times = [said.get("checked_at") for said in link.capabilities.values()]
    return max((when for when in (parse_datetime(time) for time in times if time) if when), default=None)


def _step(link: VehicleLink) -> PairingStep:
    account = link.connection.account
    adapter = make_adapter(account.app, Http())
    url = adapter.pairing_url(brand=account.brand, provider_vehicle_id=link.provider_vehicle_id)
    return PairingStep(link.vehicle.make_and_model, url, checked_at(link))
