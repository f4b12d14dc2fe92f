"""What pages show of a car: its latest values with their age. None means that the car did not report it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from fleet.adapters.signals import SIGNALS
from fleet.vehicles.models import Vehicle, VehicleLink, VehicleSignal


@dataclass(frozen=True)
class Reading:
    """One value as the car gave it, with the car's own time."""

    value: Any
    observed_at: datetime
    source: str
    is_stale: bool


class Readings:
    """The latest readings of one vehicle; every signal of the vocabulary is an attribute, None when not reported."""

    def __init__(self, readings: dict[str, Reading]) -> None:
        self._readings = readings

    def __getattr__(self, name: str) -> Reading | None:
        if name.startswith("_") or name not in SIGNALS:
            raise AttributeError(name)
        return self._readings.get(name)

    def value(self, name: str) -> Any:
        """Return a signal's value, or None when it was not reported."""
        reading = self._readings.get(name)
        return None if reading is None else reading.value

    @property
    def newest_at(self) -> datetime | None:
        """Return when the car last said anything; how it can be reached is the maker's word, not the car's."""
        times = [reading.observed_at for name, reading in self._readings.items() if name != "online_state"]
        return max(times, default=None)

    @property
    def is_empty(self) -> bool:
        return not self._readings


@dataclass(frozen=True)
class VehicleRow:
    """One line of the vehicles list. link_status: "ok", "needs_owner" or "ended"."""

    vehicle: Vehicle
    state: Readings
    link_status: str


def readings_of(vehicle: Vehicle) -> Readings:
    """Return the latest readings of one vehicle, in one query."""
    return _readings(VehicleSignal.objects.filter(vehicle=vehicle))


def rows_of(vehicles: Iterable[Vehicle]) -> list[VehicleRow]:
    """Return list rows for vehicles, in two queries whatever their number."""
    vehicles = list(vehicles)
    signals: dict[UUID, list[VehicleSignal]] = {vehicle.id: [] for vehicle in vehicles}
    for signal in VehicleSignal.objects.filter(vehicle__in=vehicles):
        signals[signal.vehicle_id].append(signal)
    links = VehicleLink.objects.filter(vehicle__in=vehicles, ended_at__isnull=True).select_related(
        "connection__account"
    )
    statuses = {link.vehicle_id: link_status(link) for link in links}
    return [
        VehicleRow(vehicle, _readings(signals[vehicle.id]), statuses.get(vehicle.id, "ended")) for vehicle in vehicles
    ]


def link_status(link: VehicleLink | None) -> str:
    """Say in one word whether a car can be reached: ok, needs_owner or ended."""
    if link is None or not link.is_live:
        return "ended"
    return "ok" if link.connection.account.status == "active" else "needs_owner"


def _readings(signals: Iterable[VehicleSignal]) -> Readings:
    now = timezone.now()
    return Readings(
        {
            row.signal: Reading(
                row.value,
                row.observed_at,
                row.source,
                is_stale=now - row.observed_at > timedelta(minutes=SIGNALS[row.signal].stale_after_min),
            )
            for row in signals
            if row.signal in SIGNALS
        }
    )
