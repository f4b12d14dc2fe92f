"""Whom somebody means by a name, by a part of it or of an address: the people and vehicle owners of one team."""

import re
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from fleet.teams.models import User
from fleet.vehicles.models import Owner

SYSTEM = "system"
# What nobody did is asked for by this word, in every language.
OURSELVES = "Fleetwell"
# More than that is no choice; who looks for one of them types more.
MOST_FOUND = 20
ENOUGH = MOST_FOUND + 1
ADDRESS = re.compile(r"<([^<>]+)>\s*$")


@dataclass(frozen=True)
class Person:
    """Somebody who acts in the log. label: typed again, it finds the same one, unless two owners are called alike."""

    actor: str
    label: str


def find_people(text: str, *, team_id: UUID) -> list[Person]:
    """Return whom a text means, members who left too; one more than MOST_FOUND when there are more.

    An actor's own name ("user:<id>"), a whole name or a whole address leave no doubt; else every part counts.
    """
    if text.casefold() in {SYSTEM, OURSELVES.casefold()}:
        return [Person(SYSTEM, OURSELVES)]
    kind, _sep, identity = text.partition(":")
    if kind in {"user", "owner"} and (found := _as_uuid(identity)) is not None:
        return _by_id(kind, found, team_id)
    address = ADDRESS.search(text)
    wanted = address[1] if address else text
    whole = _search(Q(name__iexact=wanted) | Q(email__iexact=wanted), Q(name__iexact=wanted), team_id)
    return whole or _search(Q(name__icontains=wanted) | Q(email__icontains=wanted), Q(name__icontains=wanted), team_id)


def _by_id(kind: str, identity: UUID, team_id: UUID) -> list[Person]:
    if kind == "user":
        return _search(Q(id=identity), Q(pk__in=[]), team_id)
    # What an owner did stays to be asked for when their name is gone.
    return _search(Q(pk__in=[]), Q(id=identity), team_id) or [Person(f"owner:{identity}", _("A vehicle owner"))]


def _search(user: Q, owner: Q, team_id: UUID) -> list[Person]:
    users = User.objects.filter(user, membership__team_id=team_id).distinct().order_by("name", "email")
    owners = Owner.objects.filter(owner, team_id=team_id).order_by("name", "id")
    people = [Person(row.actor, f"{row.name} <{row.email}>" if row.name else row.email) for row in users[:ENOUGH]]
    people += [Person(f"owner:{row.id}", row.name or _("A vehicle owner")) for row in owners[:ENOUGH]]
    return people[:ENOUGH]


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
