"""The cast of the pages: people of a team, an outsider with a team of their own, and browsers for them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.factories import join_simulated_car, make_member, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator
from tests.signing_in import sign_in


@dataclass(frozen=True)
class Cast:
    owner: Membership
    operator: Membership
    viewer: Membership
    outsider: Membership


@pytest.fixture
def cast(committed_db: CommittedDatabase) -> Cast:
    owner = make_team()
    return Cast(
        owner,
        make_member(owner.team, Role.OPERATOR),
        make_member(owner.team, Role.VIEWER),
        make_team("Another Fleet"),
    )


@pytest.fixture
def link(cast: Cast, simulator: Simulator) -> VehicleLink:
    """The team's car: electric, locked, online, charging up to 80 %, without a combustion engine."""
    state = {"locked": True, "plugged_in": True, "charging_state": "charging", "charge_limit_percent": 80}
    return join_simulated_car(cast.owner, simulator, state=state)


@pytest.fixture
def browser_of() -> Callable[..., Client]:
    """A browser of a member who just signed in; lately=False for one who did so long ago."""

    def make(membership: Membership, *, lately: bool = True) -> Client:
        return sign_in(Client(), membership, minutes_ago=0 if lately else 60)

    return make
