"""The ledger: every command request addressed to a car, in order, and what became of it. It is what tests count."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.commands import SECRET_PARAMETERS
from simulator.secrets_seen import note

LONGEST = 500_000
# A time that we wrote comes back rounded; it must still find its own entry.
HALF_A_MICROSECOND_S = 5e-7


@dataclass(slots=True)
class Entry:
    n: int
    car: str
    command: str
    parameters: dict[str, Any]
    request_id: str | None
    received_at: float
    answered_at: float | None = None
    executed_at: float | None = None
    outcome: str = "received"
    reply: str = "waiting"

    def to_wire(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "car": self.car,
            "command": self.command,
            "parameters": {
                key: "****" if key in SECRET_PARAMETERS else value for key, value in self.parameters.items()
            },
            "request_id": self.request_id,
            "received_at": format_time(self.received_at),
            "answered_at": format_time(self.answered_at),
            "executed_at": format_time(self.executed_at),
            "outcome": self.outcome,
            "reply": self.reply,
        }


class Ledger:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=LONGEST)
        self._next = 1

    def open(self, *, car: str, command: str, parameters: Any, request_id: str | None, now: float) -> Entry:
        kept = parameters if isinstance(parameters, dict) else {}
        for name in SECRET_PARAMETERS & kept.keys():
            note(str(kept[name] or ""))
        entry = Entry(self._next, car, command, kept, request_id, now)
        self._next += 1
        self._entries.append(entry)
        return entry

    def select(
        self,
        *,
        car: str | None = None,
        command: str | None = None,
        since: float | None = None,
        executed: bool | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in order. A wake is no command: it comes only when asked for by name."""
        for entry in self._entries:
            if car is not None and entry.car != car:
                continue
            if entry.command != command and (command is not None or entry.command == "wake"):
                continue
            if since is not None and entry.received_at < since - HALF_A_MICROSECOND_S:
                continue
            if executed is not None and (entry.executed_at is not None) is not executed:
                continue
            yield entry

    def clear(self) -> None:
        self._entries.clear()


def format_time(at: float | None) -> str | None:
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    )
