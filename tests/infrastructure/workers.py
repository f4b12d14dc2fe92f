"""Real Celery workers for tests about crashes and restarts, against the database of the test."""

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.run.children import worker_command
from fleet.run.environment import ROOT
from fleet.run.errors import tail
from fleet.run.processes import kill_group, start_process, stop_process, wait_until
from tests.infrastructure.canary import LOUD, Canary
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 15.0
numbers = itertools.count(1)


class WorkerProcess:
    """One worker with its pool: they are paused, killed and stopped together."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path):
        self.process = process
        self.log_path = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def kill9(self) -> None:
        """As when the machine's power goes: no handler runs, the pool's processes go too."""
        kill_group(self.process)

    def pause(self) -> None:
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def stop(self) -> bool:
        """As a deploy does: SIGTERM, then wait. True when it ended by itself."""
        return stop_process(self.process, within_s=STOP_WITHIN_S)


StartWorker = Callable[..., WorkerProcess]


@pytest.fixture
def worker(committed_db: CommittedDatabase, tmp_path: Path, canary: Canary) -> Iterator[StartWorker]:
    """Call it to start a worker, ready when it returns: worker(queues="dispatch,clock", processes=1, env={...})."""
    started: list[WorkerProcess] = []

    def start(
        *, queues: str = "dispatch,clock,default", processes: int = 1, env: dict[str, str] | None = None
    ) -> WorkerProcess:
        name = f"worker-{next(numbers)}"
        log = tmp_path / f"{name}.log"
        command = worker_command(name, queues=queues, processes=processes)
        told = {**os.environ, **servers.environment(), "DATABASE_URL": committed_db.url, **LOUD, **(env or {})}
        process = start_process(command, log=log, env=told, cwd=ROOT)
        begun = WorkerProcess(process, log)
        started.append(begun)
        if not wait_until(lambda: process.poll() is not None or " ready." in begun.log, within_s=READY_WITHIN_S):
            pytest.fail(f"{name} was not ready within {READY_WITHIN_S:.0f} s:\n" + "\n".join(tail(log, lines=30)))
        if process.poll() is not None:
            pytest.fail(f"{name} did not start:\n" + "\n".join(tail(log, lines=30)))
        return begun

    yield start
    for begun in started:
        begun.kill9()
        canary.keep("worker.log", begun.log.encode())
