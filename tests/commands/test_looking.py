"""Reading a car again after somebody's mere word: once, after a while, and only where there is something to read."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.looking import look_again
from fleet.adapters.commands import FlashLights, Lock
from fleet.teams.models import Membership
from fleet.vehicles.models import Vehicle, VehicleLink
from tests.commands.alerts.rows import bring
from tests.commands.rig import press
from tests.factories import join_simulated_car, make_team


@pytest.fixture
def membership(db: None) -> Membership:
    return make_team()


@pytest.fixture
def link(membership, simulator) -> VehicleLink:
    return join_simulated_car(membership, simulator, learn=False)


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def obeyed(link: VehicleLink, order, *, ended_s: float, evidence: str = "provider", read_s: float = 300) -> None:
    """A car that obeyed so long ago, and was read so long ago."""
    bring(press(link, order), "confirmed", evidence=evidence, answered_at=ago(ended_s), finished_at=ago(ended_s))
    Vehicle.objects.filter(pk=link.vehicle_id).update(read_at=ago(read_s))


def is_due(link: VehicleLink) -> bool:
    return Vehicle.objects.get(pk=link.vehicle_id).read_at is None


@pytest.mark.parametrize("evidence", ["vehicle_ack", "provider"])
def test_car_when_it_obeyed_by_somebodys_word_then_it_is_due_for_reading_once(link, evidence):
    obeyed(link, Lock(), ended_s=40, evidence=evidence)

    assert (look_again(), is_due(link)) == (1, True)
    assert look_again() == 0


@pytest.mark.parametrize(
    "case",
    [
        {"order": Lock(), "ended_s": 10},
        {"order": Lock(), "ended_s": 40, "read_s": 5},
        {"order": Lock(), "ended_s": 40, "evidence": "readback"},
        {"order": FlashLights(), "ended_s": 40},
        {"order": Lock(), "ended_s": 400},
    ],
    ids=["not settled", "read since", "proved by a reading", "nothing to read", "long ago"],
)
def test_car_when_there_is_nothing_new_to_see_then_it_is_read_in_its_turn(link, case):
    obeyed(link, **case)

    assert (look_again(), is_due(link)) == (0, False)
