"""What a reading or a maker's report says about a command. Pure: times and values are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet.adapters.commands import KINDS, Command
from fleet.adapters.errors import Done, NotExecuted, Verdict
from fleet.adapters.signals import SIGNALS, Reading, VehicleSnapshot

# A car that sleeps or is out of coverage cannot prove anything yet; it gets a day.
OFFLINE_WINDOW = timedelta(hours=24)
# A maker's service that gives no reading at all says nothing about the car; it gets a while to come back.
UNREACHABLE_WINDOW = timedelta(minutes=15)
# For so long after a confirmation that did not come from the car's own state, the opposite is worth an alarm.
CONTRADICTION_WINDOW = timedelta(minutes=10)
# Looks at one car grow apart from the first to the second; what is away for longer is looked for more rarely.
FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_AWAY_S = 5.0, 60.0, 900.0
AWAY_FOR_S = 600.0
AWAY = frozenset({"asleep", "offline"})


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


def can_be_read(order: Command, scopes: list[str]) -> bool:
    """Say whether the car itself can prove this command: something reports it, and the owner lets us read that."""
    return order.signal is not None and SIGNALS[order.signal].scope in scopes


def judge_reading(
    order: Command, reading: Reading | None, *, before: Any, answered_at: datetime, is_overtaken: bool
) -> Finding | None:
    """Say what a reading of the order's signal shows; None when it shows nothing yet.

    It counts when the car took it after the maker's answer and no later command of the same family was permitted: then
    it would speak for that one. It proves the effect at once. A contrary reading never proves that the car will not
    act, so it decides nothing here; see judge_window. A car that was so before the command is "already" so: true, but
    no proof that the command did it.
    """
    if is_overtaken or reading is None or reading.observed_at <= answered_at:
        return None
    if order.is_proved_by(reading.value) is not True:
        return None
    evidence = "already" if order.is_proved_by(before) is True else "readback"
    return Finding("confirmed", evidence=evidence, value=reading.value, observed_at=reading.observed_at)


def judge_report(verdict: Verdict | None, *, order: Command, scopes: list[str]) -> Finding | None:
    """Say what the maker's own report shows; where the car itself can be read, "done" waits for what the car says."""
    if isinstance(verdict, NotExecuted):
        return Finding("failed", code=verdict.code, reason=verdict.reason)
    if isinstance(verdict, Done) and not can_be_read(order, scopes):
        return Finding("confirmed", evidence=verdict.evidence)
    return None


def is_contrary(order: Command, reading: Reading | None, *, answered_at: datetime) -> bool:
    """Say whether the car reports the opposite, so late that a cloud which lags behind is no longer the reason."""
    if reading is None or order.is_proved_by(reading.value) is not False:
        return False
    return reading.observed_at > answered_at + timedelta(seconds=order.settle_s)


def judge_window(
    order: Command,
    reading: Reading | None,
    *,
    answered_at: datetime,
    now: datetime,
    window: timedelta | None = None,
    is_overtaken: bool = False,
    has_report: bool = False,
) -> Finding | None:
    """End the search when its time is over: unresolved, with the last reading beside it, never "failed".

    window: longer than the order's own when the car or its maker is away. has_report: the maker said that it is done;
    where the car then says nothing to the contrary, that is the proof.
    """
    own_window = timedelta(seconds=order.window_s)
    contrary = not is_overtaken and is_contrary(order, reading, answered_at=answered_at)
    if has_report and not contrary and now - answered_at >= own_window:
        return Finding("confirmed", evidence="provider")
    if now - answered_at < max(own_window, window or own_window):
        return None
    code = "contradicted" if contrary else "overtaken" if is_overtaken else "not_proved"
    value, observed_at = (reading.value, reading.observed_at) if reading is not None else (None, None)
    return Finding("unresolved", code=code, value=value, observed_at=observed_at)


def next_look_s(order: Command, *, answered_at: datetime, now: datetime, window: timedelta | None = None) -> float:
    """Return in how many seconds to look again: each wait as long as the search so far, and once at its very end."""
    own_window = timedelta(seconds=order.window_s)
    age_s = max(0.0, (now - answered_at).total_seconds())
    left_s = (max(own_window, window or own_window) - (now - answered_at)).total_seconds()
    longest_s = LONGEST_WAIT_S if age_s < AWAY_FOR_S else LONGEST_WAIT_AWAY_S
    # The first minutes are looked at closely, whatever is away: all may be back within one of them.
    wait_s = min(max(age_s, FIRST_WAIT_S), longest_s)
    return max(min(wait_s, left_s), 1.0)


def judge_afterwards(
    order: Command,
    reading: Reading,
    *,
    evidence: str,
    is_read: bool,
    answered_at: datetime,
    finished_at: datetime,
    proved_at: datetime | None,
) -> str:
    """Say what a reading after a confirmation means: "alert", "event", or "" when it contradicts nothing.

    is_read: the car's own state confirmed it. Then an opposite reading is somebody's hand, unless it comes so soon
    after that the cloud itself wavers: worth an event. Confirmed on somebody's word alone, it is worth an alert.
    """
    if order.is_proved_by(reading.value) is not False:
        return ""
    is_settled = reading.observed_at > answered_at + timedelta(seconds=order.settle_s)
    if evidence == "readback" or is_read:
        return "event" if not is_settled and proved_at is not None and reading.observed_at > proved_at else ""
    return "alert" if is_settled and reading.observed_at <= finished_at + CONTRADICTION_WINDOW else ""
