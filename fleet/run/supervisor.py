"""Starts children, watches them, stops them in reverse order. What the children are: children.py and the servers."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fleet.run.children import Child
from fleet.run.environment import ROOT
from fleet.run.errors import from_log
from fleet.run.home import Home
from fleet.run.processes import attempts, kill_group, start_process, wait_until

READY_WITHIN_S = 60.0
# Together with the two servers' own end this stays below the 5 s that Ctrl-C may take.
STOP_WITHIN_S = 3.5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """A person or the system asked us to stop; not a fault."""


class StopFlag:
    """Remembers that we were asked to stop; `check` raises at a place where stopping is safe."""

    def __init__(self) -> None:
        self.is_set = False

    def listen(self) -> None:
        for stop_signal in STOP_SIGNALS:
            signal.signal(stop_signal, self._remember)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self.is_set = True

    def check(self) -> None:
        if self.is_set:
            raise StopRequested


@dataclass
class Running:
    """A child that was started: its process, its log and where in the log its own words begin."""

    child: Child
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    @property
    def is_dead(self) -> bool:
        return self.process.poll() is not None

    @property
    def logged(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            return file.read().decode("utf-8", "replace")

    @property
    def end_in_words(self) -> str:
        code = self.process.returncode
        return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


class Supervisor:
    """The children of one home, in the order of their start."""

    def __init__(self, home: Home, *, stop: StopFlag):
        self.home = home
        self.stop_flag = stop
        self.running: list[Running] = []
        self.watched: list[tuple[str, Path, subprocess.Popen[bytes]]] = []

    def start(self, child: Child) -> Running:
        self.stop_flag.check()
        log = self.home.log(child.name)
        log_start = log.stat().st_size if log.exists() else 0
        process = start_process(child.command, log=log, env=child.env, cwd=ROOT)
        started = Running(child, process, log, log_start)
        self.running.append(started)
        return started

    def watch_server(self, title: str, log: Path, process: subprocess.Popen[bytes] | None) -> None:
        """Have its death noticed; who started it also stops it."""
        if process:
            self.watched.append((title, log, process))

    def wait_ready(self, waiting: Iterable[Running], *, when_ready: Callable[[Running], None]) -> None:
        """Wait for all of them at once; a death meanwhile, of any child, ends the wait with its sentence."""
        left = list(waiting)
        for _ in attempts(within_s=READY_WITHIN_S):
            self.check()
            for started in [started for started in left if started.child.is_ready(started.logged)]:
                left.remove(started)
                when_ready(started)
            if not left:
                return
        slow = left[0]
        sentence = f"{slow.child.title} was not ready within {READY_WITHIN_S:.0f} s."
        raise from_log(sentence, log=slow.log, folder=self.home.folder)

    def check(self) -> None:
        """Raise when we were asked to stop, or when a child is dead."""
        self.stop_flag.check()
        for started in self.running:
            if started.is_dead:
                self._raise_dead(started.child.title, started.log, started.end_in_words)
        for title, log, process in self.watched:
            if process.poll() is not None:
                self._raise_dead(title, log, f"with exit code {process.returncode}")

    def _raise_dead(self, title: str, log: Path, end: str) -> None:
        raise from_log(f"{title} ended unexpectedly, {end}.", log=log, folder=self.home.folder)

    def watch(self) -> None:
        """Return never: it ends with StopRequested or with the sentence of a dead child."""
        while True:
            self.check()
            time.sleep(0.2)

    def run(self, command: list[str], *, name: str, env: dict[str, str], title: str) -> None:
        """Run one command to its end, watching the others meanwhile."""
        log = self.home.log(name)
        process = start_process(command, log=log, env=env, cwd=ROOT)
        try:
            while process.poll() is None:
                self.check()
                time.sleep(0.02)
        finally:
            kill_group(process)
        if process.returncode != 0:
            raise from_log(f"{title} failed.", log=log, folder=self.home.folder)

    def stop(self) -> list[str]:
        """Ask all in reverse order, wait for all, kill who is left; the titles of those that had to be killed."""
        leaving = [started for started in reversed(self.running) if not started.is_dead]
        for started in leaving:
            started.process.send_signal(signal.SIGTERM)
        wait_until(lambda: all(started.is_dead for started in leaving), within_s=STOP_WITHIN_S)
        killed = [started.child.title for started in leaving if not started.is_dead]
        for started in reversed(self.running):
            kill_group(started.process)
        self.running.clear()
        self.watched.clear()
        return killed
