"""How much of a bare loop's speed is left when every command is a durable row under all guarantees.

Run `python -m benchmarks fanout`. The same 10,000 cars, kinds and latencies (50 to 300 ms), in turns: two dispatcher
processes, and two bare asyncio loops with the same HTTP client and no database. Then one Celery task per command with
a synchronous client, at several concurrencies. Time runs from the first send to the last result recorded. One
simulator process serves all.
"""

from statistics import median

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

COMMANDS = 10_000
ROUNDS = 3
LATENCY_S = {"min": 0.05, "max": 0.3}
# Pool, concurrency and how many commands: about ten seconds each.
TASKS = (
    ("prefork", 8, 500),
    ("prefork", 16, 1000),
    ("prefork", 32, 2000),
    ("prefork", 64, 3000),
    ("threads", 64, 2000),
)


def main() -> None:
    run_apart("benchmarks.fanout")


def measure() -> None:
    number = scaled(COMMANDS)
    with open_rig() as rig:
        from benchmarks.engine import orders, runs, seeding  # they need Django, which the rig has set up

        fleet = seeding.make_fleet(rig, "Fan-out", number)
        rig.behave(latency_s=LATENCY_S, answer="ack")
        rig.start_workers()
        runs.carry(rig, fleet, orders.mix(number // 10))
        ours, bare = [], []
        for turn in range(1, 2 * ROUNDS, 2):
            bare.append(runs.loop_bare(rig, fleet, orders.mix(number, turn=turn)))
            print(f"bare loops  {bare[-1].per_second:6.0f}/s, processor seconds {bare[-1].cpu_s}", flush=True)
            ours.append(runs.carry(rig, fleet, orders.mix(number, turn=turn + 1)))
            print(f"dispatchers {ours[-1].per_second:6.0f}/s, processor seconds {ours[-1].cpu_s}", flush=True)
        tasks = {}
        for pool, concurrency, commands in TASKS:
            run = runs.run_tasks(rig, fleet, orders.mix(scaled(commands)), pool=pool, concurrency=concurrency)
            tasks[f"{pool} {concurrency}"] = round(run.per_second)
            print(f"task per command, {pool} {concurrency}: {run.per_second:.0f}/s", flush=True)
        loops = f"{runs.BARE_LOOPS} asyncio loops, {runs.IN_FLIGHT} in flight each, pooled connections, no database"
    speed = median(run.per_second for run in ours)
    mine = {"ours_per_second": [round(run.per_second) for run in ours], "ours_cpu_s": [run.cpu_s for run in ours]}
    mine["states"] = [run.finished.states for run in ours]
    bare_loops = {"what": loops, "bare_per_second": [round(run.per_second) for run in bare], "aim_at_least": 0.6}
    report(
        "fanout_vs_bare_loop",
        ratio=speed / median(run.per_second for run in bare),
        unit="of the bare loops' commands/s",
        baseline=bare_loops | mine,
        n=ROUNDS,
    )
    what = "one Celery task per command, http.client, row written before and after; the best of these"
    report(
        "fanout_vs_task_per_command",
        ratio=speed / max(tasks.values()),
        unit="times the commands/s",
        baseline={"what": what, "per_second": tasks, "ours_per_second": round(speed), "aim_at_least": 10},
        n=ROUNDS,
    )


if __name__ == "__main__":
    measure()
