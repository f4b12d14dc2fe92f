"""Which commands the cars of a team can do and which they can't: its cars by kind, each kind answered once.

A kind is all that the answers rest on: make, model, year, engine, country, provider, and what the maker said of the
car. Thousands of cars are a few kinds; the database brings them together, so that a page costs what the kinds cost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, NullIf

from compatibility.answers import Answer, answers_for
from compatibility.measured import Asked, Measured, disagreement, measured_for
from compatibility.words import ABILITIES, CONTROLS
from fleet.teams.models import Membership
from fleet.vehicles.access import reach_of
from fleet.vehicles.models import Connection, Vehicle, VehicleLink

# Beyond this a fleet has no kinds but cars; what is left out is said.
MOST_KINDS = 1_000

# What the maker said of a car, without the time at which it was asked: equal for cars that can do the same.
SAID = """(SELECT coalesce(md5(string_agg(
    said.key || ' ' || coalesce(said.value ->> 'answer', '') || ' ' || coalesce(said.value ->> 'why', ''), ','
    ORDER BY said.key)), '') FROM jsonb_each(vehicles_vehiclelink.capabilities) AS said)"""
FACTS = ("make", "model", "year", "engine", "country", "provider", "said")
BY_KIND = """
SELECT {facts}, count(*) AS cars, (array_agg(id ORDER BY created_at DESC))[1] AS link
FROM ({links}) AS links GROUP BY {facts} ORDER BY cars DESC, {facts} LIMIT {most}
"""


@dataclass(frozen=True)
class Kind:
    """Cars of which everything that an answer rests on is equal. cars: how many; link_id: of one of them.

    key: names the kind in an address, for as long as nothing of it changes.
    """

    make: str
    model: str
    year: int | None
    engine: str
    country: str
    provider: str
    said: str
    cars: int
    link_id: UUID
    answers: dict[str, Answer]

    @property
    def key(self) -> str:
        facts = "\n".join(str(getattr(self, name)) for name in FACTS)
        return hashlib.sha256(facts.encode()).hexdigest()[:20]

    def asked(self, command: str) -> Asked:
        """Return the cell of measured runs that stands beside a command of these cars."""
        return Asked(self.provider, self.make, self.model, self.year, self.country, command)

    def contradictions(self, measured: Mapping[Asked, Measured]) -> list[str]:
        """Return the commands on which the layers disagree: the car's maker, what is declared, what runs have shown."""
        return [
            ability
            for ability, answer in self.answers.items()
            if answer.disagreement
            or (ability in CONTROLS and disagreement(answer.support, measured[self.asked(ability)]))
        ]


def links_of(membership: Membership, now: datetime) -> QuerySet[VehicleLink]:
    """Return for each car that a membership may see the link by which it is reached now, with the facts of its kind."""
    is_open = Q(connection__ends_at__isnull=True) | Q(connection__ends_at__gt=now)
    live = VehicleLink.objects.filter(
        is_open,
        reach_of(membership, "vehicle_id"),
        team_id=membership.team_id,
        ended_at__isnull=True,
        connection__status=Connection.Status.ACTIVE,
        vehicle__removed_at__isnull=True,
    )
    return (
        live.order_by("vehicle_id", "-created_at")
        .distinct("vehicle_id")
        .annotate(
            make=F("vehicle__make"),
            model=F("vehicle__model"),
            year=F("vehicle__year"),
            engine=F("vehicle__powertrain"),
            country=Coalesce(NullIf("vehicle__country", Value("")), "vehicle__team__country"),
            provider=F("connection__account__app__provider"),
            said=RawSQL(SAID, (), output_field=TextField()),  # noqa: S611 - a constant
        )
    )


def kinds_of(membership: Membership, now: datetime) -> list[Kind]:
    """Return the kinds of the cars that a membership may see, by make and model, with their answers; four queries."""
    rows = links_of(membership, now).values("id", "created_at", *FACTS)
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(BY_KIND.format(facts=", ".join(FACTS), links=sql, most=MOST_KINDS), parameters)
        found = cursor.fetchall()
    links = VehicleLink.objects.filter(team_id=membership.team_id, id__in=[row[-1] for row in found])
    answers = answers_for(links.select_related("vehicle__team", "connection__account__app"))
    kinds = [_kind(row, answers) for row in found]
    return sorted(kinds, key=lambda kind: (kind.make, kind.model, kind.year or 0, kind.engine, kind.country, kind.said))


def _kind(row: Sequence[Any], answers: Mapping[UUID, dict[str, Answer]]) -> Kind:
    *facts, cars, link_id = row
    return Kind(**dict(zip(FACTS, facts, strict=True)), cars=cars, link_id=link_id, answers=answers[link_id])


def find_kind(membership: Membership, key: str, now: datetime) -> Kind | None:
    """Return one kind by its key; None when the membership sees no such cars."""
    return next((kind for kind in kinds_of(membership, now) if kind.key == key), None)


def vehicles_of_kind(membership: Membership, kind: Kind, now: datetime) -> QuerySet[Vehicle]:
    """Return the cars of a kind, in the order of the list of vehicles."""
    rows = links_of(membership, now).values("vehicle_id", *FACTS)
    sql, parameters = rows.query.sql_with_params()
    is_same = " AND ".join(f"{name} IS NOT DISTINCT FROM %s" for name in FACTS)
    of_kind = f"SELECT vehicle_id FROM ({sql}) AS links WHERE {is_same}"  # noqa: S608 - names of our own
    same = RawSQL(of_kind, (*parameters, *(getattr(kind, name) for name in FACTS)))  # noqa: S611
    vehicles = Vehicle.objects.filter(team_id=membership.team_id, id__in=same)
    return vehicles.order_by("plate", "name", "make", "model", "id")


def count_unconnected(membership: Membership, now: datetime) -> int:
    """Return how many of the cars that a membership may see nobody reaches now: of these nothing is asked."""
    seen = Vehicle.objects.filter(reach_of(membership, "id"), team_id=membership.team_id, removed_at__isnull=True)
    connected = links_of(membership, now).order_by().distinct().values("vehicle_id")
    return seen.exclude(id__in=connected).count()


def measured_beside(membership: Membership, kinds: Sequence[Kind]) -> dict[Asked, Measured]:
    """Return what runs have shown of every command of some kinds, in three queries."""
    return measured_for(membership.team_id, [kind.asked(command) for kind in kinds for command in CONTROLS])


def letters_of(kind: Kind) -> str:
    """Return the answers as LineEntry keeps them: a letter for each of words.ABILITIES."""
    return "".join(kind.answers[ability].support.letter for ability in ABILITIES)
