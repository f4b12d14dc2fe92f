"""`python -m tests.chaos --seconds 300 --seed N`: one run, its report, and 1 as exit code when a promise was broken."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.collect import collect, stop_the_product, wait_for_the_end
from tests.chaos.faults import Injector
from tests.chaos.records import History
from tests.chaos.report import Report
from tests.chaos.rig import Rig

STORM_S = 24.0
# A freeze past the silence lasts for nearly a storm: it begins early in one.
LONG_ONES_BEGIN_S = 4.0
# A storm begins with failpoints alone: a system that is well reaches many of them within seconds.
FAILPOINTS_ALONE_S = 8.0
CALM_S = 8.0
# A storm goes on while something of it lasts for longer than this.
AS_GOOD_AS_OVER_S = 7.0
HEAL_WITHIN_S = 60.0
TICK_S = 0.02
# Between two faults of a storm, on average.
PAUSE_S = 0.3
AWAKE = "SELECT count(*) FROM commands_dispatcher WHERE seen_at > clock_timestamp() - interval '3 s'"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="keep the run's folder also when it passes")
    parser.add_argument("--check", type=Path, help="judge a kept history.json.gz again")
    chosen = parser.parse_args()
    if chosen.check:
        return conclude(Report(History.load(chosen.check)), reached={})
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(1_000_000)
    say(f"seed {seed}, {chosen.seconds:.0f} s")
    folder = Path(tempfile.mkdtemp(prefix="fleetwell-chaos-"))
    with Rig(folder, seed=seed) as rig:
        say(f"everything runs, in {folder}")
        injector = Injector(rig, random.Random(seed))
        run(rig, injector, seconds=chosen.seconds)
        stop_the_product(rig)
        history = collect(rig, faults=injector.faults, seconds=chosen.seconds)
    history.save(folder / "history.json.gz")
    code = conclude(Report(history), reached=injector.reached, folder=folder)
    if code == 0 and not chosen.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def run(rig: Rig, injector: Injector, *, seconds: float) -> None:
    """Storm and calm in turn until the time is over; then everything is mended and the load ends."""
    end = time.monotonic() + seconds
    rig.let_load_begin()
    keep_ticking(injector, seconds=CALM_S)
    while time.monotonic() < end:
        storm(injector, until=min(end, time.monotonic() + STORM_S))
        heal(rig, injector)
        keep_ticking(injector, seconds=CALM_S)
        say(f"{len(injector.faults)} faults, {max(0.0, end - time.monotonic()):.0f} s to go")
    rig.load.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    rig.load.process.wait(timeout=60)  # type: ignore[union-attr]
    say(f"faults are over, everything settled within {wait_for_the_end(rig):.1f} s")


def storm(injector: Injector, *, until: float) -> None:
    next_at = began = time.monotonic()
    while time.monotonic() < until or injector.clock.last_in_s > AS_GOOD_AS_OVER_S:
        injector.tick()
        if time.monotonic() >= next_at:
            may_last = time.monotonic() < began + LONG_ONES_BEGIN_S
            if time.monotonic() < began + FAILPOINTS_ALONE_S:
                injector.arm(may_last=may_last)
            else:
                injector.inject(may_last=may_last)
            next_at = time.monotonic() + injector.chance.expovariate(1 / PAUSE_S)
        time.sleep(TICK_S)


def heal(rig: Rig, injector: Injector) -> None:
    """End all faults and wait until every process is up and both dispatchers look for work."""
    injector.heal()
    began = time.monotonic()
    while not injector.is_healed():
        injector.tick()
        time.sleep(TICK_S)
        if time.monotonic() - began > HEAL_WITHIN_S:
            late = [part.name for part in rig.parts.values() if not part.is_ready()]
            raise RuntimeError(f"not healed within {HEAL_WITHIN_S:.0f} s: {late} {injector.still_open()}")
    with rig.connect() as connection:
        while (awake := connection.execute(AWAKE).fetchone()) and awake[0] < 2:
            injector.tick()
            time.sleep(TICK_S)
            if time.monotonic() - began > HEAL_WITHIN_S:
                say(f"only {awake[0]} dispatchers woke up within {HEAL_WITHIN_S:.0f} s")
                return


def keep_ticking(injector: Injector, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        injector.tick()
        time.sleep(TICK_S)


def conclude(report: Report, *, reached: dict[tuple[str, str], int], folder: Path | None = None) -> int:
    """Print the report; the last line is the one that counts."""
    for line in report.lines(reached):
        say(line)
    for line in report.histories():
        say(line)
    problems = list(report.problems())
    for problem in problems:
        say(f"FAILED: {problem}")
    if problems and folder is not None:
        say(f"everything about this run is kept in {folder}")
    say(report.last_line())
    return 1 if problems else 0


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
