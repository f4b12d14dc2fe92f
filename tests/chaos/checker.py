"""The history checker: pure, offline, over plain records. Says which promise of ours was broken, by which command."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from commands.transitions import TRANSITIONS
from tests.chaos.records import Event, History, Operation, Request, Row
from tests.chaos.truth import Truth

FINAL = frozenset({"confirmed", "failed", "refused", "expired", "cancelled", "superseded", "unresolved"})
NEVER_ACTED = frozenset({"failed", "refused", "expired", "cancelled", "superseded"})
NEVER_SENT = frozenset({"expired", "cancelled", "superseded"})
GIVEN_BACK = {("queued", "claimed"), ("queued", "sending")}
# The clocks are one, but a process that notes a time may have to wait for the processor on a busy machine.
LATE_S = 1.0
AUTHORITY_S = 1.0
# Two presses of the same command within this time are one, and the first one answers for both.
DOUBLE_PRESS_S = 12.0


@dataclass(frozen=True)
class Violation:
    """A broken promise: its name, whose history shows it, and what is wrong."""

    promise: str
    command: str
    what: str


@dataclass(frozen=True)
class Step:
    """A move of a command, from the log."""

    at: float
    state: str
    came_from: str
    event: Event


class Case:
    """A history, looked up in the ways that the promises need."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.rows = {row.id: row for row in history.rows}
        self.truth = Truth(history.initial, history.requests)

    @cached_property
    def requests(self) -> dict[str, list[Request]]:
        """What reached the maker, by command; wakes are not commands."""
        found = defaultdict(list)
        for request in self.history.requests:
            if request.request_id and request.command != "wake":
                found[request.request_id].append(request)
        return found

    @cached_property
    def departures(self) -> dict[str, list[float]]:
        found = defaultdict(list)
        for departure in self.history.departures:
            found[departure.request_id].append(departure.at)
        return found

    @cached_property
    def steps(self) -> dict[str, list[Step]]:
        """The moves of every command, in order."""
        found = defaultdict(list)
        for event in sorted(self.history.events, key=lambda one: one.n):
            subject, _, command = event.subject.partition(":")
            state = event.kind.removeprefix("command.")
            if subject == "command" and event.kind.startswith("command.") and state in STATES:
                found[command].append(Step(event.at, state, event.data.get("from", ""), event))
        return found

    def times_given_back(self, command: str) -> int:
        """How many of its requests the maker had turned away for certain, so that it waited again."""
        return sum((step.came_from, step.state) == ("sending", "queued") for step in self.steps[command])

    def was_executed(self, command: str) -> bool:
        return any(request.executed_at is not None for request in self.requests[command])


STATES = frozenset(state for pair in TRANSITIONS for state in pair)


def check(history: History) -> list[Violation]:
    """Return every broken promise; an empty list is what a run is for."""
    case = Case(history)
    return [violation for promise in PROMISES for violation in promise(case)]


def find_lost(case: Case) -> Iterator[Violation]:
    """P1: what was accepted is there, and it ends or is visibly on its way."""
    by_key: dict[str, list[Row]] = defaultdict(list)
    by_kind: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in case.history.rows:
        by_key[row.key].append(row)
        by_kind[row.vehicle, row.kind].append(row)
    for press in case.history.operations:
        if press.what != "press" or press.result != "ok":
            continue
        if press.command is not None and press.command not in case.rows:
            yield Violation("lost", press.command, "accepted, and there is no such command")
        elif press.command is None and not _is_kept(press, by_key[press.key], by_kind[press.vehicle, press.kind]):
            yield Violation("lost", "", f"accepted, and there is no command: {press}")
        elif len(by_key[press.key]) > 1:
            yield Violation("doubled", by_key[press.key][0].id, f"one key made {len(by_key[press.key])} commands")
    for row in case.history.rows:
        if row.state not in FINAL and not row.is_moving:
            yield Violation("lost", row.id, f"neither final nor moving: {row.state}")
    for item in case.history.stuck_items:
        yield Violation("lost", "", f"a job forgot a car: {item}")


def _is_kept(press: Operation, with_key: list[Row], alike: list[Row]) -> bool:
    """An answer without an id names its command by the key, or was a double press of one that ran or had just run."""
    if with_key:
        return True
    return any(
        row.accepted_at <= press.ended_at
        and (row.finished_at is None or row.finished_at >= press.began_at or row.accepted_at >= _recently(press))
        for row in alike
    )


