"""Lists of vehicles as people write them: number plates or VINs, one a line; read into ids, and written back."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from fleet.teams.models import Membership
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.models import Vehicle

SEPARATORS = re.compile(r"[\r\n,;]+")
MOST_NAMED = 5


@dataclass(frozen=True)
class ReadList:
    """The vehicles that a list names, and the entries that name none, or more than one."""

    vehicle_ids: Sequence[UUID]
    unknown: Sequence[str]
    ambiguous: Sequence[str]


def read_vehicles(membership: Membership, text: str) -> ReadList:
    """Find the vehicles of a list among those that a member reaches; however plates are spaced."""
    entries = [entry.strip() for entry in SEPARATORS.split(text) if entry.strip()]
    if not entries:
        return ReadList([], [], [])
    by_key: dict[str, set[UUID]] = {}
    for vehicle_id, *names in vehicles_of(membership).values_list("id", "plate", "vin", "name"):
        for name in (str(vehicle_id), *names):
            if name:
                by_key.setdefault(_key(name), set()).add(vehicle_id)
    found = {entry: by_key.get(_key(entry), set()) for entry in entries}
    return ReadList(
        vehicle_ids=list(dict.fromkeys(next(iter(ids)) for ids in found.values() if len(ids) == 1)),
        unknown=[entry for entry, ids in found.items() if not ids],
        ambiguous=[entry for entry, ids in found.items() if len(ids) > 1],
    )


def write_vehicles(membership: Membership, vehicle_ids: Collection[UUID]) -> str:
    """Return the list that names these vehicles, those that the member reaches."""
    return "\n".join(name_of(vehicle) for vehicle in _named(membership, vehicle_ids))


def _named(membership: Membership, vehicle_ids: Collection[UUID]) -> Iterable[Vehicle]:
    return vehicles_of(membership).filter(id__in=list(vehicle_ids)) if vehicle_ids else []


def name_of(vehicle: Vehicle) -> str:
    """Return how a list names a vehicle."""
    return vehicle.plate or vehicle.vin or vehicle.name or str(vehicle.id)


def _key(name: str) -> str:
    return re.sub(r"[\s-]+", "", name).lower()
