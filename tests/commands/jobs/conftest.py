"""A team with a few cars at the simulator."""

import pytest

from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from tests.commands.jobs.rig import make_car
from tests.infrastructure.simulator import Simulator


@pytest.fixture
def links(membership: Membership, simulator: Simulator) -> list[VehicleLink]:
    """Four cars: electric, locked, online, everything allowed; in the order of the list."""
    return [make_car(membership, simulator, n) for n in range(1, 5)]
