"""How much longer a job takes when fifty people watch its progress page.

Run `python -m benchmarks watchers`. A job over 10,000 cars with answers after 50 to 300 ms, made, fed and shown by the
real processes; in turns nobody and fifty clients look, each of which fetches the page and then its progress as often
as it is told to. Time runs from the start of the job to its end; the web process is there in both.
"""

from statistics import median

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

CARS = 10_000
WATCHERS = 50
ROUNDS = 3
LATENCY_S = {"min": 0.05, "max": 0.3}


def main() -> None:
    run_apart("benchmarks.watchers")


def measure() -> None:
    number = scaled(CARS)
    with open_rig() as rig:
        from benchmarks.engine import jobs, seeding  # they need Django, which the rig has set up

        fleet = seeding.make_fleet(rig, "Watched", number)
        rig.behave(answer="ack", latency_s=LATENCY_S)
        url = rig.start_web()
        rig.start_workers()
        jobs.run_job(rig, fleet, number // 10)
        alone, watched, looks = [], [], []
        for _ in range(ROUNDS):
            alone.append(jobs.run_job(rig, fleet, number))
            with jobs.watching(fleet, url, WATCHERS) as seen:
                watched.append(jobs.run_job(rig, fleet, number, watched_by=seen))
            looks.append(seen.result)
            if seen.result["failed"] or seen.result["fetches"] < WATCHERS:
                raise SystemExit(f"not a valid run: {seen.result}")
            print(f"alone {alone[-1]:.2f} s, watched {watched[-1]:.2f} s by {looks[-1]}", flush=True)
    ratio = median(watched) / median(alone)
    times = {"alone_s": [round(one, 2) for one in alone], "watched_s": [round(one, 2) for one in watched]}
    report(
        "watchers_50_ratio",
        ratio=ratio,
        unit="times the job's time when nobody watches",
        baseline={**times, "looks": looks, "aim_below": 1.05},
        n=ROUNDS,
    )


if __name__ == "__main__":
    measure()
