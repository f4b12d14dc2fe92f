"""Who hears of what: by permission and by reach, from a batch of events and the members as they are now."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from commands.jobs.models import Job
from commands.models import Command
from fleet.events.models import Event
from fleet.notifications.kinds import Hears, audience_of
from fleet.teams.access import with_rights
from fleet.teams.models import Membership, User
from fleet.teams.roles import PRESETS, Permission
from fleet.vehicles.models import GroupedVehicle, VehicleLink


@dataclass(frozen=True)
class News:
    """One event for one person. needs: the permission under which they hear of it; "" for membership alone."""

    event: Event
    user_id: UUID
    team_id: UUID | None
    needs: str = ""
    vehicle_ids: tuple[UUID, ...] = ()


class Audiences:
    """Finds everybody whom some events concern; what the rules ask for is looked up for all of them at once."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._askers = _askers_of(events)
        self._vehicles = _vehicles_of(events)
        self._groups = _groups_of(self._vehicles)
        self._members = _members_of(events, set(self._askers.values()))
        # Asked for each event and member of a storm: a role is made into rights once.
        self._rights = {one.id: one.rights.permissions for several in self._members.values() for one in several}
        people = {identity for event in events if event.team_id is None and (identity := _id_in(event.subject))}
        self._people = set(User.objects.filter(id__in=people, is_active=True).values_list("id", flat=True))

    def news(self) -> Iterator[News]:
        """Yield who hears of what. Nobody is told of their own act, but for those that touch their account."""
        for event in self._events:
            if audience_of(event.kind).hears is Hears.PERSON:
                person = _id_in(event.subject)
                if event.team_id is None and person in self._people:
                    yield News(event, person, None)
                continue
            for news in self._of_team(event):
                if event.actor != f"user:{news.user_id}":
                    yield news

    def _of_team(self, event: Event) -> Iterator[News]:
        if event.team_id is None:
            return
        audience = audience_of(event.kind)
        members = self._members[event.team_id]
        if audience.hears is Hears.ASKER:
            asker = next((one for one in members if one.user_id == self._askers.get(event.subject)), None)
            told = self._news(event, asker, Permission.VIEW) if asker is not None else None
            if told is not None:
                yield told
                return
        for member in members:
            if audience.hears is Hears.EVERYBODY:
                yield News(event, member.user_id, event.team_id)
                continue
            told = self._news(event, member, audience.permission) if audience.permission else None
            if told is None and audience.with_subject and str(member.user_id) == event.data.get("user"):
                told = News(event, member.user_id, event.team_id)
            if told is not None:
                yield told

    def _news(self, event: Event, member: Membership, permission: Permission) -> News | None:
        if permission not in self._rights[member.id]:
            return None
        about = self._vehicles.get((event.team_id, _about(event)), ())
        reached = tuple(vehicle_id for vehicle_id in about if self._reaches(member, vehicle_id))
        if about and not reached:
            return None
        return News(event, member.user_id, event.team_id, permission.value, reached)

    def _reaches(self, member: Membership, vehicle_id: UUID) -> bool:
        if member.reaches_all or vehicle_id in member.vehicle_ids:
            return True
        return bool(self._groups[vehicle_id] & set(member.group_ids))


def _about(event: Event) -> Any:
    """Return what an event is about, as _vehicles_of keeps it: the vehicle, else the subject."""
    return event.vehicle_id or event.subject


def _id_in(named: str) -> UUID | None:
    """Return the id in "job:<id>"; None where there is none."""
    try:
        return UUID(named.partition(":")[2])
    except ValueError:
        return None


def _askers_of(events: list[Event]) -> dict[str, UUID]:
    """Return who asked for the commands and jobs that events are about, by the event's subject."""
    askers: dict[str, UUID] = {}
    asked = [event for event in events if audience_of(event.kind).hears is Hears.ASKER]
    teams = {event.team_id for event in asked}
    for word, model in (("command", Command), ("job", Job)):
        ids = {_id_in(event.subject) for event in asked if event.subject.startswith(f"{word}:")} - {None}
        if ids:
            rows = model.objects.filter(id__in=ids, team_id__in=teams, user_id__isnull=False)
            askers |= {f"{word}:{row_id}": user_id for row_id, user_id in rows.values_list("id", "user_id")}
    return askers


def _vehicles_of(events: list[Event]) -> dict[tuple[UUID | None, Any], tuple[UUID, ...]]:
    """Return the vehicles that events are about: their own, or those that a broken account at a maker leads to."""
    found: dict[tuple[UUID | None, Any], tuple[UUID, ...]] = {
        (event.team_id, event.vehicle_id): (event.vehicle_id,) for event in events if event.vehicle_id is not None
    }
    broken = [event for event in events if event.subject.startswith("account:")]
    if broken:
        links = VehicleLink.objects.filter(
            team_id__in={event.team_id for event in broken},
            connection__account_id__in={_id_in(event.subject) for event in broken} - {None},
            ended_at__isnull=True,
        )
        of_account: dict[tuple[UUID, str], set[UUID]] = defaultdict(set)
        for team_id, account_id, vehicle_id in links.values_list("team_id", "connection__account_id", "vehicle_id"):
            of_account[team_id, f"account:{account_id}"].add(vehicle_id)
        found |= {key: tuple(sorted(ids)) for key, ids in of_account.items()}
    return found


def _groups_of(vehicles: dict[tuple[UUID | None, Any], tuple[UUID, ...]]) -> dict[UUID, set[UUID]]:
    groups: dict[UUID, set[UUID]] = defaultdict(set)
    ids = {vehicle_id for several in vehicles.values() for vehicle_id in several}
    if ids:
        grouped = GroupedVehicle.objects.filter(vehicle_id__in=ids, team_id__in={team_id for team_id, _ in vehicles})
        for vehicle_id, group_id in grouped.values_list("vehicle_id", "group_id"):
            groups[vehicle_id].add(group_id)
    return groups


def _members_of(events: list[Event], askers: set[UUID]) -> dict[UUID, list[Membership]]:
    """Return by team the members whom events may concern: not the thousands of drivers whom they don't."""
    members: dict[UUID, list[Membership]] = defaultdict(list)
    named = {found for event in events if (found := _id_in(f"user:{event.data.get('user')}"))}
    concerned = Q(user_id__in=askers | named)
    for permission in {audience_of(event.kind).permission for event in events} - {None}:
        presets = [role for role, rights in PRESETS.items() if rights.may(permission)]  # type: ignore[arg-type]
        concerned |= Q(role__in=presets) | Q(custom_role__permissions__contains=[permission])
    everybody = {event.team_id for event in events if audience_of(event.kind).hears is Hears.EVERYBODY}
    concerned |= Q(team_id__in=everybody - {None})
    teams = {event.team_id for event in events} - {None}
    rows = with_rights().filter(concerned, team_id__in=teams, ended_at__isnull=True, user__is_active=True)
    for membership in rows.order_by("created_at") if teams else ():
        members[membership.team_id].append(membership)
    return members
