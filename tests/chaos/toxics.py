"""What a connection through the proxy can suffer, and with which values the rig draws it. Doing it is proxy.py's."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Toxic:
    """One trouble on one listener.

    delay: every chunk comes later by seconds, plus up to jitter. slice: chunks come in pieces of `size` bytes.
    stall: nothing passes, either way, until it ends. reset: open connections are reset, and new ones too. cut: a
    connection is reset after `size` bytes of answer. half_close: after those the client sees the end of the answer and
    may go on sending. drop_answer: what the client says arrives; the answer is thrown away, and `seconds` later the
    connection reset.
    """

    kind: str
    seconds: float = 0.0
    jitter: float = 0.0
    size: int = 0


KINDS = ("delay", "slice", "stall", "reset", "cut", "half_close", "drop_answer")


def draw(chance: random.Random) -> Toxic:
    """Choose one trouble of any kind."""
    match kind := chance.choice(KINDS):
        case "delay":
            return Toxic(kind, seconds=chance.choice([0.05, 0.3, 1.2]), jitter=chance.choice([0.0, 0.5]))
        case "slice":
            return Toxic(kind, size=chance.choice([1, 7, 64]))
        case "cut" | "half_close":
            return Toxic(kind, size=chance.choice([0, 1, 40, 200, 900]))
        case "drop_answer":
            return Toxic(kind, seconds=chance.choice([0.0, 0.3, 1.5]))
    return Toxic(kind)
