"""The cast of the pages: people of a team, an outsider with a team and a car of their own, and browsers for them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.factories import join_simulated_car, make_member, make_team
from tests.infrastructure.simulator import Simulator
from tests.signing_in import sign_in


@dataclass(frozen=True)
class Cast:
    owner: Membership
    manager: Membership
    operator: Membership
    viewer: Membership
    outsider: Membership


@pytest.fixture
def cast(db: None) -> Cast:
    owner = make_team()
    return Cast(
        owner,
        make_member(owner.team, Role.MANAGER),
        make_member(owner.team, Role.OPERATOR),
        make_member(owner.team, Role.VIEWER),
        make_team("Another Fleet"),
    )


@pytest.fixture
def link(cast: Cast, simulator: Simulator) -> VehicleLink:
    """The team's car: electric, locked, online, without a trunk motor."""
    return join_simulated_car(cast.owner, simulator, state={"locked": True}, not_capable=["trunk.open", "trunk.close"])


@pytest.fixture
def foreign_link(cast: Cast, simulator: Simulator) -> VehicleLink:
    return join_simulated_car(cast.outsider, simulator)


@pytest.fixture
def browser_of() -> Callable[[Membership], Client]:
    """A browser of a member who signed in just now, or minutes_ago=; enforce_csrf_checks=True for one that checks."""

    def make(membership: Membership, *, minutes_ago: float = 0, **options: bool) -> Client:
        return sign_in(Client(**options), membership, minutes_ago=minutes_ago)

    return make
