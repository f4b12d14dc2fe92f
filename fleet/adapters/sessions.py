"""Sessions between us and a part of a car, for makers whose commands are signed and counted. Where they live is told
from outside, so that counters survive restarts and are shared by all workers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol


@dataclass(frozen=True)
class CarSession:
    """What a handshake brought: the car's public key and epoch, its counter, and when its clock stood at zero.

    counter: the last one that was used. clock_zero_s: Unix time in seconds at which the car's clock was 0.
    """

    public_key: bytes
    epoch: bytes
    counter: int
    clock_zero_s: float


class SessionStore(Protocol):
    """Keeps sessions per car and part of the car ("2", "3"), for all processes of one installation."""

    async def load(self, car: str, part: str) -> CarSession | None:
        """Return the session, or None when there was no handshake yet."""

    async def save(self, car: str, part: str, session: CarSession) -> None:
        """Keep what a handshake brought. Within one epoch the counter never goes down, whoever saves last."""

    async def take_counter(self, car: str, part: str, *, epoch: bytes) -> int | None:
        """Return the next counter, which nobody else gets; None when the epoch is another by now."""


class SessionsInMemory:
    """Sessions of one process, for tests and for calls that have no database behind them."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str], CarSession] = {}

    async def load(self, car: str, part: str) -> CarSession | None:
        return self._sessions.get((car, part))

    async def save(self, car: str, part: str, session: CarSession) -> None:
        known = self._sessions.get((car, part))
        if known is not None and known.epoch == session.epoch:
            session = replace(session, counter=max(known.counter, session.counter))
        self._sessions[car, part] = session

    async def take_counter(self, car: str, part: str, *, epoch: bytes) -> int | None:
        known = self._sessions.get((car, part))
        if known is None or known.epoch != epoch:
            return None
        self._sessions[car, part] = replace(known, counter=known.counter + 1)
        return known.counter + 1
