"""Thousands of commands of many kinds: accepting them, waiting for their end, and how long it took.

Import it after Django is set up, that is, while a rig is open.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from benchmarks.engine.rig import Rig
from benchmarks.engine.seeding import Car, Fleet
from commands.bulk import MAX_REQUESTS, Request, request_commands
from fleet.adapters.commands import (
    CloseChargePort,
    FlashLights,
    Lock,
    OpenChargePort,
    ResetPin,
    SendDestination,
    SetChargeLimit,
    SetTemperature,
    StartClimate,
    StopClimate,
)
from fleet.adapters.commands import Command as Order
from fleet.events.models import ClockTimestamp
from fleet.vehicles.models import VehicleSignal

# Repeatable ones (class A) in turn; every tenth command is one that may be sent once only (classes B, C and D).
REPEATABLE: tuple[Order, ...] = (
    Lock(),
    StopClimate(),
    SetChargeLimit(80),
    SetTemperature(21.5),
    CloseChargePort(),
    SetChargeLimit(70),
)
ONCE: tuple[Order, ...] = (
    StartClimate(),
    FlashLights(),
    SendDestination(48.1374, 11.5755),
    ResetPin(),
    OpenChargePort(),
)
EVERY_TENTH = 10
CAUSE = "job:00000000-0000-0000-0000-000000000000"
# With nothing in flight for so long the rest is not going to happen.
GIVE_UP_S = 600.0
UNSENT_AT_MOST = 0.005
LOOK_EVERY_S = 0.1
LEFT = """
SELECT EXISTS (SELECT 1 FROM commands_command WHERE state IN ('queued', 'claimed', 'sending') AND attempts >= 0),
       EXISTS (SELECT 1 FROM commands_command WHERE state IN ('sent', 'unknown'))
"""


@dataclass(frozen=True)
class Batch:
    """Commands accepted together: when that began, and when the dispatchers could see them."""

    team_id: UUID
    began_at: datetime
    released_at: datetime


@dataclass(frozen=True)
class Finished:
    """What became of a batch: the first permit to send, the last result, and every state with its number."""

    first_at: datetime
    last_at: datetime
    states: dict[str, int]

    @property
    def commands(self) -> int:
        return sum(self.states.values())

    @property
    def seconds(self) -> float:
        return (self.last_at - self.first_at).total_seconds()

    @property
    def per_second(self) -> float:
        return self.states.get("confirmed", 0) / self.seconds


def mix(number: int, *, turn: int = 0) -> list[Order]:
    """Return so many orders of all kinds; another turn gives every car another kind than the turn before."""
    return [
        ONCE[(n // EVERY_TENTH + turn) % len(ONCE)]
        if n % EVERY_TENTH == 0
        else REPEATABLE[(n + turn) % len(REPEATABLE)]
        for n in range(number)
    ]


def accept(fleet: Fleet, cars: Sequence[Car], orders: Sequence[Order]) -> Batch:
    """Queue one order for each car, as a job does, but all visible to the dispatchers at one moment.

    The cars count as just looked at, so that sending is measured; an order that may be sent once only looks again by
    itself when that is more than 5 s ago.
    """
    began_at = timezone.now()
    requests = [Request(car.vehicle_id, order) for car, order in zip(cars, orders, strict=True)]
    with transaction.atomic():
        for start in range(0, len(requests), MAX_REQUESTS):
            answers = request_commands(
                membership=fleet.membership,
                requests=requests[start : start + MAX_REQUESTS],
                origin="job",
                cause=CAUSE,
            )
            if refused := Counter(answer.code for answer in answers if answer.code):
                raise SystemExit(f"not all commands were accepted: {dict(refused)}")
        seen = VehicleSignal.objects.filter(vehicle__in=[car.vehicle_id for car in cars], signal="online_state")
        seen.update(observed_at=ClockTimestamp(), received_at=ClockTimestamp())
    return Batch(fleet.membership.team_id, began_at, timezone.now())


def wait_for_end(rig: Rig, *, within_s: float = GIVE_UP_S) -> None:
    """Wait until nothing is queued or on its way any more."""
    began = time.monotonic()
    with rig.admin() as connection:
        # Looking must cost nothing: only the partial indexes that hold what is not over.
        connection.execute("SET enable_seqscan = off")
        while connection.execute(LEFT).fetchone() != (False, False):
            rig.supervisor.check()
            if time.monotonic() - began > within_s:
                raise SystemExit(f"not all commands ended within {within_s:.0f} s; see {rig.home.folder}/log")
            time.sleep(LOOK_EVERY_S)


def look_back(rig: Rig, batch: Batch) -> Finished:
    """Say what became of a batch."""
    with rig.admin() as connection:
        rows = connection.execute(
            "SELECT state, count(*), min(permitted_at), max(finished_at) FROM commands_command "
            "WHERE team_id = %s AND accepted_at >= %s GROUP BY state",
            [batch.team_id, batch.began_at],
        ).fetchall()
    first = min((row[2] for row in rows if row[2] is not None), default=batch.released_at)
    return Finished(first, max(row[3] for row in rows), {row[0]: row[1] for row in rows})


def require_confirmed(finished: Finished, *, reached: int) -> None:
    """Refuse a figure in which more than a few commands ended other than confirmed, or any was sent twice.

    On a busy machine a permit may come too late to be used; what may be sent once only then ends refused, unsent.
    """
    confirmed = finished.states.get("confirmed", 0)
    if confirmed < finished.commands * (1 - UNSENT_AT_MOST) or reached != confirmed:
        raise SystemExit(f"not a valid run: {finished.states}, {reached} requests reached the cars")
