"""An owner with a car in a team, their key, and a browser that came in by it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from connect.portal_keys import mint_key
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Owner, Vehicle, VehicleLink
from tests.factories import join_simulated_car, make_share_link, make_team
from tests.infrastructure.simulator import Simulator

EMAIL = "olga@owner.example"


@dataclass
class Browser:
    """A browser in which an owner came in."""

    owner: Owner
    client: Client = field(default_factory=Client)

    def come_in(self) -> "Browser":
        answer = self.client.get(reverse("portal:open", args=[mint_key(self.owner)]))
        assert (answer.status_code, answer["Location"]) == (302, reverse("portal:home"))
        return self

    def get(self, name: str, *args: object, **query: str) -> HttpResponse:
        return self.client.get(reverse(f"portal:{name}", args=args), query)

    def post(self, name: str, *args: object, **data: Any) -> HttpResponse:
        return self.client.post(reverse(f"portal:{name}", args=args), data)

    def text(self, name: str, *args: object, **query: str) -> str:
        answer = self.get(name, *args, **query)
        assert answer.status_code == 200, answer.status_code
        return answer.content.decode()


def name_owner(link: VehicleLink, email: str = EMAIL, language: str = "en") -> Owner:
    owner = link.connection.owner
    owner.email, owner.language = email, language
    owner.save(update_fields=["email", "language"])
    return owner


def came_by(link: VehicleLink, membership: Membership) -> None:
    """As if the car had come by a share link of the team: battery needed, charging optional."""
    share_link, _ = make_share_link(membership)
    Connection.objects.filter(pk=link.connection_id).update(share_link_id=share_link.id)
    link.connection.share_link_id = share_link.id


@pytest.fixture
def manager(db: None) -> Membership:
    return make_team("Harbour Cars")


@pytest.fixture
def link(manager: Membership, simulator: Simulator) -> VehicleLink:
    """A car that came by a share link; known, everything allowed."""
    link = join_simulated_car(manager, simulator)
    Vehicle.objects.filter(pk=link.vehicle_id).update(plate="HC-AR 1")
    came_by(link, manager)
    return link


@pytest.fixture
def owner(link: VehicleLink) -> Owner:
    return name_owner(link)


@pytest.fixture
def pages(owner: Owner) -> Browser:
    return Browser(owner).come_in()
