"""Fixtures: one simulator process for the session, and owners of cars in it."""

from collections.abc import Iterator

import pytest

from tests.simulator.cloud import Owner, Simulator, make_client_arguments, start_simulator

CAR = {"make": "Volkswagen", "model": "ID.4", "year": 2023}


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    simulator = start_simulator(*make_client_arguments())
    yield simulator
    simulator.stop()


@pytest.fixture
def cloud(running_simulator: Simulator) -> Iterator[Simulator]:
    yield running_simulator
    running_simulator.control("DELETE", "behaviour")


@pytest.fixture
def owner(cloud: Simulator) -> Owner:
    return cloud.add_owner(CAR)


@pytest.fixture
def hybrid_owner(cloud: Simulator) -> Owner:
    return cloud.add_owner({"make": "Kia", "model": "Niro PHEV", "year": 2021}, brand="kia")
