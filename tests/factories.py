"""Rows for tests: each function makes the least that is valid, through the services where there are any."""

import itertools
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from connect.brands import OfferedBrand
from connect.models import ShareLink, Visit
from connect.services import create_share_link, open_visit
from fleet.adapters.base import RemoteVehicle
from fleet.adapters.oauth import read_token_answer
from fleet.events.services import acting_as
from fleet.teams.models import Membership, Team, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member, create_team
from fleet.vehicles.models import Owner, ProviderApp, VehicleLink
from fleet.vehicles.providers import ensure_simulator
from fleet.vehicles.sealing import hash_token, make_token
from fleet.vehicles.services import join_vehicle, open_connection, read_vehicle, save_account
from tests.infrastructure.simulator import ALL_SCOPES, CLIENT_ID, CLIENT_SECRET, Account, Simulator

PASSWORD = "a long enough phrase"
numbers = itertools.count(1)


def make_user(name: str = "Robin Example") -> User:
    return User.objects.create_user(f"user{next(numbers)}@example.com", PASSWORD, name=name)


def make_team(name: str = "Example Fleet") -> Membership:
    """A team with its owner; the owner's membership."""
    return create_team(name=name, owner=make_user())


def make_member(team: Team, role: Role) -> Membership:
    return add_member(team=team, user=make_user(), role=role, actor="system:test")


def make_simulator_app(client_id: str = CLIENT_ID) -> ProviderApp:
    return ensure_simulator(url=settings.SIMULATOR_URL, client_id=client_id, client_secret=CLIENT_SECRET)


def make_share_link(membership: Membership) -> tuple[ShareLink, str]:
    """A link for everything, good for a day, with its secret."""
    return create_share_link(
        team=membership.team,
        created_by=membership.user,
        label="A car",
        scopes_needed=["read_battery"],
        scopes_optional=["control_charge"],
        expires_at=timezone.now() + timedelta(days=1),
    )


def make_visit(membership: Membership, app: ProviderApp) -> Visit:
    """An owner on the way through the flow, in a browser that nobody else has."""
    link, secret = make_share_link(membership)
    brand = OfferedBrand("volkswagen", "Volkswagen", app.id)
    visit, _ = open_visit(link=link, secret=secret, brand=brand, browser=hash_token(make_token()), language="en")
    return visit


def join_simulated_car(
    membership: Membership,
    simulator: Simulator,
    *,
    scopes: list[str] | None = None,
    account: Account | None = None,
    app: ProviderApp | None = None,
    learn: bool = True,
    **vehicle: Any,
) -> VehicleLink:
    """Put a car of the simulator into the team as an owner would have, without a browser.

    scopes: what the owner allowed; everything unless told. Facts such as model= or online= go to the simulator.
    """
    account = account or simulator.account(vehicle)
    app = app or make_simulator_app()
    tokens = read_token_answer(simulator.token(account, client_id=app.client_id))
    saved = save_account(app=app, brand=account.brand, tokens=tokens)
    car = account.cars[0]
    remote = RemoteVehicle(
        car["id"], car["vin"], car["make"], car["model"], car.get("year"), car.get("powertrain"), None, None
    )
    with acting_as("system:test"):
        owner = Owner.objects.create(team=membership.team, name="Olga Owner")
        connection = open_connection(
            team=membership.team, account=saved, owner=owner, scopes_granted=ALL_SCOPES, share_link_id=None
        )
        link = join_vehicle(
            connection=connection, remote=remote, scopes=ALL_SCOPES if scopes is None else scopes, text_version="test"
        )
    if learn:
        read_vehicle(link, with_capabilities=True)
    return link
