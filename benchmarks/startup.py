"""How long `python -m fleet.run` takes until all is ready: the first start on an empty folder, and a later one."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.results import describe_load, write_result

ROOT = Path(__file__).resolve().parent.parent
PORTS = {"FLEETWELL_PORT": "18400", "FLEETWELL_SIMULATOR_PORT": "18401"}
SECOND_STARTS = 3


def main() -> None:
    load = describe_load()
    folder = Path(tempfile.mkdtemp(prefix="fleetwell-bench-"))
    try:
        first_s = start_and_stop(folder)
        second_s = [start_and_stop(folder) for _ in range(SECOND_STARTS)]
    finally:
        shutil.rmtree(folder)
    without = "packages installed; tables, static files and the demo fleet are made"
    write_result("startup_first_s", value=first_s, unit="s", baseline=without, n=1, load=load)
    aim = {"aim_below_s": 10, "all_s": [round(seconds, 2) for seconds in second_s]}
    write_result(
        "startup_second_s", value=statistics.median(second_s), unit="s", baseline=aim, n=SECOND_STARTS, load=load
    )


def start_and_stop(folder: Path) -> float:
    """Seconds from the start of the command until it says that it is ready."""
    env = {**os.environ, **PORTS, "FLEETWELL_VAR": str(folder / "var")}
    started_at = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "fleet.run"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ctrl-C"):
            seconds = time.monotonic() - started_at
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            return seconds
    raise SystemExit("Fleetwell did not start:\n" + "".join(said))
