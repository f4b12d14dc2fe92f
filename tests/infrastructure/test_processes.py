"""The processes that tests stand on: the simulator answers, a worker dies whole, the stack says that it is well."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from fleet.run.processes import IS_LINUX, wait_until
from fleet.teams.models import Team
from tests.infrastructure.simulator import ALL_SCOPES, Simulator
from tests.infrastructure.stack import Stack
from tests.infrastructure.workers import StartWorker, WorkerProcess

PATIENCE_S = 40.0


def test_simulator_when_an_account_is_made_then_car_token_and_an_empty_ledger(simulator: Simulator) -> None:
    account = simulator.account({"model": "ID.4", "online": "asleep"})
    car = account.cars[0]["id"]

    token = simulator.token(account)
    simulator.set_car(car, locked=False)

    assert sorted(token["scope"].split()) == sorted(ALL_SCOPES)
    assert simulator.count(car=car) == 0
    assert simulator.ledger(car=car) == []
    assert simulator.car(car)["signals"]["locked"] is False


def test_simulator_when_a_field_is_wrong_then_the_test_is_told(simulator: Simulator) -> None:
    with pytest.raises(AssertionError, match="invalid_parameter"):
        simulator.behaviour(latency_s="soon")


def pool_of(worker: WorkerProcess) -> list[int]:
    """The processes that the worker started."""
    return [int(pid) for pid in Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()]


@pytest.mark.skipif(not IS_LINUX, reason="looks at processes in /proc")
def test_worker_when_killed_then_its_pool_goes_too(worker: StartWorker) -> None:
    started = worker(queues="default", processes=2)
    pool = pool_of(started)

    started.kill9()

    assert len(pool) == 2
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pool), within_s=PATIENCE_S)


@pytest.mark.skipif(not IS_LINUX, reason="looks at processes in /proc")
def test_worker_when_paused_then_it_stands_still_until_resumed(worker: StartWorker) -> None:
    started = worker(queues="default")

    started.pause()
    paused = wait_until(lambda: state_of(started.pid) == "T", within_s=PATIENCE_S)
    started.resume()

    assert paused
    assert wait_until(lambda: state_of(started.pid) in "SR", within_s=PATIENCE_S)
    assert started.stop()


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_stack_when_started_then_healthy_by_its_own_word(stack: Stack) -> None:
    reports: list[dict[str, object]] = []

    def is_healthy() -> bool:
        try:
            with urllib.request.urlopen(f"{stack.url}/healthz", timeout=5) as response:
                reports.append(json.load(response))
        except urllib.error.HTTPError as error:
            with error:
                reports.append(json.load(error))
        return reports[-1]["status"] == "ok"

    assert wait_until(is_healthy, within_s=PATIENCE_S), reports[-1]


def test_stack_when_its_orm_is_used_then_the_product_sees_it_and_the_tests_database_does_not(stack: Stack) -> None:
    allowed_before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")

    with stack.orm():
        team = Team.objects.create(name="In the stack")
        names = list(Team.objects.filter(pk=team.pk).values_list("name", flat=True))

    assert names == ["In the stack"]
    assert os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE") == allowed_before


@pytest.mark.django_db
def test_db_when_the_stack_wrote_then_not_seen_here(stack: Stack) -> None:
    assert not Team.objects.filter(name="In the stack").exists()
