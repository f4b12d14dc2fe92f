"""Fixtures for the dialects: one simulator of their own for each module, and owners of cars in it."""

from collections.abc import Iterator

import pytest

from tests.simulator.cloud import Simulator, make_client_arguments, start_simulator


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Simulator]:
    simulator = start_simulator(*make_client_arguments())
    yield simulator
    simulator.stop()


@pytest.fixture
def lab(running_lab: Simulator) -> Iterator[Simulator]:
    yield running_lab
    running_lab.control("DELETE", "behaviour")
