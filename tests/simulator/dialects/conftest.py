"""Fixtures for the dialects: the session's one simulator under the name of what it is here."""

import pytest

from tests.simulator.cloud import Simulator


@pytest.fixture(scope="session")
def running_lab(running_simulator: Simulator) -> Simulator:
    return running_simulator


@pytest.fixture
def lab(cloud: Simulator) -> Simulator:
    """The simulator; behaviours end with the test."""
    return cloud
