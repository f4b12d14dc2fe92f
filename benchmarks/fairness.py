"""How long one team's single press waits while another team has ten thousand commands queued at the same provider.

Run `python -m benchmarks fairness`. The wait runs from acceptance to the permit to send. Twice: with answers after 1 to
3 s, and after 15 s.
"""

from statistics import median, quantiles

from benchmarks.engine.rig import open_rig, run_apart
from benchmarks.engine.scale import report, scaled

QUEUED = 10_000
PRESSES = 30
CASES = {"latency_1_to_3_s": {"min": 1.0, "max": 3.0}, "latency_15_s": 15.0}


def main() -> None:
    run_apart("benchmarks.fairness")


def measure() -> None:
    number = scaled(QUEUED)
    value: dict[str, object] = {}
    with open_rig() as rig:
        from benchmarks.engine import presses, seeding  # they need Django, which the rig has set up

        crowd = seeding.make_fleet(rig, "Crowd", number)
        single = seeding.make_fleet(rig, "Single", PRESSES)
        rig.start_workers()
        for case, latency_s in CASES.items():
            rig.behave(latency_s=latency_s, answer="ack")
            waits = presses.press_beside(rig, crowd, single, presses=PRESSES)
            cuts = quantiles((wait.seconds for wait in waits), n=20, method="inclusive")
            value[case] = {
                "p95": round(cuts[18], 3),
                "p50": round(median(wait.seconds for wait in waits), 3),
                "max": round(max(wait.seconds for wait in waits), 3),
                "presses": len(waits),
                "others_queued": [waits[0].others_queued, waits[-1].others_queued],
                "others_on_their_way": [waits[0].others_sending, waits[-1].others_sending],
            }
            print(case, value[case], flush=True)
    report("single_press_behind_10k_s", value=value, unit="s", baseline={"aim_p95_below": 2}, n=PRESSES)


if __name__ == "__main__":
    measure()
