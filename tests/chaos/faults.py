"""Hurting the rig: what can be done to it, drawn with a seed, noted with what was being sent at that moment."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from commands.dispatch.failpoints import POINTS
from fleet.run.processes import wait_until
from tests.chaos import toxics
from tests.chaos.parts import Clock, Part, children_of, send
from tests.chaos.records import Fault
from tests.chaos.rig import DISPATCHERS, LISTENERS, Rig

# Past the guard (1 s between permit and first byte); past the silence that writes a dispatcher off (15 s).
PAST_THE_GUARD_S = 3.0
PAST_THE_SILENCE_S = 17.0
SHOTS = (("kill", 0.0), ("stop", PAST_THE_GUARD_S), ("stop", PAST_THE_SILENCE_S), ("raise", 0.0))
ARMED_FOR_S = 10.0
TRIES = 8
WAIT_FOR_SENDING_S = 1.0
# Kind of fault -> how often it is drawn.
WEIGHTS = {
    "freeze a dispatcher": 6.0,
    "freeze a dispatcher long": 0.5,
    "kill a dispatcher": 2.5,
    "kill a dispatcher's child": 6.0,
    "kill web": 0.7,
    "freeze web": 0.7,
    "kill the worker": 0.4,
    "freeze the worker": 0.4,
    "kill the clock": 0.5,
    "freeze the clock": 0.5,
    "kill beat": 0.5,
    "freeze beat": 0.5,
    "kill the broker": 0.6,
    "freeze the broker": 0.6,
    "stop the database": 0.5,
    "freeze the database": 0.5,
    "terminate backends": 1.0,
    "toxic": 3.0,
}
# So many failpoints are armed at any moment of a storm: some wait for a rare moment.
ARMED_AT_ONCE = 8
LONG_ONES_AT_ONCE = 2


@dataclass
class _Shot:
    point: str
    action: str
    seconds: float
    number: int


@dataclass
class Injector:
    """Draws faults and carries them out, in the rig's one thread. `faults` is what was done."""

    rig: Rig
    chance: random.Random
    clock: Clock = field(default_factory=Clock)
    faults: list[Fault] = field(default_factory=list)
    reached: dict[tuple[str, str], int] = field(default_factory=dict)
    _shots: list[_Shot] = field(default_factory=list)
    _armed: dict[tuple[str, str], _Shot] = field(default_factory=dict)
    _open: dict[int, tuple[str, str, float, int]] = field(default_factory=dict)
    _down: dict[str, int] = field(default_factory=dict)
    _frozen_pids: set[int] = field(default_factory=set)
    _database: psycopg.Connection[Any] | None = None
    _n: int = 0

    def __post_init__(self) -> None:
        self._shots = [
            _Shot(point, action, seconds, number) for number, (action, seconds) in enumerate(SHOTS) for point in POINTS
        ]
        self.chance.shuffle(self._shots)

    # What is known -------------------------------------------------------------------------------------------------

    def sending(self) -> int:
        """How many commands are being sent at this moment; 0 when the database cannot say."""
        if self._is_open("database"):
            return 0  # a frozen one would let us wait until we thaw it
        try:
            if self._database is None or self._database.closed:
                self._database = self.rig.connect()
                self._database.execute("SET statement_timeout = '1s'")
            row = self._database.execute("SELECT count(*) FROM commands_command WHERE state = 'sending'").fetchone()
            return row[0] if row else 0
        except psycopg.Error:
            self._database = None
            return 0

    def tick(self) -> None:
        """Do what is due, hear of failpoints, start again what is dead."""
        self.clock.run_due()
        self._hear_failpoints()
        for part in self.rig.parts.values():
            if not part.is_alive and part.name not in self._down:
                # Not killed by us directly: its worker died at a failpoint and took it along.
                self._begin_down(part, "end of", 0)
            if part.name in self._down and part.is_ready():
                self._end(self._down.pop(part.name))

    def is_healed(self) -> bool:
        return not self._open and self.clock.is_empty and all(part.is_ready() for part in self.rig.parts.values())

    def still_open(self) -> list[str]:
        """The faults that last, in words."""
        return [f"{kind} {target}" for kind, target, _, _ in self._open.values()]

    def heal(self) -> None:
        """Begin nothing more: what is armed is taken back, what lasts has its own end."""
        self._hear_failpoints()
        self.rig.failpoints.disarm()
        self._shots += self._armed.values()
        self._armed.clear()

    # Noting --------------------------------------------------------------------------------------------------------

    def _begin(self, kind: str, target: str, sending: int) -> int:
        self._n += 1
        self._open[self._n] = (kind, target, time.time(), sending)
        return self._n

    def _end(self, number: int) -> None:
        kind, target, began_at, sending = self._open.pop(number)
        self.faults.append(Fault(kind, target, began_at, time.time(), sending))

    def _wait_for_sending(self) -> int:
        sending = 0

        def is_sending() -> bool:
            nonlocal sending
            sending = self.sending()
            return sending > 0

        wait_until(is_sending, within_s=WAIT_FOR_SENDING_S)
        return sending

    # Drawing -------------------------------------------------------------------------------------------------------

    def inject(self, *, may_last: bool) -> None:
        """Let one thing go wrong; what is drawn and cannot be hurt just now is drawn again.

        may_last: a freeze past the silence may begin now.
        """
        self.arm(may_last=may_last)
        for _ in range(TRIES):
            if self._try(may_last):
                return

    def arm(self, *, may_last: bool) -> None:
        """Have as many failpoints armed as there may be at once."""
        while len(self._armed) < ARMED_AT_ONCE and self._arm(may_last):
            pass

    def _try(self, may_last: bool) -> bool:
        kind = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        parts = self.rig.parts
        dispatcher = parts[self.chance.choice(DISPATCHERS)]
        short_s = self.chance.choice([0.5, 0.8, 1.5, 2.5, 4.0])
        long_s = self.chance.uniform(15.5, 20.0) if may_last else short_s
        actions: dict[str, Callable[[], bool]] = {
            "freeze a dispatcher": lambda: self._freeze(dispatcher, short_s),
            "freeze a dispatcher long": lambda: self._freeze(dispatcher, long_s),
            "kill a dispatcher": lambda: self._kill(dispatcher),
            "kill a dispatcher's child": lambda: self._kill_child(dispatcher),
            "kill web": lambda: self._kill(parts["web"]),
            "freeze web": lambda: self._freeze(parts["web"], short_s),
            "kill the worker": lambda: self._kill(parts["default"]),
            "freeze the worker": lambda: self._freeze(parts["default"], short_s),
            "kill the clock": lambda: self._kill(parts["clock"]),
            "freeze the clock": lambda: self._freeze(parts["clock"], short_s),
            "kill beat": lambda: self._kill(parts["beat"]),
            "freeze beat": lambda: self._freeze(parts["beat"], short_s),
            "kill the broker": self._kill_broker,
            "freeze the broker": lambda: self._freeze_broker(short_s),
            "stop the database": self._stop_database,
            "freeze the database": lambda: self._freeze_database(short_s),
            "terminate backends": self._terminate_backends,
            "toxic": self._poison,
        }
        return actions[kind]()

    def _freeze(self, part: Part, seconds: float) -> bool:
        if not part.is_ready() or part.name in self._down:
            return False
        number = self._begin("freeze", part.name, self._wait_for_sending())
        part.freeze()

        def thaw() -> None:
            part.thaw()
            self._end(number)

        self.clock.after(seconds, thaw)
        return True

    def _kill(self, part: Part) -> bool:
        if not part.is_ready() or part.name in self._down:
            return False
        sending = self._wait_for_sending()
        part.kill()
        self._begin_down(part, "kill", sending)
        return True

    def _begin_down(self, part: Part, kind: str, sending: int) -> None:
        self._down[part.name] = self._begin(kind, part.name, sending)
        part.kill()
        part.start()

    def _kill_child(self, part: Part) -> bool:
        if not part.is_ready() or part.name in self._down:
            return False
        sending = self._wait_for_sending()
        if not part.kill_children():
            return False
        number = self._begin("kill", f"{part.name}'s child", sending)
        # The worker makes another one at once.
        self.clock.after(1.0, lambda: self._end(number))
        return True

    def _kill_broker(self) -> bool:
        if self._is_open("broker"):
            return False
        number = self._begin("kill", "broker", self._wait_for_sending())
        self.rig.valkey.process.kill()  # type: ignore[union-attr]
        self.rig.valkey.process.wait()  # type: ignore[union-attr]

        def start() -> None:
            self.rig.valkey.start()  # empty: it keeps nothing
            self._end(number)

        self.clock.after(self.chance.choice([0.1, 0.5, 3.0]), start)
        return True

    def _freeze_broker(self, seconds: float) -> bool:
        if self._is_open("broker"):
            return False
        number = self._begin("freeze", "broker", self._wait_for_sending())
        pid = self.rig.valkey.process.pid  # type: ignore[union-attr]
        self._stop_pids([pid], seconds, number)
        return True

    def _stop_database(self) -> bool:
        if self._is_open("database"):
            return False
        number = self._begin("kill", "database", self._wait_for_sending())
        process = self.rig.postgres.process
        assert process is not None
        process.send_signal(signal.SIGQUIT)  # immediate: every backend ends where it is

        def start() -> None:
            if process.poll() is None:  # the rig has other things to do than to wait for it
                self.clock.after(0.1, start)
                return
            self.rig.postgres.start()
            self._end(number)

        self.clock.after(self.chance.choice([0.1, 0.5, 2.0]), start)
        return True

    def _freeze_database(self, seconds: float) -> bool:
        if self._is_open("database"):
            return False
        number = self._begin("freeze", "database", self._wait_for_sending())
        pid = self.rig.postgres.process.pid  # type: ignore[union-attr]
        self._stop_pids([pid, *children_of(pid)], seconds, number)
        return True

    def _stop_pids(self, pids: list[int], seconds: float, number: int) -> None:
        for pid in pids:
            send(pid, signal.SIGSTOP)

        def thaw() -> None:
            for pid in pids:
                send(pid, signal.SIGCONT)
            self._end(number)

        self.clock.after(seconds, thaw)

    def _is_open(self, target: str) -> bool:
        return any(open_target == target for _, open_target, _, _ in self._open.values())

    def _terminate_backends(self) -> bool:
        if self._is_open("database"):
            return False
        share = self.chance.choice([0.2, 0.5, 1.0])
        number = self._begin("terminate", "backends", self._wait_for_sending())
        try:
            assert self._database is not None
            self._database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'fleetwell_app'"
                " AND random() < %s",
                [share],
            )
        except (psycopg.Error, AssertionError):
            self._database = None
        self._end(number)
        return True

    def _poison(self) -> bool:
        listener = self.chance.choice(LISTENERS)
        if self._is_open(f"net {listener}"):
            return False
        toxic = toxics.draw(self.chance)
        number = self._begin(f"toxic {toxic.kind}", f"net {listener}", self.sending())
        self.rig.proxy.suffer(listener, toxic)

        def end() -> None:
            self.rig.proxy.suffer(listener, None)
            self._end(number)

        self.clock.after(self.chance.uniform(0.5, 5.0), end)
        return True

    # Failpoints ----------------------------------------------------------------------------------------------------

    def _arm(self, may_last: bool) -> bool:
        """Arm the next shot of the round; one that nobody reaches in time goes to the end of it."""
        long_ones = sum(shot.seconds >= PAST_THE_SILENCE_S for shot in self._armed.values())
        points = {point for point, _ in self._armed}
        may_arm_long = may_last and long_ones < LONG_ONES_AT_ONCE
        free = [
            shot
            for shot in self._shots
            if shot.point not in points and (shot.seconds < PAST_THE_SILENCE_S or may_arm_long)
        ]
        if not free:
            return False
        shot = free[0]
        self._shots.remove(shot)
        self._armed[shot.point, shot.action] = shot
        self.rig.failpoints.arm(shot.point, shot.action)
        self.clock.after(ARMED_FOR_S, lambda: self._give_up_on(shot))
        return True

    def _give_up_on(self, shot: _Shot) -> None:
        if self._armed.get((shot.point, shot.action)) is shot:
            self._hear_failpoints()
        if self._armed.pop((shot.point, shot.action), None) is not None:
            self.rig.failpoints.disarm_point(shot.point)
            self._shots.append(shot)

    def _hear_failpoints(self) -> None:
        for taken in self.rig.failpoints.news():
            shot = self._armed.pop((taken.point, taken.action), None)
            seconds = shot.seconds if shot is not None else PAST_THE_GUARD_S
            if shot is not None:
                shot_of = f"{shot.action} {shot.seconds:.0f} s" if shot.action == "stop" else shot.action
                self.reached[taken.point, shot_of] = self.reached.get((taken.point, shot_of), 0) + 1
                self._shots.append(shot)
            sending = self.sending()
            kind = {"kill": "kill at", "stop": "freeze at", "raise": "raise at"}[taken.action]
            number = self._begin(kind, taken.point, sending)
            if taken.action == "stop":
                self._stop_pids([taken.pid], seconds, number)
            else:
                self.clock.after(1.0, lambda ended=number: self._end(ended))  # type: ignore[misc]
