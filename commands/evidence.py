"""What a reading or a maker's report says about a command. Pure: times and values are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet.adapters.commands import KINDS, Command
from fleet.adapters.errors import Done, NotExecuted, Verdict
from fleet.adapters.signals import SIGNALS, VehicleSnapshot

# A car that sleeps or is out of coverage cannot prove anything yet; it gets a day.
OFFLINE_WINDOW = timedelta(hours=24)


@dataclass(frozen=True)
class Finding:
    """A state that evidence allows: confirmed, failed or unresolved, with what it rests on."""

    state: str
    evidence: str = ""
    code: str = ""
    reason: str = ""
    value: Any = None
    observed_at: datetime | None = None


def value_for(kind: str, snapshot: VehicleSnapshot, scopes: list[str]) -> Any:
    """Return the reading that this kind of command is judged by; None when not reported or not allowed to be read."""
    signal = KINDS[kind].signal
    if signal is None or SIGNALS[signal].scope not in scopes:
        return None
    return snapshot.value(signal)


def judge_snapshot(
    order: Command, snapshot: VehicleSnapshot, *, scopes: list[str], answered_at: datetime, is_overtaken: bool
) -> Finding | None:
    """Say what a read shows about a command; None when it shows nothing yet.

    A reading counts when the car took it after the maker's answer and no later command of the same family was
    permitted: then it would speak for that one. It proves the effect at once. A contrary reading never proves that
    the car will not act, so it decides nothing here; see judge_window.
    """
    if order.signal is None or is_overtaken or SIGNALS[order.signal].scope not in scopes:
        return None
    reading = snapshot.readings.get(order.signal)
    if reading is None or reading.observed_at <= answered_at or order.is_proved_by(reading.value) is not True:
        return None
    return Finding("confirmed", evidence="readback", value=reading.value, observed_at=reading.observed_at)


def judge_report(verdict: Verdict | None, *, order: Command, scopes: list[str]) -> Finding | None:
    """Say what the maker's own report shows; its "done" counts only where the car itself cannot be read."""
    if isinstance(verdict, NotExecuted):
        return Finding("failed", code=verdict.code, reason=verdict.reason)
    can_read = order.signal is not None and SIGNALS[order.signal].scope in scopes
    if isinstance(verdict, Done) and not can_read:
        return Finding("confirmed", evidence=verdict.evidence)
    return None


def judge_window(
    order: Command, snapshot: VehicleSnapshot | None, *, answered_at: datetime, now: datetime
) -> Finding | None:
    """End the search when its window is over: unresolved, with the last reading beside it, never "failed"."""
    is_away = snapshot is not None and snapshot.online_state in {"asleep", "offline"}
    if now - answered_at < (OFFLINE_WINDOW if is_away else timedelta(seconds=order.window_s)):
        return None
    reading = snapshot.readings.get(order.signal) if snapshot is not None and order.signal else None
    is_contrary = (
        reading is not None
        and order.is_proved_by(reading.value) is False
        and reading.observed_at > answered_at + timedelta(seconds=order.settle_s)
    )
    return Finding(
        "unresolved",
        code="contradicted" if is_contrary else "not_proved",
        value=reading.value if reading is not None else None,
        observed_at=reading.observed_at if reading is not None else None,
    )
