"""Rows of the bell and of letters as people read them: a sentence, and where it leads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from commands.jobs.models import Job
from commands.words import LABELS
from fleet.notifications.kinds import KINDS, NoticeKind
from fleet.notifications.models import Told
from fleet.notifications.words import MANY, ONE, OWN_ROLE, TONES
from fleet.teams.models import Membership, Team, User
from fleet.teams.roles import Permission, Role
from fleet.vehicles.access import reach_of
from fleet.vehicles.models import Vehicle


@dataclass(frozen=True)
class Entry:
    """One row for people. url: where to look; team: None for what is about the account."""

    row: Any
    kind: NoticeKind
    says: str
    url: str
    team: Team | None

    @property
    def tone(self) -> str:
        return "" if self.row.event_kind == "team.reopened" else TONES.get(self.row.kind, "")

    @property
    def is_unread(self) -> bool:
        return self.row.read_at is None


@dataclass(frozen=True)
class _Names:
    """What the rows of one page name, looked up for all of them in a few queries."""

    teams: dict[UUID | None, Membership]
    people: dict[str, str]
    vehicles: dict[UUID, Vehicle]
    jobs: dict[str, str]


class _Number(int):
    """A number that chooses the form of the sentence, and stands in it as the reader writes it."""

    def __str__(self) -> str:
        return number_format(int(self))


def entries_of(rows: Sequence[Told], memberships: Collection[Membership]) -> list[Entry]:
    """Tell rows of one person in the language that is active. A kind of a later version is left out."""
    names = _names_for(rows, memberships)
    return [_entry(row, names) for row in rows if row.kind in KINDS and row.event_kind in ONE]


def _entry(row: Told, names: _Names) -> Entry:
    membership = names.teams.get(row.team_id)
    return Entry(row, KINDS[row.kind], _say(row, names), _url(row, membership), membership.team if membership else None)


def _say(row: Told, names: _Names) -> str:
    membership = names.teams.get(row.team_id)
    data = row.data
    values = {
        "team": str(membership.team) if membership else "",
        "actor": names.people.get(row.actor) or _("Somebody"),
        "person": names.people.get(f"user:{data.get('user')}") or _("Somebody"),
        "role": _role(data),
        "command": LABELS.get(data.get("kind") or names.jobs.get(row.subject, ""), _("A command")),
        "commands": ", ".join(str(LABELS.get(kind, kind)) for kind in data.get("commands", ())) or _("a command"),
        "vehicle": _vehicle(row, names),
        "browser": " · ".join(filter(None, (data.get("browser"), data.get("system")))) or _("unknown"),
    }
    if row.count > 1:
        sentence: Any = MANY[row.kind]
        return str(sentence % {**values, "count": _Number(row.count)})
    is_own_role = row.event_kind == "member.role_changed" and data.get("user") == str(row.user_id)
    return str(OWN_ROLE if is_own_role else ONE[row.event_kind]) % values


def _vehicle(row: Told, names: _Names) -> str:
    seen = [names.vehicles[vehicle_id] for vehicle_id in row.vehicle_ids if vehicle_id in names.vehicles]
    if not seen:
        return _("A vehicle")
    first = seen[0].plate or seen[0].title
    more = len(row.vehicle_ids) - 1
    return first if not more else _("%(vehicle)s and %(more)s more") % {"vehicle": first, "more": number_format(more)}


def _role(data: dict[str, Any]) -> str:
    if data.get("role") in set(Role.values) - {Role.CUSTOM}:
        return str(Role(data["role"]).label)
    return str(data.get("name") or Role.CUSTOM.label)


def _url(row: Told, membership: Membership | None) -> str:
    """Return where a row leads: to the one thing, or to the list of several; only where the reader may go."""
    identity = row.subject.partition(":")[2]
    is_one = row.count == 1 and _is_uuid(identity)
    if row.kind in {"account", "linked"}:
        return reverse("mfa_index") if "factor" in row.event_kind else reverse("account_home")
    if row.kind == "device":
        return reverse("usersessions_list")
    if row.kind == "command":
        return reverse("commands:detail", args=[identity]) if is_one else reverse("alerts:list")
    if row.kind == "job":
        return reverse("jobs:detail", args=[identity]) if is_one else reverse("jobs:list")
    if row.kind == "connection" and membership is not None and membership.may(Permission.CONNECT):
        state = "ends_soon" if row.event_kind == "connection.expiring" else "needs_owner"
        return reverse("connect:connections") + (f"?state={state}" if row.count == 1 else "")
    for kinds, permission, name in (
        ({"joined", "member"}, Permission.MEMBERS, "members:list"),
        ({"key"}, Permission.CONNECT, "connect:links"),
        ({"team"}, Permission.TEAM, "teams:settings"),
        ({"ability"}, Permission.VIEW, "compatibility:my_cars"),
    ):
        if row.kind in kinds and membership is not None and membership.may(permission):
            return reverse(name)
    return reverse("vehicles:list")


def _names_for(rows: Sequence[Told], memberships: Collection[Membership]) -> _Names:
    teams: dict[UUID | None, Membership] = {membership.team_id: membership for membership in memberships}
    actors = {row.actor for row in rows} | {f"user:{row.data['user']}" for row in rows if row.data.get("user")}
    people = {name.partition(":")[2] for name in actors if name.startswith("user:") and _is_uuid(name[5:])}
    vehicles = {vehicle_id for row in rows for vehicle_id in row.vehicle_ids}
    jobs = {row.subject.partition(":")[2] for row in rows if row.kind == "job" and _is_uuid(row.subject[4:])}
    return _Names(
        teams=teams,
        people=_people(people, teams) if people and teams else {},
        vehicles=_vehicles(vehicles, memberships) if vehicles and teams else {},
        jobs=_jobs(jobs, teams) if jobs and teams else {},
    )


def _people(ids: set[str], teams: dict[UUID | None, Membership]) -> dict[str, str]:
    # Whoever never was of one of these teams has no name here, whatever an event says.
    found = User.objects.filter(id__in=ids, membership__team_id__in=list(teams)).distinct()
    return {user.actor: str(user) for user in found}


def _vehicles(ids: set[UUID], memberships: Collection[Membership]) -> dict[UUID, Vehicle]:
    seen = Q()
    for membership in memberships:
        if membership.may(Permission.VIEW):
            seen |= Q(reach_of(membership, "id"), team_id=membership.team_id)
    found = Vehicle.objects.filter(
        seen, id__in=ids, removed_at__isnull=True, team_id__in=[m.team_id for m in memberships]
    )
    return {vehicle.id: vehicle for vehicle in found}


def _jobs(ids: set[str], teams: dict[UUID | None, Membership]) -> dict[str, str]:
    rows = Job.objects.filter(id__in=ids, team_id__in=list(teams)).values_list("id", "kind")
    return {f"job:{job_id}": kind for job_id, kind in rows}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
