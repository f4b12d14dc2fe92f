"""How a job will go by its maker's budgets alone: the same steps as the feeder and the dispatchers take, foreseen.

A command is sent, and some time after its answer its effect is looked at, for another call. A car whose turn comes late
is looked at before as well, because what was known of it is too old by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from fleet.budgets.rings import LONGEST_S, Ring, Running, run, width_s

# In a window shorter than this a look at the effect, which comes later, falls into another one.
LONG_WINDOW_S = 120
# What is set aside for a command before its answer: its send, and a look at the car before.
MOST_BEFORE = 2


@dataclass(frozen=True)
class Plan:
    """So many commands. stale: cars that are looked at before in any case; all are, from fresh_s on.

    looks: calls for the effect, settle_s after the send. waking: calls beside, over all cars. is_urgent: one person's
    press, which is sent even when nothing is left for looking at its effect.
    """

    count: int
    stale: int = 0
    fresh_s: float = inf
    looks: int = 1
    settle_s: float = 0.0
    waking: int = 0
    is_urgent: bool = False


@dataclass(frozen=True)
class Forecast:
    """carried: commands that are sent before the deadline, with so many calls; the last leaves after sent_s, and its
    effect is looked at after proved_s.
    """

    carried: int
    calls: int
    sent_s: float
    proved_s: float


def foresee(
    plan: Plan, *, calls: Sequence[Ring], commands: Sequence[Ring] = (), at: float, deadline_s: float = inf
) -> Forecast:
    """Carry out a plan as fast as these budgets let it, from `at` (seconds since 1970) on."""
    if plan.count <= 0:
        return Forecast(0, 0, 0.0, 0.0)
    return _Foresight(plan, [run(ring, at) for ring in calls], [run(ring, at) for ring in commands]).go(deadline_s)


class _Foresight:
    def __init__(self, plan: Plan, calls: list[Running], commands: list[Running]) -> None:
        self._plan = plan
        self._calls, self._commands = calls, commands
        # (when it is time, how many), the earliest first.
        self._looks: deque[tuple[float, int]] = deque()
        self._following = 0
        self._carried = self._spent = 0
        self._sent_s = self._proved_s = 0.0

    def go(self, deadline_s: float) -> Forecast:
        now = 0.0
        while now <= LONGEST_S:
            self._look(now)
            if now <= deadline_s:
                self._send(now)
                self._look(now)
            is_all = self._carried == self._plan.count or now > deadline_s
            if is_all and not self._following:
                break
            now = self._next(now)
        return Forecast(self._carried, self._spent, self._sent_s, self._proved_s)

    def _next(self, now: float) -> float:
        """Return when there is more to do: a look comes due, or a budget has more."""
        moments = [ring.next_at() for ring in (*self._calls, *self._commands)]
        moments += [due for due, _ in self._looks if due > now][:1]
        return min(moments, default=inf)

    def _due(self, now: float) -> int:
        return sum(n for due, n in self._looks if due <= now)

    def _look(self, now: float) -> None:
        room = min((ring.free(now) for ring in self._calls), default=self._following)
        while room > 0 and self._looks and self._looks[0][0] <= now:
            due, n = self._looks.popleft()
            if n > room:
                self._looks.appendleft((due, n - room))
            looked = min(n, room)
            self._take(looked, now)
            self._following -= looked
            room -= looked
            self._proved_s = now

    def _send(self, now: float) -> None:
        number, cost = self._affordable(now)
        if not number:
            return
        self._take(cost, now)
        for ring in self._commands:
            ring.take(number, now)
        self._carried += number
        self._sent_s = self._proved_s = now
        if self._plan.looks:
            self._following += number * self._plan.looks
            self._looks.append((now + self._plan.settle_s, number * self._plan.looks))

    def _affordable(self, now: float) -> tuple[int, int]:
        """Return how many of the next cars may be asked for now, and what they cost."""
        # Of a long budget each that is sent leaves enough for its look; see commands.jobs.room.
        keeps = 0 if self._plan.is_urgent else self._plan.looks
        due = 0 if self._plan.is_urgent else self._due(now)
        is_long = [ring.width >= width_s(LONG_WINDOW_S) for ring in self._calls]
        left = [
            (ring.free(now) - (self._following if long else due), keeps * long)
            for ring, long in zip(self._calls, is_long, strict=True)
        ]
        most = min((ring.free(now) for ring in self._commands), default=self._plan.count)
        most = min(most, self._plan.count - self._carried)
        if not left:
            return max(0, most), self._price(self._carried + max(0, most), now) - self._price(self._carried, now)
        spent, base, number = 0, self._price(self._carried, now), 0
        while number < most:
            cost = self._price(self._carried + number + 1, now) - base
            if any(cost + (number + 1) * kept > has for has, kept in left):
                break
            number, spent = number + 1, cost
        return number, spent

    def _price(self, number: int, now: float) -> int:
        """Return what so many of the cars cost before their answers, if they are sent now."""
        plan = self._plan
        stale = number if now > plan.fresh_s else number * plan.stale // plan.count
        return number + stale + number * plan.waking // plan.count

    def _take(self, n: int, now: float) -> None:
        self._spent += n
        for ring in self._calls:
            ring.take(n, now)
