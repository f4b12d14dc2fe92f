"""The checker: it finds nothing in an honest history, and in each doctored one the promise that was broken."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import check
from tests.chaos.records import Departure, Event, Fault, History, Operation, Request, Row
from tests.chaos.report import Report
from tests.chaos.untouched import find_untouched

ACCEPTED_AT = 1000.0


class Writer:
    """Writes an honest history, command by command; the n of events and requests goes up by itself."""

    def __init__(self) -> None:
        self.history = History(initial={"car-1": {"locked": True, "climate_on": False}, "car-2": {"locked": True}})
        self.n = 0

    def press(
        self, name: str, kind: str, retry_class: str, at: float, *, car: str = "car-1", result: str = "ok"
    ) -> None:
        command = name if result == "ok" else None
        self.history.operations.append(
            Operation(
                "press", "service", at - 0.01, at + 0.01, result, "", command, f"key-{name}", f"vehicle-{car}", kind
            )
        )
        sequence = 1 + sum(row.car == car for row in self.history.rows)
        self.history.rows.append(
            Row(
                id=name,
                team="team",
                vehicle=f"vehicle-{car}",
                lane=f"lane-{car}",
                link=f"link-{car}",
                app="app",
                car=car,
                kind=kind,
                retry_class=retry_class,
                parameters={},
                authority="authority",
                key=f"key-{name}",
                state="queued",
                sequence=sequence,
                attempts=0,
                max_attempts=3 if retry_class == "A" else 1,
                accepted_at=at,
                deadline=at + 60.0,
            )
        )
        self.event(name, "queued", at)

    def event(self, name: str, state: str, at: float, **more: object) -> None:
        self.n += 1
        before = self.row(name).state
        data = {"from": before} if any(event.subject == f"command:{name}" for event in self.history.events) else {}
        self.history.events.append(Event(self.n, at, f"command.{state}", "system:test", f"command:{name}", data))
        self.change(name, state=state, **more)

    def sent(self, name: str, word: str, at: float, *, executed: bool = True, outcome: str = "done") -> None:
        """Claimed, permitted, left, arrived, carried out."""
        self.event(name, "claimed", at)
        self.event(name, "sending", at + 0.1, attempts=self.row(name).attempts + 1)
        self.arrived(name, word, at + 0.2, executed=executed, outcome=outcome)

    def arrived(self, name: str, word: str, at: float, *, executed: bool = True, outcome: str = "done") -> None:
        self.history.departures.append(Departure(name, at))
        done_at = at + 0.2 if executed else None
        n = len(self.history.requests) + 1
        car = self.row(name).car
        self.history.requests.append(Request(n, car, word, {}, name, at + 0.01, done_at, at + 0.3, outcome, "sent"))

    def row(self, name: str) -> Row:
        return next(row for row in self.history.rows if row.id == name)

    def change(self, name: str, **fields: object) -> None:
        rows = self.history.rows
        rows[rows.index(self.row(name))] = replace(self.row(name), **fields)  # type: ignore[arg-type]


@pytest.fixture
def story() -> Writer:
    """An unlock that was confirmed, a lock given back once, an honk whose answer was lost, and four that never left."""
    story = Writer()
    story.press("unlock", "unlock", "B", 1000.0)
    story.sent("unlock", "unlock", 1000.1)
    story.event("unlock", "confirmed", 1000.7, finished_at=1000.7, evidence="vehicle_ack")
    story.press("lock", "lock", "A", 1001.0)
    story.sent("lock", "lock", 1001.1, executed=False, outcome="busy")
    story.event("lock", "queued", 1001.5)
    story.sent("lock", "lock", 1003.0)
    story.event("lock", "confirmed", 1003.7, finished_at=1003.7, evidence="readback", observed_at=1003.6)
    story.press("honk", "honk_horn", "C", 1004.0)
    story.sent("honk", "horn.honk", 1004.1)
    story.event("honk", "unknown", 1020.0, is_moving=True)
    story.press("waiting", "start_climate", "B", 1005.0, car="car-2")
    story.event("waiting", "superseded", 1006.0, finished_at=1006.0)
    story.press("stopped", "stop_climate", "A", 1006.0, car="car-2")
    story.event("stopped", "cancelled", 1007.0, finished_at=1007.0)
    story.history.operations.append(Operation("cancel", "http", 1006.9, 1007.1, "ok", command="stopped"))
    story.press("late", "unlock", "B", 1008.0, car="car-2")
    story.event("late", "expired", 1068.1, finished_at=1068.1)
    story.press("forbidden", "lock", "A", 1009.0, car="car-2")
    story.event("forbidden", "claimed", 1009.1)
    story.event("forbidden", "refused", 1009.2, finished_at=1009.2)
    story.history.operations.append(Operation("remove", "service", 1070.0, 1070.1, "ok", subject="authority"))
    return story


def broken(story: Writer) -> list[tuple[str, str]]:
    return sorted({(violation.promise, violation.command) for violation in check(story.history)})


def test_check_when_nothing_is_wrong_then_finds_nothing(story: Writer) -> None:
    assert check(story.history) == []


def lose_a_row(story: Writer) -> None:
    story.history.rows.remove(story.row("late"))
    story.history.events = [event for event in story.history.events if event.subject != "command:late"]


def lose_a_row_of_the_page(story: Writer) -> None:
    lose_a_row(story)
    press = next(one for one in story.history.operations if one.command == "late")
    story.history.operations.remove(press)
    story.history.operations.append(replace(press, via="http", command=None))


def get_stuck(story: Writer) -> None:
    story.change("honk", is_moving=False)


def send_twice(story: Writer) -> None:
    story.arrived("unlock", "unlock", 1000.5, executed=False, outcome="busy")


def send_after_unknown(story: Writer) -> None:
    story.press("again", "lock", "A", 1030.0)
    story.sent("again", "lock", 1030.1, executed=False)
    story.event("again", "unknown", 1031.0)
    story.event("again", "sending", 1032.0)
    story.arrived("again", "lock", 1032.1)
    story.event("again", "confirmed", 1033.0, finished_at=1033.0, evidence="vehicle_ack")


def send_after_execution(story: Writer) -> None:
    first = next(request for request in story.history.requests if request.request_id == "lock")
    story.history.requests[story.history.requests.index(first)] = replace(first, executed_at=1001.4)


def send_twice_for_a_job(story: Writer) -> None:
    story.change("unlock", cause="job:7")
    story.change("lock", cause="job:7")


def forget_a_car_of_a_job(story: Writer) -> None:
    story.history.stuck_items.append("item 3 of job 7: waiting, job running, command none")


def make_two_of_one_key(story: Writer) -> None:
    story.press("twin", "flash_lights", "C", 1100.0, result="info")
    story.event("twin", "cancelled", 1101.0, finished_at=1101.0)
    story.press("other twin", "flash_lights", "C", 1100.0, result="info")
    story.event("other twin", "cancelled", 1101.0, finished_at=1101.0)
    story.change("other twin", key="key-twin")
    press = Operation(
        "press", "http", 1099.9, 1100.1, "ok", key="key-twin", vehicle="vehicle-car-1", kind="flash_lights"
    )
    story.history.operations.append(press)


def leave_late(story: Writer) -> None:
    story.change("unlock", deadline=999.0)


def leave_after_given_up(story: Writer) -> None:
    left = story.history.departures
    left[left.index(Departure("honk", 1004.1 + 0.2))] = Departure("honk", 1025.0)


def confirm_without_effect(story: Writer) -> None:
    story.history.requests[0] = replace(story.history.requests[0], executed_at=None, outcome="received")


def read_back_what_was_not_so(story: Writer) -> None:
    requests = story.history.requests
    for request in [one for one in requests if one.request_id == "lock"]:
        requests[requests.index(request)] = replace(request, executed_at=None)


def refuse_what_was_done(story: Writer) -> None:
    story.history.events.pop(2)
    story.history.events[-1:] = story.history.events[-1:]
    story.change("honk", state="failed", finished_at=1020.0, is_moving=False)
    last = next(event for event in story.history.events if event.kind == "command.unknown")
    story.history.events[story.history.events.index(last)] = replace(last, kind="command.failed")


def expire_and_send(story: Writer) -> None:
    story.arrived("late", "unlock", 1008.5, executed=False, outcome="busy")


def overtake(story: Writer) -> None:
    story.press("first", "lock", "A", 1200.0)
    story.press("second", "flash_lights", "C", 1200.5)
    story.sent("second", "lights.flash", 1201.0)
    story.event("second", "confirmed", 1202.0, finished_at=1202.0, evidence="provider")
    story.sent("first", "lock", 1203.0)
    story.event("first", "confirmed", 1204.0, finished_at=1204.0, evidence="vehicle_ack")


def send_two_at_once(story: Writer) -> None:
    story.press("first", "lock", "A", 1200.0)
    story.press("second", "flash_lights", "C", 1200.5)
    story.sent("first", "lock", 1201.0)
    story.sent("second", "lights.flash", 1201.5)
    story.event("first", "confirmed", 1204.0, finished_at=1204.0, evidence="vehicle_ack")
    story.event("second", "confirmed", 1205.0, finished_at=1205.0, evidence="provider")


def write_after_cancel(story: Writer) -> None:
    story.history.departures.append(Departure("stopped", 1006.5))


def permit_without_right(story: Writer) -> None:
    story.press("removed", "flash_lights", "C", 1069.0)
    story.sent("removed", "lights.flash", 1071.5)
    story.event("removed", "confirmed", 1073.0, finished_at=1073.0, evidence="provider")


def permit_without_consent(story: Writer) -> None:
    permit_without_right(story)
    taken = story.history.operations
    remove = next(one for one in taken if one.what == "remove")
    taken[taken.index(remove)] = replace(remove, what="withdraw", subject="link-car-1")


def exceed_the_quota(story: Writer) -> None:
    story.history.quota_violations = 2


def move_illegally(story: Writer) -> None:
    story.press("odd", "flash_lights", "C", 1300.0)
    story.event("odd", "confirmed", 1301.0, finished_at=1301.0, evidence="provider")
    story.arrived("odd", "lights.flash", 1300.5)


def break_the_chain(story: Writer) -> None:
    claimed = next(event for event in story.history.events if event.kind == "command.claimed")
    story.history.events.remove(claimed)


def end_elsewhere(story: Writer) -> None:
    story.change("forbidden", state="expired")


@pytest.mark.parametrize(
    ("doctor", "promise", "command"),
    [
        (lose_a_row, "lost", "late"),
        (lose_a_row_of_the_page, "lost", ""),
        (get_stuck, "lost", "honk"),
        (send_twice, "doubled", "unlock"),
        (send_after_unknown, "doubled", "again"),
        (send_after_execution, "doubled", "lock"),
        (make_two_of_one_key, "doubled", "twin"),
        (send_twice_for_a_job, "doubled", "lock"),
        (forget_a_car_of_a_job, "lost", ""),
        (leave_late, "late", "unlock"),
        (leave_after_given_up, "late", "honk"),
        (confirm_without_effect, "false", "unlock"),
        (read_back_what_was_not_so, "false", "lock"),
        (refuse_what_was_done, "false", "honk"),
        (expire_and_send, "false", "late"),
        (overtake, "order", "first"),
        (send_two_at_once, "order", "second"),
        (write_after_cancel, "cancelled", "stopped"),
        (permit_without_right, "authority", "removed"),
        (permit_without_consent, "authority", "removed"),
        (exceed_the_quota, "quota", ""),
        (move_illegally, "transition", "odd"),
        (break_the_chain, "transition", "unlock"),
        (end_elsewhere, "transition", "forbidden"),
    ],
)
def test_check_when_a_promise_was_broken_then_says_which(
    story: Writer, doctor: Callable[[Writer], None], promise: str, command: str
) -> None:
    doctor(story)

    assert (promise, command) in broken(story)


def test_check_when_a_command_that_was_given_back_is_overtaken_then_finds_nothing(story: Writer) -> None:
    story.press("away", "lock", "A", 1200.0)
    story.event("away", "claimed", 1200.1)
    story.event("away", "queued", 1200.2)
    story.press("flash", "flash_lights", "C", 1200.5)
    story.sent("flash", "lights.flash", 1201.0)
    story.event("flash", "confirmed", 1202.0, finished_at=1202.0, evidence="provider")
    story.sent("away", "lock", 1203.0)
    story.event("away", "confirmed", 1204.0, finished_at=1204.0, evidence="vehicle_ack")

    assert check(story.history) == []


def turned_away_then_cancelled(story: Writer) -> None:
    story.press("turned away", "lock", "A", 1200.0)
    story.sent("turned away", "lock", 1201.0, executed=False, outcome="busy")
    story.event("turned away", "queued", 1202.0)
    story.event("turned away", "cancelled", 1203.0, finished_at=1203.0)
    story.history.operations.append(Operation("cancel", "http", 1202.9, 1203.1, "ok", command="turned away"))


def test_check_when_cancelled_after_the_maker_had_turned_it_away_then_finds_nothing(story: Writer) -> None:
    turned_away_then_cancelled(story)

    assert check(story.history) == []


def test_check_when_sent_again_after_the_cancel_then_says_so(story: Writer) -> None:
    turned_away_then_cancelled(story)
    story.arrived("turned away", "lock", 1203.5)

    assert {("cancelled", "turned away"), ("false", "turned away")} <= set(broken(story))


def test_history_when_saved_and_loaded_then_is_the_same(story: Writer, tmp_path: Path) -> None:
    story.history.faulty_cars.add("car-2")
    story.history.faults.append(Fault("kill", "web", 1000.0, 1001.0, 3))

    story.history.save(tmp_path / "history.json.gz")

    assert History.load(tmp_path / "history.json.gz") == story.history


def test_find_untouched_when_a_fault_or_a_misbehaving_car_is_near_then_leaves_the_command_out(story: Writer) -> None:
    story.history.faulty_cars.add("car-2")
    story.history.faults.append(Fault("kill", "web", 1004.5, 1005.0, 1))

    untouched = find_untouched(story.history)

    # The lock was accepted less than four seconds before the fault, the honk too; the second car misbehaves.
    assert [row.id for row in untouched.rows] == ["unlock"]
    assert (untouched.others, untouched.share) == ([], 1.0)


def test_find_untouched_when_one_was_not_confirmed_then_names_it(story: Writer) -> None:
    story.history.faulty_cars.add("car-2")

    untouched = find_untouched(story.history)

    assert [row.id for row in untouched.rows] == ["unlock", "lock", "honk"]
    assert [row.id for row in untouched.others] == ["honk"]


def test_report_when_all_is_unknown_then_does_not_pass(story: Writer) -> None:
    for number in range(60):
        story.press(f"n{number}", "flash_lights", "C", 2000.0 + 10 * number)
        story.sent(f"n{number}", "lights.flash", 2001.0 + 10 * number)
        story.event(f"n{number}", "unknown", 2002.0 + 10 * number, is_moving=True)
    story.history.operations = [one for one in story.history.operations if one.what != "remove"]
    story.history.faults.append(Fault("freeze", "dispatch-1", 900.0, 901.0, 4))
    report = Report(story.history)

    assert report.last_line() == "lost=0 doubled=0 late=0 false=0 commands=67 kills=1"
    assert list(report.problems()) == ["only 3.1% of the commands that no fault touched were confirmed"]


def test_report_when_too_few_kills_in_a_long_run_then_does_not_pass(story: Writer) -> None:
    story.history.seconds = 300.0
    story.history.faults.append(Fault("kill", "dispatch-1", 900.0, 901.0, 0))

    assert list(Report(story.history).problems()) == [
        "only 5 commands that no fault touched: too few to judge by",
        "only 0 kills and freezes while commands were being sent",
    ]
