"""What a run leaves behind, as plain records: all that the checker reads. Times are seconds since 1970."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record")


@dataclass(frozen=True)
class Operation:
    """One thing that a client asked for, from outside.

    what: press, cancel, withdraw (a consent; subject: its link), remove (a member; subject: the authority).
    via: http or service.
    result: ok, fail (a definite no), info (nobody knows: the answer was lost). command: the id that an "ok" named.
    """

    what: str
    via: str
    began_at: float
    ended_at: float
    result: str
    code: str = ""
    command: str | None = None
    key: str = ""
    vehicle: str = ""
    kind: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Row:
    """A command as the database has it at the end. is_moving: not final, and something is still being done about it."""

    id: str
    team: str
    vehicle: str
    lane: str
    link: str
    app: str
    car: str
    kind: str
    retry_class: str
    parameters: dict[str, Any]
    authority: str
    key: str
    state: str
    sequence: int
    attempts: int
    max_attempts: int
    accepted_at: float
    deadline: float
    finished_at: float | None = None
    observed_at: float | None = None
    evidence: str = ""
    error_code: str = ""
    cause: str = ""
    is_moving: bool = False


@dataclass(frozen=True)
class Event:
    """One line of our own log about a command, a membership or a consent; n is its order."""

    n: int
    at: float
    kind: str
    actor: str
    subject: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A command request as the maker's ledger has it: what really reached a car."""

    n: int
    car: str
    command: str
    parameters: dict[str, Any]
    request_id: str | None
    received_at: float
    executed_at: float | None
    answered_at: float | None
    outcome: str
    reply: str


@dataclass(frozen=True)
class Departure:
    """A request as it left our process: seen by the proxy in front of the maker, before any toxic."""

    request_id: str
    at: float


@dataclass(frozen=True)
class Fault:
    """Something that was done to the system. `sending`: how many commands were being sent at that moment."""

    kind: str
    target: str
    began_at: float
    ended_at: float
    sending: int = 0

    @property
    def stops_a_process(self) -> bool:
        """A kill or a freeze: what the run has to have a hundred of."""
        return self.kind.startswith(("kill", "freeze"))


@dataclass
class History:
    """Everything about one run.

    initial: per car its signals at the beginning. faulty_cars: those told to misbehave. stuck_items: cars of jobs that
    neither have their end nor a command on its way.
    """

    operations: list[Operation] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    departures: list[Departure] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    initial: dict[str, dict[str, Any]] = field(default_factory=dict)
    faulty_cars: set[str] = field(default_factory=set)
    stuck_items: list[str] = field(default_factory=list)
    quota_violations: int | None = None
    seed: int = 0
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        whole = {one.name: getattr(self, one.name) for one in fields(self)}
        plain = {
            name: [asdict(item) for item in value]
            if name in RECORDS
            else sorted(value)
            if name == "faulty_cars"
            else value
            for name, value in whole.items()
        }
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as file:
            json.dump(plain, file, separators=(",", ":"))

    @classmethod
    def load(cls, path: Path) -> History:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            plain = json.load(file)
        for name, kind in RECORDS.items():
            plain[name] = [kind(**item) for item in plain[name]]
        plain["faulty_cars"] = set(plain["faulty_cars"])
        return cls(**plain)


RECORDS: dict[str, Any] = {
    "operations": Operation,
    "rows": Row,
    "events": Event,
    "requests": Request,
    "departures": Departure,
    "faults": Fault,
}


def read_lines(path: Path, kind: type[Record]) -> list[Record]:
    """Read records that a process wrote one a line; a last line that its death cut short is left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(kind(**json.loads(line)))
        except ValueError:
            continue
    return records
