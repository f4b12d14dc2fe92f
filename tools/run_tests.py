"""Run all tests in three parts side by side, each with servers of its own: where one waits, another goes on.

With arguments, pytest runs once, with these: `make test ARGS="tests/commands -k unlock"`.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Whoever needs a browser or all of the running product: to start that once is dear enough.
PRODUCT = ["chaos", "journeys", "fleet/run", "fleet/events/test_tasks.py", "fleet/live/test_stream.py"]
PRODUCT += ["infrastructure/test_processes.py"]
# Jobs and programs wait for clocks. What is new belongs to the third part by itself.
COMMANDS = ["commands", "connect"]


def paths(folders: list[str], *, option: str = "") -> list[str]:
    return [f"{option}tests/{folder}" for folder in folders]


PARTS = {
    "the running product": paths(PRODUCT),
    "commands, connect": paths(COMMANDS),
    "the rest": ["tests", *paths([*PRODUCT, *COMMANDS], option="--ignore=")],
}
TELL_EVERY_S = 60.0
PYTEST = [sys.executable, "-m", "pytest"]


def main(arguments: list[str]) -> int:
    if arguments:
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, check=False).returncode
    if (os.cpu_count() or 1) < 2:
        return max([subprocess.run([*PYTEST, *part], cwd=ROOT, check=False).returncode for part in PARTS.values()])
    with tempfile.TemporaryDirectory(prefix="fleetwell-tests-") as folder:
        return run_beside(Path(folder))


def run_beside(folder: Path) -> int:
    """Run the parts at the same time, print the output of each once it ends, and return the worst of their codes."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    codes = []
    try:
        for name, part in PARTS.items():
            with log(folder, name).open("wb") as output:
                running[name] = subprocess.Popen([*PYTEST, *part], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        told_at = time.monotonic()
        while running:
            for name, process in list(running.items()):
                if process.poll() is not None:
                    codes.append(process.returncode)
                    del running[name]
                    print(f"--- {name} ---\n{read(folder, name)}", flush=True)
            if time.monotonic() - told_at > TELL_EVERY_S:
                told_at = time.monotonic()
                print(" · ".join(f"{name}: {progress(read(folder, name))}" for name in running), flush=True)
            time.sleep(0.2)
    except KeyboardInterrupt:  # the parts were told by the terminal as well
        codes.append(130)
    finally:
        for name, process in running.items():
            process.terminate()
            process.wait()
            print(read(folder, name), flush=True)
    return max(abs(code) for code in codes)


def log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def read(folder: Path, name: str) -> str:
    return log(folder, name).read_text(encoding="utf-8", errors="replace")


def progress(output: str) -> str:
    """Return how far pytest says that it is, such as "42%"."""
    marks = [line.rsplit("[", 1)[-1].rstrip("] ") for line in output.splitlines() if line.endswith("%]")]
    return marks[-1].strip() if marks else "starting"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