def _recently(press: Operation) -> float:
    return press.began_at - DOUBLE_PRESS_S


def find_doubled(case: Case) -> Iterator[Violation]:
    """P2: one request that may act; a repeatable one up to its limit, never after it may have been executed."""
    for row in case.history.rows:
        requests = case.requests[row.id]
        limit = 3 if row.retry_class == "A" else 1
        if len(requests) > limit:
            yield Violation("doubled", row.id, f"{len(requests)} requests, {limit} allowed")
        if sum(request.executed_at is not None for request in requests) > 1:
            yield Violation("doubled", row.id, "executed more than once")
        for earlier, later in itertools.pairwise(requests):
            if earlier.executed_at is not None and earlier.executed_at <= later.received_at:
                yield Violation("doubled", row.id, "sent again after it had been executed")
        states = [step.state for step in case.steps[row.id]]
        if "unknown" in states and "sending" in states[states.index("unknown") :]:
            yield Violation("doubled", row.id, "sent again after nobody knew what had become of it")
    permitted: dict[tuple[str, str], str] = {}
    for row in case.history.rows:
        # A job may make another command for a car only where the one before was certainly never sent.
        if (
            row.cause.startswith("job:")
            and row.attempts
            and permitted.setdefault((row.cause, row.vehicle), row.id) != row.id
        ):
            yield Violation(
                "doubled", row.id, f"{row.cause} had {permitted[row.cause, row.vehicle]} sent to this car already"
            )


def find_late(case: Case) -> Iterator[Violation]:
    """P3: no byte leaves after the deadline, or after we had given the request up."""
    for row in case.history.rows:
        left = case.departures[row.id] or [request.received_at for request in case.requests[row.id]]
        for at in left:
            if at > row.deadline + LATE_S:
                yield Violation("late", row.id, f"left {at - row.deadline:.2f} s after its deadline")
            if (over := _sending_was_over(case.steps[row.id], at)) is not None and at > over + LATE_S:
                yield Violation("late", row.id, f"left {at - over:.2f} s after it had been given up")


def _sending_was_over(steps: list[Step], at: float) -> float | None:
    """When the sending before this moment was over, if it was; None while a permit is out."""
    before = [step for step in steps if step.at <= at]
    if not before or before[-1].state == "sending":
        return None
    return before[-1].at


def find_false(case: Case) -> Iterator[Violation]:
    """P4: confirmed only with the effect, and a no only where nothing happened."""
    for row in case.history.rows:
        requests = case.requests[row.id]
        if row.state in NEVER_ACTED and case.was_executed(row.id):
            yield Violation("false", row.id, f"{row.state}, and the car did it")
        if row.state in NEVER_SENT and len(requests) > case.times_given_back(row.id):
            yield Violation("false", row.id, f"{row.state}, and it was sent")
        if row.state == "confirmed" and not case.was_executed(row.id):
            yield from _false_confirmation(case, row, requests)


def _false_confirmation(case: Case, row: Row, requests: list[Request]) -> Iterator[Violation]:
    if any(request.outcome == "already" for request in requests):
        return
    # The effect was there without our request having brought it about: then the reading must have been true.
    at = row.observed_at if row.observed_at is not None else row.finished_at
    if at is None or case.truth.was_so(row.car, row.kind, row.parameters, at) is not True:
        yield Violation("false", row.id, f"confirmed by {row.evidence}, and the car neither did it nor was so")


def find_disorder(case: Case) -> Iterator[Violation]:
    """P5: one at a time per car, first sends in order of acceptance."""
    for lane in _by_lane(case.history.rows).values():
        yield from _find_overlaps(case, lane)
        links = defaultdict(list)
        for row in lane:
            if case.requests[row.id]:
                links[row.link].append((case.requests[row.id][0].received_at, row))
        for sent in links.values():
            highest: Row | None = None
            for at, row in sorted(sent, key=lambda one: one[0]):
                if highest is not None and row.sequence < highest.sequence:
                    if _stepped_aside(case, row, highest):
                        continue
                    yield Violation("order", row.id, f"sent at {at:.3f} after {highest.id}, which was accepted later")
                else:
                    highest = row


