"""Ten thousand commands of 15 s each: how much longer than one of them all take together, and the memory it takes.

Run `python -m benchmarks waiting`. Time runs from the moment at which the dispatchers can see the commands to the last
result recorded. The memory is that of all worker processes: dispatchers, clock and default workers, beat, parents.
"""

from benchmarks.engine.processes import watch_memory
from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

COMMANDS = 10_000
LATENCY_S = 15.0
WORKERS = ("worker-dispatch", "worker-clock", "worker-default", "beat")


def main() -> None:
    run_apart("benchmarks.waiting")


def measure() -> None:
    number = scaled(COMMANDS)
    with open_rig() as rig:
        from benchmarks.engine import orders, runs, seeding  # they need Django, which the rig has set up

        fleet = seeding.make_fleet(rig, "Waiting", number)
        rig.behave(answer="ack")
        rig.start_workers()
        runs.carry(rig, fleet, orders.mix(number // 10))
        rig.behave(latency_s=LATENCY_S, answer="ack")
        with watch_memory(rig, WORKERS) as memory:
            run = runs.carry(rig, fleet, orders.mix(number, turn=1))
    seconds = (run.finished.last_at - run.batch.released_at).total_seconds()
    times = {
        "all_s": round(seconds, 2),
        "sending_s": round(run.finished.seconds, 2),
        "states": run.finished.states,
        "aim_at_most": 1.5,
    }
    report("waiting_15s_ratio", ratio=seconds / LATENCY_S, unit="times 15 s", baseline=times, n=1)
    sizes = {
        "what": "PSS, a shared page counted once in all; rss_mb counts it in every process",
        "rss_mb": round(memory.rss_mb, 1),
        "at_peak": memory.at_peak,
        "aim_at_most": 600,
    }
    report("waiting_peak_mb", value=round(memory.pss_mb, 1), unit="MB", baseline=sizes, n=1)


if __name__ == "__main__":
    measure()
