"""What the tests of commands share: press, carry in this process, and ask what really reached the car."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db.models import F

from commands.dispatch.reconcile import reconcile_due
from commands.dispatch.runner import Dispatcher
from commands.dispatch.store import Job, Store, Wanted
from commands.models import Command
from commands.services import request_command
from fleet.adapters.commands import Command as Order
from fleet.events.models import Event
from fleet.run.processes import wait_until
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp, VehicleLink, VehicleSignal
from fleet.vehicles.providers import ensure_simulator
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET, Simulator

GIVE_UP_S = 20.0


@dataclass(frozen=True)
class Car:
    """A simulated car: how it shall behave, and what its ledger says."""

    simulator: Simulator
    id: str

    def behave(self, **fields: Any) -> None:
        self.simulator.behaviour(car=self.id, **fields)

    def behave_again(self) -> None:
        self.simulator.clear_behaviour(car=self.id)

    def set(self, **state: Any) -> None:
        self.simulator.set_car(self.id, **state)

    @property
    def locked(self) -> bool:
        return self.simulator.car(self.id)["signals"]["locked"]

    def requests(self) -> list[str]:
        """The commands that reached the car, in order; wakes are not among them."""
        return [entry["command"] for entry in self.simulator.ledger(car=self.id)]

    def wakes(self) -> int:
        return self.simulator.count(car=self.id, command="wake")

    def executed(self) -> list[str]:
        return [entry["command"] for entry in self.simulator.ledger(car=self.id) if entry["executed_at"]]

    def intervals(self) -> list[tuple[datetime, datetime]]:
        """From arrival to answer of every command, in order of arrival."""
        entries = self.simulator.ledger(car=self.id)
        return [
            (datetime.fromisoformat(entry["received_at"]), datetime.fromisoformat(entry["answered_at"]))
            for entry in entries
        ]


def car_of(link: VehicleLink, simulator: Simulator) -> Car:
    return Car(simulator, link.provider_vehicle_id)


def forget_state(*links: VehicleLink) -> None:
    """Let time pass for what is known of these cars: as if they had been asked an hour ago."""
    known = VehicleSignal.objects.filter(vehicle_id__in=[link.vehicle_id for link in links])
    known.update(received_at=F("received_at") - timedelta(hours=1), observed_at=F("observed_at") - timedelta(hours=1))


async def claim(store: Store, n: int) -> list[Job]:
    """Claim up to n commands of each team and provider that have some ready."""
    return await store.claim(lambda turns: [Wanted(turn, rank, n) for turn in turns for rank in (0, 1)])


def press(link: VehicleLink, order: Order, *, by: Membership | None = None, **options: Any) -> Command:
    """Request a command as the owner of the team, or as somebody else."""
    if by is None:
        memberships = Membership.objects.select_related("authority", "user", "team")
        by = memberships.get(team_id=link.team_id, role="owner")
    return request_command(vehicle=link.vehicle, membership=by, order=order, **options)


def carry(
    command: Command | None = None, *, until: Iterable[str] = (), linger_s: float = 0.1, stop_grace_s: float = 5.0
) -> int:
    """Run a dispatcher in this thread until nothing is left to do, or until `command` is in one of these states."""
    with ExitStack() as stack:
        wanted = set(until)
        watch = stack.enter_context(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))

        def is_there() -> bool:
            return command is not None and bool(wanted) and _state(watch, command.id) in wanted

        dispatcher = Dispatcher(window=50, linger_s=linger_s, stop_grace_s=stop_grace_s, is_stopping=is_there)
        return asyncio.run(dispatcher.run())


def _state(watch: psycopg.Connection[Any], command_id: UUID) -> str:
    row = watch.execute("SELECT state FROM commands_command WHERE id = %s", [command_id]).fetchone()
    assert row is not None
    return row[0]


def reconcile(*commands: Command) -> int:
    """Look for the effect of these commands now, as the reconciler does when their time has come."""
    ids = [command.id for command in commands]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("UPDATE commands_command SET next_check_at = now() WHERE id = ANY(%s)", [ids])
    return asyncio.run(reconcile_due())


def known(command: Command) -> tuple[str, str, str, str]:
    """What we say of a command now: state, evidence, error code, reason."""
    command.refresh_from_db()
    return command.state, command.evidence, command.error_code, command.error_reason


def way(command: Command) -> list[str]:
    """The states that a command went through, from the log."""
    kinds = Event.objects.filter(subject=f"command:{command.id}").order_by("id").values_list("kind", flat=True)
    return [kind.removeprefix("command.") for kind in kinds]


def make_dispatchers_silent(as_owner: psycopg.Connection[Any]) -> None:
    """Let time pass for the signs of life of every dispatcher, as if all had fallen silent a minute ago."""
    as_owner.execute("UPDATE commands_dispatcher SET seen_at = seen_at - interval '1 minute'")


def age(as_owner: psycopg.Connection[Any], command: Command, minutes: int) -> None:
    """Let time pass for the search for evidence: as if the answer had come so many minutes ago."""
    as_owner.execute(
        "UPDATE commands_command SET answered_at = answered_at - make_interval(mins => %s) WHERE id = %s",
        [minutes, command.id],
    )


def end_time_of(as_owner: psycopg.Connection[Any], command: Command) -> None:
    """Let a command's deadline pass."""
    as_owner.execute(
        "UPDATE commands_command SET deadline = accepted_at + interval '1 microsecond' WHERE id = %s", [command.id]
    )


def may_be_tried_again(command: Command) -> None:
    """Let the time pass that a command given back has to wait."""
    Command.objects.filter(pk=command.pk).update(ready_at=F("accepted_at"))


@contextmanager
def carrying(**options: Any) -> Iterator[None]:
    """Run a dispatcher beside the test, and wait for its end; for what changes while a command is on its way."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(carry, **options)
        yield
        running.result(timeout=GIVE_UP_S * 2)


def wait_for(command: Command, *states: str, waking: bool = False) -> None:
    """Wait until a command is in one of these states; waking: and its car is being woken."""

    def is_there() -> bool:
        command.refresh_from_db()
        return command.state in states and command.is_waking >= waking

    assert wait_until(is_there, within_s=GIVE_UP_S), f"{command} is {command.state}, not {states}"


def point_maker_at(url: str) -> ProviderApp:
    """Let the simulator's registration speak to another address."""
    return ensure_simulator(url=url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


@contextmanager
def undone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Whatever is done inside is rolled back."""
    with connection.transaction(force_rollback=True):
        yield
