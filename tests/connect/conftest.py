"""The cast and the stage of connect's tests: a team with a link, an owner's browser, the pretend maker registered."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.acceptance import accept
from connect.brands import refresh_brands
from connect.exchange import exchange_code
from connect.models import Recipient, ShareLink, Visit
from connect.services import create_share_link
from fleet.teams.models import Membership, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member, create_team
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import callback_url, ensure_simulator
from fleet.vehicles.sealing import hash_token, make_token
from tests.connect.maker import allow, query_of
from tests.infrastructure.simulator import Account, Simulator

PASSWORD = "tall ships sail slowly"
NEEDED = ("read_battery", "read_odometer", "control_charge")
OPTIONAL = ("read_location", "control_security")


def make_member(name: str, *, role: Role = Role.OWNER, of: Membership | None = None) -> Membership:
    user = User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.title())
    if of is None:
        return create_team(name=f"Team of {name}", owner=user)
    return add_member(team=of.team, user=user, role=role, actor=user.actor)


def make_link(
    membership: Membership,
    *,
    needed: Iterable[str] = NEEDED,
    optional: Iterable[str] = OPTIONAL,
    brands: Iterable[str] = (),
    max_uses: int | None = 1,
    days: float = 1,
    **more: Any,
) -> tuple[ShareLink, str]:
    return create_share_link(
        team=membership.team,
        created_by=membership.user,
        label="A car",
        scopes_needed=needed,
        scopes_optional=optional,
        brands=brands,
        expires_at=timezone.now() + timedelta(days=days),
        max_uses=max_uses,
        **more,
    )


def make_recipient(link: ShareLink, **more: Any) -> tuple[Recipient, str]:
    """A personal link of a share link, with its secret."""
    secret = make_token()
    return Recipient.objects.create(team=link.team, link=link, secret_hash=hash_token(secret), **more), secret


@dataclass
class OwnerBrowser:
    """One owner's browser on the way through the flow; the worker's part is done in between by the test itself."""

    secret: str
    client: Client = field(default_factory=Client)

    def go(self, brand: str = "volkswagen") -> str:
        """Choose a brand; the maker's address."""
        answer = self.client.get(reverse("connect:go", args=[self.secret, brand]))
        assert answer.status_code == 302, answer.content.decode()
        return answer["Location"]

    def come_back(self, address: str) -> UUID:
        """Open our callback with what the maker put into it; the visit that waits there."""
        answer = self.client.get(reverse("connect:callback"), query_of(address))
        assert answer.status_code == 302, answer.content.decode()
        return UUID(answer["Location"].rstrip("/").rsplit("/", 1)[1])

    def sign_in(self, account: Account, *, scopes: set[str] | None = None) -> Visit:
        """Everything up to the decision: brand, maker, callback, and the worker's exchange."""
        visit_id = self.come_back(allow(self.go(account.brand), account, scopes=scopes))
        exchange_code(visit_id)
        return Visit.objects.get(pk=visit_id)

    def get(self, name: str, visit: Visit, **query: str):
        return self.client.get(reverse(f"connect:{name}", args=[visit.id]), query, follow=True)

    def decide(self, visit: Visit, cars: Iterable[str], scopes: Iterable[str] = (), change: bool = False, **data: str):
        url = reverse("connect:review", args=[visit.id]) + ("?change=1" if change else "")
        return self.client.post(url, {"cars": list(cars), "scopes": list(scopes), **data}, follow=True)


@pytest.fixture
def provider(simulator: Simulator) -> ProviderApp:
    """The pretend maker as a provider of this installation, its brands read. Ask for a database before it."""
    app = ensure_simulator(
        url=settings.SIMULATOR_URL,
        client_id=settings.SIMULATOR_CLIENT_ID,
        client_secret=settings.SIMULATOR_CLIENT_SECRET,
    )
    simulator.register_client(callback_url(), "http://testserver/connect/callback/")
    refresh_brands(app)
    return app


@pytest.fixture
def manager(db: None) -> Membership:
    return make_member("manager")


def yes(visit: Visit, *cars: str, scopes: tuple[str, ...] = ()) -> Visit:
    return accept(visit=visit, vehicle_ids=cars, scopes_optional=scopes)


def text_of(answer) -> str:
    return answer.content.decode()
