"""Which commands no fault touched: nearly all of them must be confirmed, or a run where nothing works would pass."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tests.chaos.checker import FINAL
from tests.chaos.records import History, Row

# So long before the next fault a command must have been accepted to count: it then had time to be carried in peace.
PEACE_S = 4.0


@dataclass(frozen=True)
class Untouched:
    """The commands that no fault touched, and those of them that the car did not confirm."""

    rows: list[Row]
    others: list[Row]

    @property
    def share(self) -> float:
        return 1 - len(self.others) / len(self.rows) if self.rows else 0.0


def find_untouched(history: History) -> Untouched:
    """A command is untouched when nothing was done to it, its car or any process from its acceptance on.

    No fault lasted at its acceptance or began within PEACE_S after it, whether or not it had ended by then; its car was
    not told to misbehave in this run; nobody cancelled or superseded it, or took its right away; and no older command
    that had met a fault was before it in its car's queue. What ends later than that counts against us like a failure
    only if it is not confirmed in the end.
    """
    faults = sorted((fault.began_at, fault.ended_at) for fault in history.faults)
    stopped = {one.command for one in history.operations if one.what == "cancel" and one.result != "fail"}
    rights: dict[str, list[float]] = defaultdict(list)
    for one in history.operations:
        if one.what in {"remove", "withdraw"}:
            rights[one.subject].append(one.began_at)
    lanes: dict[str, list[Row]] = defaultdict(list)
    for row in history.rows:
        lanes[row.lane].append(row)

    def is_touched(row: Row) -> bool:
        until = row.accepted_at + PEACE_S
        if row.car in history.faulty_cars or row.id in stopped or row.state in {"superseded", "cancelled"}:
            return True
        if any(at <= until for at in (*rights[row.authority], *rights[row.link]) if at >= row.accepted_at - PEACE_S):
            return True
        return any(began <= until and ended >= row.accepted_at for began, ended in faults)

    def waits_for_a_touched_one(row: Row) -> bool:
        return any(
            older.sequence < row.sequence
            and (older.finished_at is None or older.finished_at > row.accepted_at)
            and is_touched(older)
            for older in lanes[row.lane]
        )

    rows = [row for row in history.rows if not is_touched(row) and not waits_for_a_touched_one(row)]
    return Untouched(rows, [row for row in rows if row.state != "confirmed" or row.state not in FINAL])
