"""Starting small Python programs as children, and looking at what lives."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fleet.run.environment import ROOT
from fleet.run.processes import IS_LINUX, wait_until

PATIENCE_S = 15.0


def python(code: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Run the code in a process of its own that can import ours; its lines come through .stdout."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_numbers(process: subprocess.Popen[str]) -> list[int]:
    """The process ids that a program prints on its first line, when it is ready."""
    assert process.stdout
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return [int(word) for word in line.split()]


def is_gone(pid: int) -> bool:
    """Not running; a zombie that nobody reaped yet does not run either."""
    if IS_LINUX:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
    else:
        ask = ["ps", "-o", "stat=", "-p", str(pid)]
        state = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    return state == "" or state[0] in "ZX"


def wait_gone(pids: list[int], *, within_s: float = PATIENCE_S) -> list[int]:
    """Those that still live when the time is over: [] is what a test wants to see."""
    wait_until(lambda: all(map(is_gone, pids)), within_s=within_s)
    return [pid for pid in pids if not is_gone(pid)]


def close(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
