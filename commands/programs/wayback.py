"""Which commands have a way back, and what it is made of: what the car reported before the first one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from fleet.adapters.commands import (
    Command,
    Lock,
    SetChargeLimit,
    StartCharge,
    StopClimate,
    StopEngine,
)
from fleet.adapters.rules import CHARGE_LIMIT, InvalidParameter

CHARGES = frozenset({"charging", "starting"})
LONGEST = timedelta(hours=24)


@dataclass(frozen=True)
class Program:
    """One command with a way back. until: "minutes" counts from the sending, "time" is a time of day.

    back: the word for the way back, by which labels are found.
    """

    kind: str
    back: str
    until: str
    minutes: int = 15
    max_minutes: int = 60


PROGRAMS: Mapping[str, Program] = {
    program.kind: program
    for program in (
        Program("unlock", "lock", "minutes", minutes=2, max_minutes=60),
        Program("start_climate", "stop_climate", "minutes", minutes=15, max_minutes=60),
        Program("start_engine", "stop_engine", "minutes", minutes=10, max_minutes=15),
        Program("stop_charge", "start_charge", "time"),
        Program("set_charge_limit", "set_charge_limit", "time"),
    )
}


class Reading(Protocol):
    """A value with its age, as fleet.vehicles.readings has it."""

    @property
    def value(self) -> Any: ...
    @property
    def is_stale(self) -> bool: ...


class NothingToRestore(ValueError):
    """The state before is not known, or is the one that is asked for; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def way_back(order: Command, readings: Mapping[str, Reading | None]) -> list[Command]:
    """Return the commands that undo an order, in the order in which they are sent.

    readings: the signals "charging_state" and "charge_limit_percent" as the car last reported them. A value that is
    too old to stand for now is not known, and what is not known is not restored.

    Raises NothingToRestore: not_known, not_charging, same_limit.
    """
    limit = _limit(readings)
    match order.kind:
        case "unlock":
            return [Lock()]
        case "start_climate":
            return [StopClimate()]
        case "start_engine":
            return [StopEngine()]
        case "stop_charge":
            state = _known(readings, "charging_state")
            if state is None:
                raise NothingToRestore("not_known")
            if state not in CHARGES:
                raise NothingToRestore("not_charging")
            # The limit first: a car that begins to charge under the wrong one would have to stop again.
            return [*([SetChargeLimit(limit_percent=limit)] if limit is not None else []), StartCharge()]
        case "set_charge_limit":
            if limit is None:
                raise NothingToRestore("not_known")
            if limit == getattr(order, "limit_percent", None):
                raise NothingToRestore("same_limit")
            return [SetChargeLimit(limit_percent=limit)]
    raise InvalidParameter("kind", "unknown_command")


def _known(readings: Mapping[str, Reading | None], name: str) -> Any:
    reading = readings.get(name)
    return None if reading is None or reading.is_stale else reading.value


def _limit(readings: Mapping[str, Reading | None]) -> int | None:
    value = _known(readings, "charge_limit_percent")
    if value is None or not CHARGE_LIMIT.minimum <= value <= CHARGE_LIMIT.maximum:
        return None  # a limit that cannot be set cannot be restored
    return round(value)


def next_due(due_at: datetime, *, minutes: int | None, left_at: datetime | None) -> datetime:
    """Return when the way back is due: a fixed time, or so many minutes after the first command left.

    left_at: when the maker answered the first command, else when it was permitted; None while it waits.
    """
    if minutes is None or left_at is None:
        return due_at
    return max(due_at, left_at + timedelta(minutes=minutes))
