"""What a run says at its end: counts, and on failure the whole history of whatever broke a promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from commands.dispatch.failpoints import POINTS
from tests.chaos.checker import NAMES, Case, Violation, check
from tests.chaos.faults import SHOTS
from tests.chaos.records import History
from tests.chaos.untouched import Untouched, find_untouched

LEAST_UNTOUCHED = 50
LEAST_CONFIRMED = 0.99
LEAST_KILLS = 100
KILLS_WANTED_FROM_S = 300.0
SHOWN = 12


class Report:
    """The judgement of one run."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.violations: list[Violation] = check(history)
        self.untouched: Untouched = find_untouched(history)
        self.counts = Counter(violation.promise for violation in self.violations)

    @property
    def kills(self) -> int:
        """Kills and freezes while at least one command was being sent."""
        return sum(fault.stops_a_process and fault.sending > 0 for fault in self.history.faults)

    def problems(self) -> Iterator[str]:
        """Yield why the run does not pass."""
        if self.violations:
            yield f"{len(self.violations)} broken promises"
        if len(self.untouched.rows) < LEAST_UNTOUCHED:
            yield f"only {len(self.untouched.rows)} commands that no fault touched: too few to judge by"
        elif self.untouched.share < LEAST_CONFIRMED:
            yield f"only {self.untouched.share:.1%} of the commands that no fault touched were confirmed"
        if self.history.seconds >= KILLS_WANTED_FROM_S and self.kills < LEAST_KILLS:
            yield f"only {self.kills} kills and freezes while commands were being sent"

    def lines(self, reached: dict[tuple[str, str], int]) -> Iterator[str]:
        """Yield the report, without its last line."""
        history = self.history
        yield f"seed {history.seed}, {history.seconds:.0f} s"
        yield "operations: " + _counted(f"{one.via} {one.what} {one.result}" for one in history.operations)
        yield "refused presses: " + _counted(
            one.code for one in history.operations if one.what == "press" and one.result == "fail"
        )
        yield "states at the end: " + _counted(row.state for row in history.rows)
        yield "reasons: " + _counted(f"{row.state} {row.error_code}" for row in history.rows if row.error_code)
        yield "requests that reached the maker: " + _counted(one.reply for one in history.requests)
        yield "faults: " + _counted(f"{fault.kind} {fault.target}" for fault in history.faults)
        stopped = [fault for fault in history.faults if fault.stops_a_process]
        yield f"kills and freezes: {len(stopped)}, while commands were being sent: {self.kills}"
        yield from _failpoint_lines(reached)
        others = _counted(f"{row.kind} {row.state} {row.error_code}" for row in self.untouched.others)
        yield (
            f"untouched by any fault: {len(self.untouched.rows)}, confirmed {self.untouched.share:.2%}"
            + (f"; the others: {others}" if self.untouched.others else "")
        )
        quota = "not counted by this simulator" if history.quota_violations is None else history.quota_violations
        yield f"calls beyond a quota: {quota}"
        yield "promises broken: " + ", ".join(f"{name} {self.counts[name]}" for name in NAMES)

    def histories(self) -> Iterator[str]:
        """Yield the whole history of the first commands that broke a promise."""
        case = Case(self.history)
        for violation in self.violations[:SHOWN]:
            yield f"\n{violation.promise}: {violation.what}"
            yield from history_of(case, violation.command)
        if len(self.violations) > SHOWN:
            yield f"\nand {len(self.violations) - SHOWN} more"

    def last_line(self) -> str:
        counts = " ".join(f"{name}={self.counts[name]}" for name in ("lost", "doubled", "late", "false"))
        return f"{counts} commands={len(self.history.rows)} kills={self.kills}"


def history_of(case: Case, command: str) -> Iterator[str]:
    """Yield all that is known of one command, in order of time, with the faults of its life."""
    row = case.rows.get(command)
    if row is None:
        return
    yield f"  {row}"
    lines: list[tuple[float, str]] = [(row.accepted_at, "accepted"), (row.deadline, "deadline")]
    lines += [
        (step.at, f"{step.came_from} -> {step.state} {step.event.actor} {step.event.data}")
        for step in case.steps[command]
    ]
    lines += [(at, "left our process") for at in case.departures[command]]
    for request in case.requests[command]:
        lines.append((request.received_at, f"reached the maker: {request}"))
    end = max(at for at, _ in lines[2:]) if lines[2:] else row.deadline
    for fault in case.history.faults:
        if fault.began_at <= end + 1 and fault.ended_at >= row.accepted_at - 1:
            lines.append(
                (fault.began_at, f"    fault {fault.kind} {fault.target}, {fault.ended_at - fault.began_at:.2f} s")
            )
    for operation in case.history.operations:
        if operation.command == command or (row.key and operation.key == row.key):
            lines.append((operation.began_at, f"    asked: {operation}"))
    for older in case.history.rows:
        if older.lane == row.lane and older.id != row.id and abs(older.accepted_at - row.accepted_at) < 60:
            lines.append(
                (older.accepted_at, f"    on the same car: {older.id} {older.kind} {older.sequence} {older.state}")
            )
    for at, words in sorted(lines):
        yield f"  {datetime.fromtimestamp(at, UTC):%H:%M:%S.%f} {words}"


def _counted(words: Iterator[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common()) or "none"


def _failpoint_lines(reached: dict[tuple[str, str], int]) -> Iterator[str]:
    shots = sorted({shot for _, shot in reached})
    yield f"failpoints: {len(reached)} of {len(POINTS) * len(SHOTS)} pairs of place and shot occurred"
    for point in POINTS:
        counted = ", ".join(f"{shot} {reached[point, shot]}" for shot in shots if (point, shot) in reached)
        yield f"failpoint {point}: {counted or 'never reached'}"
