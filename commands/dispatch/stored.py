"""What is known without asking a maker: readings that came another way, reports that came by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from commands.dispatch.store import Check
from commands.models import Command
from fleet.adapters.commands import KINDS
from fleet.adapters.signals import Reading
from fleet.budgets.wakes import check_12v
from fleet.vehicles.models import VehicleSignal


@dataclass(frozen=True)
class Stored:
    """One command's evidence at hand. has_report: the maker said by itself that it is done."""

    reading: Reading | None
    received_at: datetime | None
    has_report: bool


def load_stored(checks: Iterable[Check]) -> dict[UUID, Stored]:
    """Return what is at hand for each command, in two queries whatever their number."""
    checks = list(checks)
    signals = {KINDS[check.kind].signal for check in checks} - {None}
    rows = VehicleSignal.objects.filter(vehicle_id__in={check.vehicle_id for check in checks}, signal__in=signals)
    latest = {(row.vehicle_id, row.signal): row for row in rows}
    reported = set(
        Command.objects.filter(pk__in=[check.id for check in checks]).exclude(evidence="").values_list("id", flat=True)
    )
    found = {}
    for check in checks:
        row = latest.get((check.vehicle_id, KINDS[check.kind].signal or ""))
        reading = Reading(row.value, row.observed_at) if row is not None else None
        found[check.id] = Stored(reading, row.received_at if row is not None else None, check.id in reported)
    return found


def why_not_wake(vehicle_id: UUID) -> str:
    """Say why nobody but a person may wake a car, by the last reading of its 12 V battery; "" when it may."""
    rows = VehicleSignal.objects.filter(vehicle_id=vehicle_id, signal="battery_12v_v")
    return check_12v({row.signal: (row.value, row.observed_at) for row in rows}, at=timezone.now())
