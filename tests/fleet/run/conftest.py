"""A folder of its own for each test's servers, below a short path: a unix socket's may have about 107 bytes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.run.home import Home
from fleet.run.supervisor import StopFlag, Supervisor


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fleetwell-run-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path) -> Iterator[Home]:
    with Home(folder / "var") as home:
        yield home


@pytest.fixture
def supervisor(home: Home) -> Iterator[Supervisor]:
    supervisor = Supervisor(home, stop=StopFlag())
    yield supervisor
    supervisor.stop()
