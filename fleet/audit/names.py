"""Names of people and vehicles that events speak of, looked up when they are shown: what was deleted is gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from commands.alerts.models import Alert
from commands.alerts.words import TITLES, title_of
from connect.models import ShareLink
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
    # By the subject of the event.
    alerts: dict[str, str]
    share_links: dict[str, str]

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


def names_for(events: Iterable[Event], *, team_id: UUID | None) -> Names:
    """Look up all names of some events of one team, in at most six queries."""
    users: set[str] = set()
    owners: set[str] = set()
    vehicles: set[UUID] = set()
    references: set[str] = set()
    subjects: dict[str, set[UUID]] = {"alert": set(), "share_link": set()}
    for event in events:
        kind, _sep, identity = event.actor.partition(":")
        if kind in {"user", "owner"} and _is_uuid(identity):
            (users if kind == "user" else owners).add(identity)
        if _is_uuid(event.data.get("user")):
            users.add(event.data["user"])
        if event.vehicle_id is not None:
            vehicles.add(event.vehicle_id)
        about, _sep, subject_id = event.subject.partition(":")
        if about in subjects and _is_uuid(subject_id):
            subjects[about].add(UUID(subject_id))
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
        alerts=_alerts(subjects["alert"], team_id),
        share_links=_share_links(subjects["share_link"], team_id),
    )


def _alerts(ids: set[UUID], team_id: UUID | None) -> dict[str, str]:
    found = Alert.objects.filter(id__in=ids, team_id=team_id).select_related("command") if ids else []
    # With the command it is about: "Not proved (Unlock)".
    return {
        f"alert:{alert.id}": f"{TITLES[alert.kind]} ({title_of(alert)})" if alert.command else str(TITLES[alert.kind])
        for alert in found
    }


def _share_links(ids: set[UUID], team_id: UUID | None) -> dict[str, str]:
    found = ShareLink.objects.filter(id__in=ids, team_id=team_id) if ids else []
    return {f"share_link:{link.id}": link.label for link in found if link.label}


def _is_uuid(text: Any) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


def _is_personal(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(personal.PREFIX)
