"""The ring of a budget in plain Python, as the database has it: what is left, and when it refills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor, inf

SLOTS = 61
# Beyond this nobody plans: it is never, for people.
LONGEST_S = 30 * 86_400.0


def width_s(window_s: int) -> float:
    """Return the length of a sub-window; the whole is a little longer than the maker's window, see budget_width()."""
    return (window_s + min(1.0, window_s * 0.1)) / 60.0


@dataclass(frozen=True)
class Ring:
    """One budget's use, and what of its limit may be used. taken: (sub-window, how many), the oldest first."""

    cap: int
    width: float
    taken: tuple[tuple[int, int], ...] = ()

    def used(self, at: float) -> int:
        """Return how many count at a moment (seconds since 1970)."""
        oldest = floor(at / self.width) - SLOTS
        return sum(n for slot, n in self.taken if slot > oldest)

    def left(self, at: float) -> int:
        return max(0, self.cap - self.used(at))

    def next_at(self, at: float) -> float | None:
        """Return when the oldest of what counts is free again; None when nothing counts."""
        oldest = floor(at / self.width) - SLOTS
        return next(((slot + SLOTS) * self.width for slot, n in self.taken if slot > oldest and n), None)

    def full_at(self, at: float) -> float | None:
        """Return when all of it is free again; None when nothing counts."""
        oldest = floor(at / self.width) - SLOTS
        return next(((slot + SLOTS) * self.width for slot, n in reversed(self.taken) if slot > oldest and n), None)


def make_ring(*, cap: int, window_s: int, slots: Sequence[int] = (), slot: int = 0) -> Ring:
    """Build a ring from a row of BudgetUse: slots has the newest first."""
    taken = tuple((slot - age, n) for age, n in reversed(list(enumerate(slots))) if n)
    return Ring(cap, width_s(window_s), taken)


# Sub-windows are compared with a grain of tolerance: what is free "at" a moment must be free at that moment.
_GRAIN = 1e-6


@dataclass
class Running:
    """A ring while a forecast takes from it. Times are seconds from its start, sub-windows are counted from there."""

    cap: int
    width: float
    phase: float
    taken: list[tuple[int, int]]
    first: int = 0
    used: int = field(default=0)

    def free(self, now: float) -> int:
        oldest = self._slot(now) - SLOTS
        while self.first < len(self.taken) and self.taken[self.first][0] <= oldest:
            self.used -= self.taken[self.first][1]
            self.first += 1
        return self.cap - self.used

    def take(self, n: int, now: float) -> None:
        self.taken.append((self._slot(now), n))
        self.used += n

    def next_at(self) -> float:
        return (self.taken[self.first][0] + SLOTS) * self.width - self.phase if self.first < len(self.taken) else inf

    def _slot(self, now: float) -> int:
        return floor((now + self.phase) / self.width + _GRAIN)


def run(ring: Ring, at: float) -> Running:
    """Let a ring run from a moment on."""
    start = floor(at / ring.width)
    live = [(slot - start, n) for slot, n in ring.taken if slot > start - SLOTS]
    return Running(ring.cap, ring.width, at - start * ring.width, live, used=sum(n for _, n in live))


def moment(at: float) -> datetime:
    """Return a moment given in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)
