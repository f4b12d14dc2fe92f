"""The load: `python -m tests.chaos.load CONFIG` makes the fleet, says so, and presses until it is told to stop.

A process of its own that is never a target. Every operation is one line of its file, written when its answer is known
or known to be lost; what was lost is asked again with the same key, as a client would.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
import uuid
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import Error as DatabaseError  # noqa: E402
from django.db import connection  # noqa: E402

from commands.jobs.errors import TooLate as TooLateForJob  # noqa: E402
from commands.jobs.services import create_job, stop_job  # noqa: E402
from commands.services import CommandError, TooLate, cancel_command, request_command  # noqa: E402
from fleet.adapters.base import RemoteVehicle  # noqa: E402
from fleet.adapters.commands import KINDS, Command, make_command  # noqa: E402
from fleet.teams.models import Membership, User  # noqa: E402
from fleet.teams.roles import Role  # noqa: E402
from fleet.teams.services import add_member, remove_member  # noqa: E402
from fleet.vehicles.consent import withdraw_consent  # noqa: E402
from fleet.vehicles.filters import VehicleFilter  # noqa: E402
from fleet.vehicles.models import Vehicle, VehicleLink  # noqa: E402
from tests.chaos.browser import Browser, NoAnswer  # noqa: E402
from tests.chaos.fleet import PASSWORD, Car, Fleet, join, make_fleet  # noqa: E402
from tests.chaos.maker import NOTHING, Maker, misbehaviour  # noqa: E402
from tests.chaos.records import Operation  # noqa: E402

SERVICE_PRESSERS = 5
BROWSERS = 2
# Seconds between two presses of one presser, on average.
SERVICE_PAUSE_S = 0.25
BROWSER_PAUSE_S = 1.0
TRIES = 6


@dataclass
class Load:
    """What all the threads share."""

    fleet: Fleet
    maker: Maker
    port: int
    operations: Path
    seed: int
    stop: threading.Event = field(default_factory=threading.Event)
    recent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=60))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, operation: Operation) -> None:
        with self._lock, self.operations.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(operation)) + "\n")

    def run(self) -> None:
        """Press until told to stop, then let every thread end what it is doing."""
        works: list[Callable[[random.Random], None]] = [self.press_by_service] * SERVICE_PRESSERS
        works += [self.press_by_browser] * BROWSERS
        works += [self.take_rights_away, self.misbehave, self.start_job]
        threads = [
            threading.Thread(target=self._keep_on, args=(work, random.Random(f"{self.seed} {number}")), daemon=True)
            for number, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep_on(self, work: Callable[[random.Random], None], chance: random.Random) -> None:
        while not self.stop.is_set():
            try:
                work(chance)
            except (DatabaseError, NoAnswer, OSError) as error:
                say(f"{work.__name__}: {type(error).__name__}: {error}")
                self.stop.wait(0.3)
            finally:
                connection.close()

    # Pressing through the service ---------------------------------------------------------------------------------

    def press_by_service(self, chance: random.Random) -> None:
        self.stop.wait(chance.expovariate(1 / SERVICE_PAUSE_S))
        car = chance.choice(self.fleet.cars)
        email = chance.choice(self.fleet.people[car.team_id])
        order = _draw_order(chance, car)
        command = self._press_until_known(car, email, order, uuid.uuid4().hex)
        if chance.random() < 0.15 and (opposite := _opposite(chance, car, order)) is not None:
            command = self._press_until_known(car, email, opposite, uuid.uuid4().hex) or command
        if command is not None and chance.random() < 0.12:
            self._cancel_by_service(command)

    def _press_until_known(self, car: Car, email: str, order: Command, key: str) -> str | None:
        for _ in range(TRIES):
            operation = self._press_once(car, email, order, key)
            self.note(operation)
            if operation.result != "info":
                return operation.command
            if self.stop.wait(0.4):
                break
        return None

    def _press_once(self, car: Car, email: str, order: Command, key: str) -> Operation:
        what = {"what": "press", "via": "service", "key": key, "vehicle": car.vehicle_id, "kind": order.kind}
        began_at = time.time()
        try:
            membership = Membership.objects.select_related("authority", "user", "team").get(
                team_id=car.team_id, user__email=email, ended_at=None
            )
            vehicle = Vehicle.objects.get(pk=car.vehicle_id)
            command = request_command(vehicle=vehicle, membership=membership, order=order, idempotency_key=key)
        except Membership.DoesNotExist:
            return Operation(**what, began_at=began_at, ended_at=time.time(), result="fail", code="no_member")
        except CommandError as error:
            return Operation(**what, began_at=began_at, ended_at=time.time(), result="fail", code=error.code)
        except DatabaseError as error:
            code = type(error).__name__
            return Operation(**what, began_at=began_at, ended_at=time.time(), result="info", code=code)
        finally:
            connection.close()
        self.recent.append((str(command.id), car.team_id))
        return Operation(**what, began_at=began_at, ended_at=time.time(), result="ok", command=str(command.id))

    def _cancel_by_service(self, command: str) -> None:
        began_at = time.time()
        result, code = "ok", ""
        try:
            cancel_command(command_id=uuid.UUID(command), actor="system:chaos")
        except TooLate as error:
            result, code = "fail", error.command.state
        except DatabaseError as error:
            result, code = "info", type(error).__name__
        self.note(Operation("cancel", "service", began_at, time.time(), result, code, command=command))

    # Pressing through the pages -----------------------------------------------------------------------------------

    def press_by_browser(self, chance: random.Random) -> None:
        car = chance.choice(self.fleet.cars)
        browser = self._browser_of(_one_person_of(self.fleet.people[car.team_id]))
        self.stop.wait(chance.expovariate(1 / BROWSER_PAUSE_S))
        order = _draw_order(chance, car)
        fields = browser.form_of(car.vehicle_id, order.kind)
        if fields is None:
            return
        values = {name: str(value) for name, value in (order.parameters() | order.secret_parameters()).items()}
        for _ in range(TRIES):
            operation = self._submit(browser, car, order.kind, fields | values | {"confirm": "1"})
            self.note(operation)
            if operation.result != "info" or self.stop.wait(0.4):
                break
        if chance.random() < 0.15 and self.recent:
            command, team = chance.choice(list(self.recent))
            self._cancel_by_browser(self._browser_of(_one_person_of(self.fleet.people[team])), command)

    def _browser_of(self, email: str) -> Browser:
        browsers = _browsers.__dict__.setdefault("by_email", {})
        if email not in browsers:
            browsers[email] = Browser(self.port, email, PASSWORD)
        return browsers[email]

    def _submit(self, browser: Browser, car: Car, kind: str, fields: dict[str, str]) -> Operation:
        what = {"what": "press", "via": "http", "vehicle": car.vehicle_id, "kind": kind}
        what["key"] = f"form:{fields['token']}"
        began_at = time.time()
        try:
            page = browser.press(car.vehicle_id, kind, fields)
        except NoAnswer as error:
            return Operation(**what, began_at=began_at, ended_at=time.time(), result="info", code=str(error))
        is_accepted = page.status == 302 and page.location == f"/vehicles/{car.vehicle_id}/"
        result, code = ("ok", "") if is_accepted else ("fail", f"{page.status} {page.location}"[:80])
        return Operation(**what, began_at=began_at, ended_at=time.time(), result=result, code=code)

    def _cancel_by_browser(self, browser: Browser, command: str) -> None:
        began_at = time.time()
        try:
            page = browser.cancel(command)
            result = "ok" if page.status == 302 else "fail"
            code = str(page.status)
        except NoAnswer as error:
            result, code = "info", str(error)
        self.note(Operation("cancel", "http", began_at, time.time(), result, code, command=command))

    # Taking rights away, and cars that misbehave ------------------------------------------------------------------

    def take_rights_away(self, chance: random.Random) -> None:
        if self.stop.wait(chance.uniform(2.0, 5.0)):
            return
        car = chance.choice(self.fleet.cars)
        if chance.random() < 0.5:
            self._remove_and_return(chance, car.team_id)
        else:
            self._withdraw_and_rejoin(chance, car)

    def _remove_and_return(self, chance: random.Random, team_id: str) -> None:
        members = Membership.objects.select_related("team", "authority").filter(
            team_id=team_id, role=Role.MANAGER, ended_at=None
        )
        membership = chance.choice(list(members))
        began_at = time.time()
        remove_member(membership=membership, actor="system:chaos")
        subject = str(membership.authority_id)
        self.note(Operation("remove", "service", began_at, time.time(), "ok", subject=subject))
        self.stop.wait(chance.uniform(1.0, 3.0))
        self._insist(
            lambda: add_member(
                team=membership.team,
                user=User.objects.get(pk=membership.user_id),
                role=Role.MANAGER,
                actor="system:chaos",
            )
        )

    def _withdraw_and_rejoin(self, chance: random.Random, car: Car) -> None:
        link = VehicleLink.objects.select_related("connection__account__app", "vehicle", "team").get(
            vehicle_id=car.vehicle_id, ended_at=None
        )
        began_at = time.time()
        scope = KINDS[chance.choice(car.kinds)].scope
        withdraw_consent(link=link, scope=scope, actor="system:chaos")
        self.note(Operation("withdraw", "service", began_at, time.time(), "ok", code=scope, subject=str(link.id)))
        self.stop.wait(chance.uniform(1.0, 3.0))
        vehicle = link.vehicle
        remote = RemoteVehicle(
            car.car, vehicle.vin, vehicle.make, vehicle.model, vehicle.year, vehicle.powertrain, None, None
        )
        self._insist(lambda: join(link.connection, remote))

    def start_job(self, chance: random.Random) -> None:
        """Ask one thing of all cars of a team at once, and now and then stop it half-way."""
        if self.stop.wait(chance.uniform(6.0, 12.0)):
            return
        team_id = chance.choice(list(self.fleet.people))
        membership = Membership.objects.select_related("authority", "user", "team").get(
            team_id=team_id, role=Role.OWNER, ended_at=None
        )
        kind = chance.choice(["flash_lights", "set_temperature"])
        order = make_command(kind, {"temperature_c": 21.5} if kind == "set_temperature" else {})
        pace = chance.choice([None, 120, 600])
        job = create_job(membership=membership, cars=VehicleFilter(), order=order, pace_per_min=pace)
        if chance.random() < 0.3 and not self.stop.wait(chance.uniform(8.5, 11.0)):
            with suppress(TooLateForJob):
                stop_job(job_id=job.id, actor="system:chaos")

    def _insist(self, write: Callable[[], Any]) -> None:
        """A right that was taken away comes back, also when the database is away meanwhile."""
        for _ in range(100):
            try:
                write()
                return
            except DatabaseError as error:
                say(f"giving a right back: {type(error).__name__}")
                connection.close()
                time.sleep(0.3)

    def misbehave(self, chance: random.Random) -> None:
        """Tell one of the faulty cars to be difficult in another way."""
        if self.stop.wait(0.15):
            return
        car = chance.choice([car for car in self.fleet.cars if car.is_faulty])
        self.maker.behave(car.car, **misbehaviour(chance))

    def calm_cars(self) -> None:
        for car in {car.car for car in self.fleet.cars if car.is_faulty}:
            self.maker.behave(car, **NOTHING)


_browsers = threading.local()


def _one_person_of(people: list[str]) -> str:
    """Every thread is somebody else, and few people: sign-ins from one address are limited to 30 a minute."""
    return people[threading.get_ident() % len(people)]


def _draw_order(chance: random.Random, car: Car, kind: str | None = None) -> Command:
    kind = kind or chance.choice(car.kinds)
    match kind:
        case "set_charge_limit":
            return make_command(kind, {"limit_percent": chance.randrange(50, 101, 5)})
        case "set_temperature":
            return make_command(kind, {"temperature_c": chance.randrange(32, 56) / 2})
        case "send_destination":
            return make_command(kind, {"latitude": 52.4, "longitude": 10.8, "label": "Depot"})
        case "set_pin" | "enable_valet":
            # Always the same one of a car: valet mode refuses another PIN while it is on.
            return make_command(kind, {"pin": f"{zlib.crc32(car.car.encode()) % 10_000:04}"})
        case "start_engine":
            return make_command(kind, {"duration_min": 15})
    return make_command(kind, {})


def _opposite(chance: random.Random, car: Car, order: Command) -> Command | None:
    others = [kind for kind in car.kinds if kind != order.kind and KINDS[kind].family == order.family]
    return _draw_order(chance, car, others[0]) if others else None


def say(words: str) -> None:
    sys.stdout.write(f"{time.time():.3f} {words}\n")
    sys.stdout.flush()


def main(config: dict[str, Any]) -> None:
    maker = Maker(config["simulator_port"])
    fleet = make_fleet(maker, config["provider_urls"])
    connection.close()
    load = Load(fleet, maker, config["web_port"], Path(config["operations"]), config["seed"])
    signal.signal(signal.SIGTERM, lambda *_: load.stop.set())
    made = Path(config["fleet"])
    unfinished = made.with_suffix(".unfinished")
    faulty = sorted({car.car for car in fleet.cars if car.is_faulty})
    unfinished.write_text(json.dumps({"initial": fleet.initial, "faulty": faulty, "links": len(fleet.cars)}))
    unfinished.rename(made)
    go = Path(config["go"])
    while not go.exists() and not load.stop.wait(0.05):
        pass
    if not load.stop.is_set():
        load.run()
        load.calm_cars()
    say("load ended")
    # Threads of the pool may still wait for a database that is away.
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
