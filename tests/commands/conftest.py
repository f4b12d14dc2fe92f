"""A team, its car at the simulator, and a maker who answers within a second or never."""

from dataclasses import replace

import pytest

from fleet.adapters.providers.simulator.adapter import SimulatorAdapter
from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from tests.commands.rig import Car, car_of, forget_state
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

PATIENCE_S = 1.0


@pytest.fixture
def membership(committed_db: CommittedDatabase) -> Membership:
    """The owner of a team, in a database of the test's own."""
    return make_team()


@pytest.fixture
def link(membership: Membership, simulator: Simulator) -> VehicleLink:
    """The team's car: electric, locked, online, everything allowed; known an hour ago, so it is looked at first."""
    link = join_simulated_car(membership, simulator, state={"locked": True})
    forget_state(link)
    return link


@pytest.fixture
def car(link: VehicleLink, simulator: Simulator) -> Car:
    return car_of(link, simulator)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """We wait for this maker's answer for a second instead of a minute."""
    monkeypatch.setattr(SimulatorAdapter, "manifest", replace(SimulatorAdapter.manifest, answer_within_s=PATIENCE_S))
    return PATIENCE_S
