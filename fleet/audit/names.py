"""Names of people and vehicles that events speak of, looked up when they are shown: what was deleted is gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fleet.audit.sentences import SYSTEMS
from fleet.events import personal
from fleet.events.models import Event
from fleet.teams.models import User
from fleet.vehicles.models import Owner, Vehicle


@dataclass(frozen=True)
class Names:
    """The names that one page of events needs."""

    users: dict[str, str]
    owners: dict[str, str]
    vehicles: dict[UUID, Vehicle]
    personal: dict[str, str]

    def actor(self, actor: str) -> str:
        """Return who did it, in the reader's language."""
        kind, _sep, identity = actor.partition(":")
        if kind == "user":
            return self.person(identity)
        if kind == "owner":
            return self.owners.get(identity) or _("A vehicle owner")
        return str(SYSTEMS.get(identity, "Fleetwell"))

    def person(self, user_id: str) -> str:
        """Return a person's name, or a neutral word for one who is gone."""
        return self.users.get(user_id) or _("Somebody who is gone")


def names_for(events: Iterable[Event], *, team_id: UUID) -> Names:
    """Look up all names of some events of one team, in at most four queries."""
    users: set[str] = set()
    owners: set[str] = set()
    vehicles: set[UUID] = set()
    references: set[str] = set()
    for event in events:
        kind, _sep, identity = event.actor.partition(":")
        if kind in {"user", "owner"} and _is_uuid(identity):
            (users if kind == "user" else owners).add(identity)
        if _is_uuid(event.data.get("user")):
            users.add(event.data["user"])
        if event.vehicle_id is not None:
            vehicles.add(event.vehicle_id)
        references |= {value for value in event.data.values() if _is_personal(value)}
    # Whoever never was of this team has no name here, whatever an event says.
    people = User.objects.filter(id__in=users, membership__team_id=team_id).distinct() if users else []
    return Names(
        users={str(user.id): str(user) for user in people},
        owners={str(owner.id): owner.name for owner in Owner.objects.filter(id__in=owners, team_id=team_id)}
        if owners
        else {},
        vehicles={vehicle.id: vehicle for vehicle in Vehicle.objects.filter(id__in=vehicles, team_id=team_id)}
        if vehicles
        else {},
        personal=personal.read(references, team_id=team_id),
    )


def _is_uuid(text: Any) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _is_personal(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(personal.PREFIX)
