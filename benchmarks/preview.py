"""How long the preview of a job over ten thousand cars takes, on its own.

Run `python -m benchmarks preview`. The fleet has just finished a job, so that the expected duration comes from real
latencies. Queries, judging every car and the sums; not the page around it.
"""

import time
from statistics import median

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

CARS = 10_000
HISTORY = 1_000
TIMES = 9


def main() -> None:
    run_apart("benchmarks.preview")


def measure() -> None:
    number = scaled(CARS)
    with open_rig() as rig:
        from benchmarks.engine import orders, runs, seeding  # they need Django, which the rig has set up
        from commands.jobs.preview import preview_job
        from fleet.adapters.commands import SetChargeLimit
        from fleet.vehicles.filters import VehicleFilter

        fleet = seeding.make_fleet(rig, "Preview", number)
        rig.behave(answer="ack", latency_s={"min": 0.05, "max": 0.3})
        rig.start_workers()
        runs.carry(rig, fleet, orders.mix(scaled(HISTORY)))
        took_s = []
        for _ in range(TIMES):
            began = time.perf_counter()
            seen = preview_job(membership=fleet.membership, cars=VehicleFilter(), order=SetChargeLimit(80))
            took_s.append(time.perf_counter() - began)
            if (seen.total, seen.eligible) != (number, number):
                raise SystemExit(f"not a valid run: {seen.eligible} of {seen.total} cars are eligible, not {number}")
    all_s = {"first_s": round(took_s[0], 3), "all_s": [round(one, 3) for one in took_s], "aim_below": 1}
    report("preview_10k_s", value=round(median(took_s), 3), unit="s", baseline=all_s, n=TIMES)


if __name__ == "__main__":
    measure()
