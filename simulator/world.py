"""The pretend world in one object: accounts, cars, grants, settings, ledger. Looking at a car moves its time on."""

import asyncio
import random
import secrets
import time
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from simulator import physics
from simulator.accounts import Account, Accounts
from simulator.behaviours import EVERY_CAR, PLAIN, Behaviour, Behaviours
from simulator.cars import Car, Garage, PendingEffect
from simulator.commands import COMMANDS
from simulator.errors import Refused
from simulator.ledger import Entry, Ledger
from simulator.oauth import Authorizations
from simulator.quotas import Quotas, Window
from simulator.refusals import refuse_if_unable
from simulator.signals import override_signals, read_signals

KEPT_REFERENCES = 20_000


@dataclass(slots=True)
class Reference:
    """What became of one command that the cloud took."""

    ref: str
    account_id: str
    status: str
    reason: str | None = None
    entry: Entry | None = None


@dataclass
class World:
    speed: float = 1.0
    seed: int | None = None
    accounts: Accounts = field(default_factory=Accounts)
    garage: Garage = field(default_factory=Garage)
    authorizations: Authorizations = field(default_factory=Authorizations)
    behaviours: Behaviours = field(default_factory=Behaviours)
    ledger: Ledger = field(default_factory=Ledger)
    quotas: Quotas = field(default_factory=Quotas)
    references: OrderedDict[str, Reference] = field(default_factory=OrderedDict)
    # What each dialect keeps of its own (connections, keys), by its name: JSON, so that it survives a restart.
    shelves: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Limits of dialects that hold for each user of each client, by words of their own; not kept over a restart.
    windows: dict[tuple[str, ...], Window] = field(default_factory=dict)
    # What runs beside the requests; the loop itself holds tasks only weakly.
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    changes: int = 0  # counted up by everything that a restart should find again

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def now(self) -> float:
        return time.time()

    def shelf(self, dialect: str) -> dict[str, Any]:
        return self.shelves.setdefault(dialect, {})

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the requests and keep it alive until it is through."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def look(self, car: Car, behaviour: Behaviour) -> str:
        """Bring the car up to now and return how its cloud finds it: online, asleep or offline."""
        now = self.now()
        if car.wakes_at is not None and now >= car.wakes_at:
            self._wake_up(car, behaviour, now)
        physics.advance(car, now=now, speed=self.speed)
        if behaviour.offline or car.online == "offline":
            state = "offline"
        elif car.online == "asleep" or (behaviour.asleep and car.woken_generation != behaviour.asleep):
            state = "asleep"
        else:
            car.last_known = None
            return "online"
        if car.last_known is None:
            car.last_known, car.last_known_at = read_signals(car), now
        return state

    def begin_wake(self, car: Car, behaviour: Behaviour) -> None:
        if behaviour.wake_fails or car.wakes_at is not None:
            return
        car.wakes += 1
        car.wakes_at = self.now() + behaviour.wake_s
        self.changes += 1

    def _wake_up(self, car: Car, behaviour: Behaviour, now: float) -> None:
        physics.advance(car, now=now, speed=self.speed)
        car.wakes_at = None
        car.idle_s = 0.0
        car.woken_generation = behaviour.asleep
        if car.online == "asleep":
            car.online = "online"

    def set_car(self, car: Car, *, signals: dict[str, Any], online: str | None) -> None:
        """Set what is true; a car sent to sleep or out of reach is remembered as it was set."""
        self.look(car, self.behaviours.for_car(car.id))
        override_signals(car, signals)
        car.advanced_at = self.now()
        if online is not None:
            car.online = "online"
            car.idle_s, car.wakes_at, car.last_known = 0.0, None, None
            if online == "asleep":
                physics.fall_asleep(car, at=self.now())
            elif online == "offline":
                car.online = "offline"
                car.last_known, car.last_known_at = read_signals(car), self.now()
        self.changes += 1

    def set_behaviour(self, target: str, fields: dict[str, Any]) -> None:
        self.behaviours.merge(target, fields)
        if not {"asleep", "offline"}.isdisjoint(fields):
            # What the cloud last knew is what held when the setting began, not when somebody first looks.
            for car in self.garage if target == EVERY_CAR else filter(None, [self.garage.find(target)]):
                self.look(car, self.behaviours.for_car(car.id))

    def behaviour_of_account(self, account: Account) -> list[Behaviour]:
        return [self.behaviours.for_all(), *(self.behaviours.for_car(car.id) for car in self.cars_of(account.id))]

    def cars_of(self, account_id: str) -> list[Car]:
        return self.garage.list_of_account(account_id)

    def access_token_life_s(self, account: Account) -> float:
        lives = [behaviour.access_token_s for behaviour in self.behaviour_of_account(account)]
        return min((life for life in lives if life != PLAIN.access_token_s), default=PLAIN.access_token_s)

    # Commands

    def act(self, car: Car, command: str, parameters: dict[str, Any], entry: Entry) -> None:
        COMMANDS[command].act(car, parameters)
        car.idle_s = 0.0
        entry.executed_at = self.now()
        self.changes += 1

    def keep_reference(self, car: Car, *, status: str, entry: Entry | None) -> Reference:
        reference = Reference(secrets.token_hex(12), car.account_id, status, entry=entry)
        self.references[reference.ref] = reference
        if len(self.references) > KEPT_REFERENCES:
            self.references.popitem(last=False)
        return reference

    def act_later(
        self, car: Car, command: str, parameters: dict[str, Any], reference: Reference, delay_s: float
    ) -> None:
        effect = PendingEffect(reference.ref, command, parameters, self.now() + delay_s)
        car.pending.append(effect)
        self.changes += 1
        self.schedule(car, effect)

    def schedule(self, car: Car, effect: PendingEffect) -> None:
        delay_s = max(effect.due_at - self.now(), 0.0)
        asyncio.get_running_loop().call_later(delay_s, self._carry_out, car, effect)

    def _carry_out(self, car: Car, effect: PendingEffect) -> None:
        """The car carries out what its cloud took before, if it still can."""
        if effect not in car.pending or self.garage.find(car.id) is not car:
            return
        car.pending.remove(effect)
        self.look(car, self.behaviours.for_car(car.id))
        reference = self.references.get(effect.ref)
        reason: str | None = None
        try:
            refuse_if_unable(car, effect.command, effect.parameters)
        except Refused as refusal:
            reason = refusal.reason
        else:
            COMMANDS[effect.command].act(car, effect.parameters)
            car.idle_s = 0.0
        self.changes += 1
        if reference is None:
            return
        reference.status = "done" if reason is None else "failed"
        reference.reason = reason
        if reference.entry is not None:
            reference.entry.outcome = "done" if reason is None else f"refused:{reason}"
            reference.entry.executed_at = self.now() if reason is None else None
