"""What the processes of a rig cost: processor seconds and memory, by part, from /proc."""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.engine.rig import Rig

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_EVERY_S = 0.5


def roots(rig: Rig) -> dict[str, int]:
    """Return the parts of a rig by name, each with the process whose whole tree is its own."""
    parts = {running.child.name: running.process.pid for running in rig.supervisor.running}
    for name, server in (("postgresql", rig.postgres), ("valkey", rig.valkey)):
        if server.process:
            parts[name] = server.process.pid
    return parts


def tree(pid: int) -> list[int]:
    """Return a process and all its living descendants."""
    found = [pid]
    for parent in found:
        with suppress(OSError):  # one that ends while we look has no children any more
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
    return found


def cpu_seconds(rig: Rig) -> dict[str, float]:
    """Return the processor seconds that every part has used so far, its ended children included."""
    return {name: sum(_cpu_s(pid) for pid in tree(root)) for name, root in roots(rig).items()}


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: round(after[name] - before.get(name, 0.0), 2) for name in after}


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(number) for number in fields[11:15]) / TICKS


@dataclass
class Memory:
    """The highest sum seen, in MB: PSS counts a page shared by n processes as 1/n each, RSS counts it n times."""

    pss_mb: float = 0.0
    rss_mb: float = 0.0
    at_peak: dict[str, float] = field(default_factory=dict)


@contextmanager
def watch_memory(rig: Rig, names: Iterable[str]) -> Iterator[Memory]:
    """Look at the memory of these parts twice a second until the end."""
    chosen = {name: pid for name, pid in roots(rig).items() if name in set(names)}
    peak, stop = Memory(), threading.Event()

    def watch() -> None:
        while not stop.wait(SAMPLE_EVERY_S):
            sizes = {name: [_memory_mb(pid) for pid in tree(root)] for name, root in chosen.items()}
            peak.rss_mb = max(peak.rss_mb, sum(rss for pairs in sizes.values() for _, rss in pairs))
            total = sum(pss for pairs in sizes.values() for pss, _ in pairs)
            if total > peak.pss_mb:
                peak.pss_mb = total
                peak.at_peak = {name: round(sum(pss for pss, _ in pairs), 1) for name, pairs in sizes.items()}

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stop.set()
        watcher.join()


def _memory_mb(pid: int) -> tuple[float, float]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:] if line.endswith("kB")}
    return sizes["Pss:"] / 1024, sizes["Rss:"] / 1024
