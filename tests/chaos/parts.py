"""The processes of a run: starting them, killing and freezing them, knowing when they are ready again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleet.run.environment import ROOT
from fleet.run.processes import kill_group, start_process


@dataclass
class Part:
    """One process with all that it started, under a pid that we know. Call start() from the main thread."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    log: Path
    is_up: Callable[[str], bool]
    process: subprocess.Popen[bytes] | None = None
    is_frozen: bool = False
    _log_start: int = 0
    _is_known_ready: bool = False

    def start(self) -> None:
        """Start it, or start it again."""
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._is_known_ready = self.is_frozen = False
        self.process = start_process(self.command, log=self.log, env=self.env, cwd=ROOT)

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def is_ready(self) -> bool:
        """True from when it has said so; asked only until then."""
        if not self.is_alive or self.is_frozen:
            return False
        if not self._is_known_ready:
            with self.log.open("rb") as file:
                file.seek(self._log_start)
                self._is_known_ready = self.is_up(file.read().decode("utf-8", "replace"))
        return self._is_known_ready

    def kill(self) -> None:
        """As when the power goes: it and everything that it started."""
        if self.process is not None:
            kill_group(self.process)

    def kill_children(self) -> int:
        """Kill what works in it and leave the one that watches; how many those were."""
        pids = children_of(self.process.pid) if self.process is not None else []
        for pid in pids:
            send(pid, signal.SIGKILL)
        return len(pids)

    def freeze(self) -> None:
        self.is_frozen = True
        self._signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        self.is_frozen = False
        self._signal_group(signal.SIGCONT)

    def _signal_group(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_alive:
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """The end of the run."""
        self.thaw()
        self.kill()


def children_of(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def send(pid: int, number: signal.Signals) -> None:
    """Signal one process of ours; it may be gone by now."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def logged(words: str) -> Callable[[str], bool]:
    return lambda text: words in text


def answers(url: str) -> Callable[[str], bool]:
    """Ready when it answers at all; asked so briefly that the rig is not held up."""

    def is_up(_logged: str) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=0.5):
                return True
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 503
        except OSError:
            return False

    return is_up


class Clock:
    """What is to be done when, in the rig's one thread."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._n = 0

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._n += 1
        self._due.append((time.monotonic() + seconds, self._n, action))
        self._due.sort(key=lambda one: one[:2])

    def run_due(self) -> None:
        """Do what is due."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, action = self._due.pop(0)
            action()

    @property
    def is_empty(self) -> bool:
        return not self._due

    @property
    def last_in_s(self) -> float:
        """Seconds until the last of what is planned."""
        return self._due[-1][0] - time.monotonic() if self._due else 0.0
