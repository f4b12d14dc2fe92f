"""Arming failpoints from outside: the test's end of commands/dispatch/failpoints.py."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Taken:
    """A shot that a process took: it acted at `at` (seconds since 1970), on itself."""

    point: str
    action: str
    pid: int
    at: float


class Failpoints:
    """The folder that the processes of one run look into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._seen: set[str] = set()
        for part in ("taking", "taken", "making"):
            (folder / part).mkdir(parents=True, exist_ok=True)

    def arm(self, point: str, action: str) -> None:
        """The next process to reach the point does this to itself, once."""
        shot = f"{next(self._numbers)}"
        made = self.folder / "making" / f"{point}.{shot}"
        made.write_text(action, encoding="ascii")
        (self.folder / point).mkdir(exist_ok=True)
        # Whole or not there: a process may look at any moment.
        made.rename(self.folder / point / shot)

    def disarm(self) -> int:
        """Take away what nobody has reached, and return how many those were."""
        left = [path for path in self.folder.glob("*/*") if path.parent.name not in {"taking", "taken", "making"}]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def disarm_point(self, point: str) -> None:
        """Take away what nobody has reached at one point."""
        for path in (self.folder / point).glob("*"):
            path.unlink(missing_ok=True)

    def news(self) -> Iterator[Taken]:
        """Yield every shot that was taken since the last look, oldest first."""
        new = [path for path in (self.folder / "taken").iterdir() if path.name not in self._seen]
        taken = []
        for path in new:
            self._seen.add(path.name)
            action, pid, at = path.read_text(encoding="ascii").split()
            taken.append(Taken(path.name.rpartition(".")[0], action, int(pid), float(at)))
        yield from sorted(taken, key=lambda one: one.at)
