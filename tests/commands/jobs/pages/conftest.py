"""The cast of the pages of jobs, a few cars of theirs, and one of another team."""

from typing import Any

import pytest

from fleet.teams.models import Membership
from fleet.vehicles.models import Vehicle, VehicleLink
from tests.commands.pages.conftest import Cast, browser_of, cast, foreign_link  # noqa: F401 - fixtures
from tests.factories import join_simulated_car
from tests.infrastructure.simulator import Simulator


def join(membership: Membership, simulator: Simulator, plate: str, **facts: Any) -> VehicleLink:
    """Put a simulated car with this plate into the team."""
    link = join_simulated_car(membership, simulator, **facts)
    Vehicle.objects.filter(pk=link.vehicle_id).update(plate=plate)
    return VehicleLink.objects.select_related("vehicle", "connection__account__app").get(pk=link.pk)


@pytest.fixture
def links(cast: Cast, simulator: Simulator) -> list[VehicleLink]:  # noqa: F811 - a fixture
    """Three cars: the first can do everything, the second may only charge, the third is of another make, trunk shut."""
    return [
        join(cast.owner, simulator, "NL-J 1", state={"locked": False, "soc_percent": 80}),
        join(cast.owner, simulator, "NL-J 2", scopes=["read_vin", "control_charge"]),
        join(cast.owner, simulator, "NL-J 3", make="Škoda", model="Enyaq", not_capable=["trunk.open"]),
    ]
