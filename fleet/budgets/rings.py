"""The ring of a budget in plain Python, as the database has it: what is left, when it refills, how long many take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, floor, inf

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
class _Running:
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


@dataclass(frozen=True)
class Forecast:
    """How long budgets alone make it take, and how many of the commands they carry before the deadline."""

    seconds: float
    carried: int


def foresee(
    *,
    calls: Sequence[Ring],
    commands: Sequence[Ring] = (),
    count: int,
    total_calls: int,
    at: float,
    deadline_s: float = inf,
) -> Forecast:
    """Send `count` commands that need `total_calls` calls as fast as the budgets let them, and say how it goes."""
    if count <= 0:
        return Forecast(0.0, 0)
    call_rings = [_run(ring, at) for ring in calls]
    command_rings = [_run(ring, at) for ring in commands]
    done, now, carried = 0, 0.0, 0
    while done < total_calls:
        begun = ceil(done * count / total_calls)
        may_begin = min((ring.free(now) for ring in command_rings), default=count)
        room = min((ring.free(now) for ring in call_rings), default=total_calls)
        room = min(room, floor((begun + may_begin) * total_calls / count) - done, total_calls - done)
        if room <= 0:
            now = max(ring.next_at() for ring in (*call_rings, *command_rings) if ring.free(now) <= 0)
            if now > LONGEST_S:
                return Forecast(inf, carried)
            continue
        done += room
        started = ceil(done * count / total_calls) - begun
        for ring in call_rings:
            ring.take(room, now)
        for ring in command_rings:
            ring.take(started, now)
        if now <= deadline_s:
            carried = done * count // total_calls
    return Forecast(now, carried)


def _run(ring: Ring, at: float) -> _Running:
    start = floor(at / ring.width)
    live = [(slot - start, n) for slot, n in ring.taken if slot > start - SLOTS]
    return _Running(ring.cap, ring.width, at - start * ring.width, live, used=sum(n for _, n in live))


def moment(at: float) -> datetime:
    """Return a moment given in seconds since 1970."""
    return datetime.fromtimestamp(at, UTC)
