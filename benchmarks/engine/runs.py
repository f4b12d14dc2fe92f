"""One batch of commands carried by the dispatchers, or sent by bare loops for comparison.

Import it after Django is set up, that is, while a rig is open.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.engine import task_per_command
from benchmarks.engine.orders import Batch, Finished, accept, look_back, require_confirmed, wait_for_end
from benchmarks.engine.processes import cpu_seconds, spent
from benchmarks.engine.rig import Rig
from benchmarks.engine.seeding import Fleet
from fleet.adapters.commands import Command as Order
from fleet.adapters.providers.simulator.payloads import command_body
from fleet.run.children import Child
from fleet.run.environment import ROOT
from fleet.run.processes import stop_process, wait_until

BARE_LOOPS, IN_FLIGHT = 2, 1000


@dataclass(frozen=True)
class Run:
    """One batch: how fast, and the processor seconds that each part of the machine spent on it."""

    per_second: float
    cpu_s: dict[str, float]


@dataclass(frozen=True)
class Carried(Run):
    """A batch of ours: the rows behind the figure."""

    batch: Batch
    finished: Finished


def carry(rig: Rig, fleet: Fleet, orders: Sequence[Order]) -> Carried:
    """Let the dispatchers carry these commands, one per car; each must end confirmed and be sent once."""
    rig.control("DELETE", "ledger")
    before = cpu_seconds(rig)
    batch = accept(fleet, fleet.cars[: len(orders)], orders)
    accepted = cpu_seconds(rig)
    wait_for_end(rig)
    finished = look_back(rig, batch)
    require_confirmed(finished, reached=rig.control("GET", "ledger/count")["count"])
    cost = spent(accepted, cpu_seconds(rig)) | {"postgresql_accepting": spent(before, accepted)["postgresql"]}
    return Carried(finished.per_second, cost, batch, finished)


def loop_bare(rig: Rig, fleet: Fleet, orders: Sequence[Order], *, uvloop: bool = True) -> Run:
    """Let bare loops send the same commands to the same cars, without a database."""
    requests = [
        (f"/vehicles/{car.provider_vehicle_id}/commands", car.access_token, command_body(order))
        for car, order in zip(fleet.cars, orders, strict=False)
    ]
    rig.control("DELETE", "ledger")
    given = {"url": f"{rig.simulator_url}/api/v1", "in_flight": IN_FLIGHT, "uvloop": uvloop}
    loops = [_start_loop(given | {"requests": requests[n::BARE_LOOPS]}) for n in range(BARE_LOOPS)]
    for process in loops:
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    before = cpu_seconds(rig)
    answers = [json.loads(process.communicate(timeout=600)[0]) for process in loops]
    seconds = max(one["ended_at"] for one in answers) - min(one["began_at"] for one in answers)
    statuses = {status for one in answers for status in one["statuses"]}
    reached = rig.control("GET", "ledger/count")["count"]
    if reached != len(orders) or not statuses <= {"200 done", "200 already"}:
        raise SystemExit(f"not a valid run: {reached} requests reached the cars, {statuses}")
    cost = {name: s for name, s in spent(before, cpu_seconds(rig)).items() if s} | {
        "loops": round(sum(one["cpu_s"] for one in answers), 2)
    }
    return Run(len(orders) / seconds, cost)


def _start_loop(given: dict[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.engine.bare_loop"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(given) + "\n")
    process.stdin.flush()
    process.stdout.readline()
    return process


def run_tasks(rig: Rig, fleet: Fleet, orders: Sequence[Order], *, pool: str, concurrency: int) -> Run:
    """Let one Celery task per command send them; all are queued before the worker starts."""
    with rig.admin() as connection:
        connection.execute("DROP TABLE IF EXISTS benchmark_command")
        connection.execute(task_per_command.TABLE)
        with connection.cursor().copy("COPY benchmark_command (id, path, token, body) FROM STDIN") as copy:
            for n, (car, order) in enumerate(zip(fleet.cars, orders, strict=False)):
                path = f"/vehicles/{car.provider_vehicle_id}/commands"
                copy.write_row((n, path, car.access_token, json.dumps(command_body(order))))
        rig.control("DELETE", "ledger")
        for n in range(len(orders)):
            task_per_command.send.delay(n)
        command = [sys.executable, "-m", "benchmarks.engine.task_per_command", pool, str(concurrency)]
        started = rig.supervisor.start(Child("tasks", "Task per command", command, rig.env, lambda _: True))
        done = "SELECT count(*) FROM benchmark_command WHERE state = 'confirmed'"

        def is_over() -> bool:
            rig.supervisor.check()
            return connection.execute(done).fetchone() == (len(orders),)

        if not wait_until(is_over, within_s=300):
            raise SystemExit(f"the tasks did not end; see {started.log}")
        rig.supervisor.running.remove(started)
        stop_process(started.process, within_s=10)
        spent_s = "SELECT extract(epoch FROM max(answered_at) - min(sent_at))::float8 FROM benchmark_command"
        (seconds,) = connection.execute(spent_s).fetchone() or (0.0,)
    return Run(len(orders) / seconds, {})
