"""Whether a command costs more when many are queued: one job at 1,000, 10,000 and 50,000 cars, a million finished ones.

Run `python -m benchmarks cost_growth`. The same kind for every car, answers at once, the three sizes in turns. Time per
command runs from the first permit to the last result; beside it the rows and buffers that PostgreSQL touched and the
processor time of dispatchers and database.
"""

from statistics import median
from typing import Any

from benchmarks.engine.rig import Rig, open_rig, run_apart
from benchmarks.engine.scale import report, scaled
from benchmarks.engine.touched import read_counters, read_counters_after

SIZES = (1_000, 10_000, 50_000)
FINISHED = 1_000_000
ROUNDS = 3
LIMITS_PERCENT = (80, 70)
# Claimed, permitted, ended.
MOVES = 3


def main() -> None:
    run_apart("benchmarks.cost_growth")


def measure() -> None:
    sizes = [scaled(size) for size in SIZES]
    with open_rig() as rig:
        from benchmarks.engine import finished, seeding  # they need Django, which the rig has set up
        from commands.rules.models import CHECK_FIRST_MOST_S
        from commands.rules.services import set_check_first

        fleet = seeding.make_fleet(rig, "Cost", sizes[-1])
        # The team's own setting: no car is asked first because the queue before it took longer than a minute.
        set_check_first(membership=fleet.membership, check_first_s=CHECK_FIRST_MOST_S)
        rig.behave(answer="ack", latency_s=0)
        rig.start_workers()
        run_job(rig, fleet, sizes[0], turn=0)
        finished.fill(rig, fleet, scaled(FINISHED))
        costs: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
        for turn in range(1, ROUNDS + 1):
            for size in sizes:
                costs[size].append(run_job(rig, fleet, size, turn=turn))
                print(size, costs[size][-1], flush=True)
    middle = {size: {name: median(cost[name] for cost in costs[size]) for name in costs[size][0]} for size in sizes}
    times = [middle[size]["us"] for size in sizes]
    report(
        "cost_growth_1m_rows",
        ratio=max(times) / times[0],
        unit="times the time per command at the smallest size",
        baseline={"per_command": middle, "finished_rows": scaled(FINISHED), "aim_below": 1.2},
        n=ROUNDS,
    )


def run_job(rig: Rig, fleet: Any, size: int, *, turn: int) -> dict[str, float]:
    """Let the dispatchers carry a job of one kind; return what each command cost."""
    from benchmarks.engine import runs
    from fleet.adapters.commands import SetChargeLimit

    with rig.admin() as connection:
        before = read_counters(connection)
        run = runs.carry(rig, fleet, [SetChargeLimit(LIMITS_PERCENT[turn % 2])] * size)
        touched = read_counters_after(connection, before, moves=MOVES * size).per_command(before, size)
    cpu = {
        name: run.cpu_s[part] / size * 1e6
        for name, part in (("dispatcher", "worker-dispatch"), ("database", "postgresql"))
    }
    return {
        "us": 1e6 / run.per_second,
        **{f"cpu_us_{name}": round(us) for name, us in cpu.items()},
        **touched,
    }


if __name__ == "__main__":
    measure()
