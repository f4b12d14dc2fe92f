"""Who may claim how much of a dispatcher's window now. Pure: no database, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from commands.dispatch.store import Turn, Wanted

# Of the room that the others leave it, so much at most is a team's, a provider's: there is always some left, however
# many teams wait for a provider that hangs.
TEAM_SHARE = 3 / 4
APP_SHARE = 7 / 8
# What a team without much in flight may take in any case, while its provider does not hold nearly everything.
SMALL = 2
SMALL_BELOW = 1 / 100
APP_MOST = 15 / 16
# The last tenth of the window is kept for commands that a person waits for.
KEPT_FOR_PEOPLE = 1 / 10


@dataclass
class Held:
    """What a dispatcher holds between claim and answer."""

    window: int
    total: int = 0
    by_team: Counter[UUID] = field(default_factory=Counter)
    by_app: Counter[UUID] = field(default_factory=Counter)

    def add(self, team_id: UUID, app_id: UUID, n: int = 1) -> None:
        self.total += n
        self.by_team[team_id] += n
        self.by_app[app_id] += n


def share_out(turns: Sequence[Turn], held: Held, *, at_once: int) -> list[Wanted]:
    """Return how many commands of each rank each turn may claim now, of at most `at_once` together (about).

    One command at a time goes to a provider whose breaker is open.
    """
    if not turns or at_once <= 0:
        return []
    part = max(1, at_once // len(turns))
    wanted: list[Wanted] = []
    for turn in turns:
        room = min(part, _room(turn, held))
        if turn.is_probing:
            room = min(room, 1)
        urgent = room if turn.room_urgent is None else min(room, turn.room_urgent)
        bulk = min(room, held.window - held.total - int(held.window * KEPT_FOR_PEOPLE))
        bulk = bulk if turn.room is None else min(bulk, turn.room)
        wanted += [Wanted(turn, rank, n) for rank, n in ((0, urgent), (1, bulk)) if n > 0]
    return wanted


def _room(turn: Turn, held: Held) -> int:
    free = held.window - held.total
    of_team, of_app = held.by_team[turn.team_id], held.by_app[turn.app_id]
    room = min(int(TEAM_SHARE * (free + of_team)) - of_team, int(APP_SHARE * (free + of_app)) - of_app)
    is_small = of_team < max(1, held.window * SMALL_BELOW) and of_app < held.window * APP_MOST
    return max(room, min(SMALL, free) if is_small else 0)