def _stepped_aside(case: Case, row: Row, other: Row) -> bool:
    """A command that was given back waits for its next try, and others of its car need not wait with it."""
    claims = [step.event.n for step in case.steps[other.id] if step.state == "claimed"]
    before = [step for step in case.steps[row.id] if claims and step.event.n < claims[0]]
    return bool(before) and (before[-1].state, before[-1].came_from) in GIVEN_BACK


def _by_lane(rows: Iterable[Row]) -> dict[str, list[Row]]:
    lanes = defaultdict(list)
    for row in rows:
        lanes[row.lane].append(row)
    return lanes


def _find_overlaps(case: Case, lane: list[Row]) -> Iterator[Violation]:
    spans = []
    for row in lane:
        steps = case.steps[row.id]
        for number, step in enumerate(steps):
            if step.state == "sending":
                end = steps[number + 1].event.n if number + 1 < len(steps) else float("inf")
                spans.append((step.event.n, end, row))
    spans.sort(key=lambda span: span[0])
    for (_, end, row), (start, _, other) in itertools.pairwise(spans):
        if start < end:
            yield Violation("order", other.id, f"permitted while {row.id} was being sent to the same car")


def find_sent_after_cancel(case: Case) -> Iterator[Violation]:
    """P6: a cancel that said yes means that not a byte is ever written."""
    for cancel in case.history.operations:
        if cancel.what != "cancel" or cancel.result != "ok" or cancel.command is None:
            continue
        row = case.rows.get(cancel.command)
        if row is None or row.state != "cancelled":
            yield Violation("cancelled", cancel.command, f"cancelled, and now {row.state if row else 'gone'}")
        left = case.departures[cancel.command]
        if len(left) > case.times_given_back(cancel.command) or any(at > cancel.ended_at for at in left):
            yield Violation("cancelled", cancel.command, "cancelled, and it was sent")


def find_unauthorized(case: Case) -> Iterator[Violation]:
    """P7: nothing is permitted once the right to it has been gone for a second."""
    for taken in case.history.operations:
        if taken.what not in {"remove", "withdraw"} or taken.result != "ok":
            continue
        for row in case.history.rows:
            held = row.authority if taken.what == "remove" else row.link
            if held != taken.subject or row.accepted_at > taken.ended_at:
                continue
            for step in case.steps[row.id]:
                if step.state == "sending" and step.at > taken.ended_at + AUTHORITY_S:
                    late_s = step.at - taken.ended_at
                    yield Violation("authority", row.id, f"permitted {late_s:.2f} s after {taken.what} of its right")


def find_quota_overruns(case: Case) -> Iterator[Violation]:
    """P9: no more calls than the maker allows."""
    if case.history.quota_violations:
        yield Violation("quota", "", f"{case.history.quota_violations} calls beyond a maker's quota")


def find_illegal_moves(case: Case) -> Iterator[Violation]:
    """Only the moves of the table, each from where the last one ended, the last one to where the row is."""
    for row in case.history.rows:
        steps = case.steps[row.id]
        if not steps or (steps[0].state, steps[0].came_from) != ("queued", ""):
            yield Violation("transition", row.id, "the log does not begin with its acceptance")
            continue
        for before, step in itertools.pairwise(steps):
            if step.came_from != before.state:
                yield Violation("transition", row.id, f"{step.state} came from {step.came_from}, not {before.state}")
            if (step.came_from, step.state) not in TRANSITIONS:
                yield Violation("transition", row.id, f"{step.came_from} -> {step.state} does not exist")
        if steps[-1].state != row.state:
            yield Violation("transition", row.id, f"the log ends with {steps[-1].state}, the row is {row.state}")
    for command in case.steps.keys() - case.rows.keys():
        yield Violation("lost", command, "the log knows it, and the row is gone")
    for command, requests in list(case.requests.items()):
        if requests and not any(step.state == "sending" for step in case.steps.get(command, [])):
            yield Violation("transition", command, "sent without a permit")


PROMISES = (
    find_lost,
    find_doubled,
    find_late,
    find_false,
    find_disorder,
    find_sent_after_cancel,
    find_unauthorized,
    find_quota_overruns,
    find_illegal_moves,
)
NAMES = ("lost", "doubled", "late", "false", "order", "cancelled", "authority", "quota", "transition")
