"""Takes the data files over into the database: what is new is added, what is gone is ended, the rest is not touched."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction

from compatibility.lines import Said, lines_of_make
from compatibility.models import CarLine, DataLoad, Fact, LineEntry
from compatibility.reading import Dataset, Scope, Statement
from compatibility.words import Support, plain

logger = logging.getLogger(__name__)

# One load at a time, whichever process begins: "compat" in ASCII.
LOCK = 0x636F6D706174
BATCH = 2_000
Key = tuple[str, Scope, str, Support, str, date, str]


@dataclass(frozen=True)
class Outcome:
    """What a load did. facts: how many hold now."""

    facts: int
    added: int
    ended: int
    is_new: bool


def load(dataset: Dataset) -> Outcome:
    """Make the database say what the data set says, in one transaction; readers see the old data until it commits.

    The same data set a second time changes nothing. A fact that changed is ended and its successor added, so that the
    history tells what was said when.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        newest = DataLoad.objects.order_by("-id").first()
        if newest is not None and newest.digest == dataset.digest:
            return Outcome(newest.facts, 0, 0, is_new=False)
        held = {_key_of_fact(fact): fact.id for fact in Fact.objects.filter(ended=None).iterator(BATCH)}
        wanted = {_key_of(statement): statement for statement in dataset.statements}
        added = [statement for key, statement in wanted.items() if key not in held]
        gone = [fact_id for key, fact_id in held.items() if key not in wanted]
        this = DataLoad.objects.create(
            digest=dataset.digest,
            facts=len(wanted),
            added=len(added),
            ended=len(gone),
            is_first=newest is None,
        )
        for start in range(0, len(gone), BATCH):
            Fact.objects.filter(id__in=gone[start : start + BATCH]).update(ended=this)
        Fact.objects.bulk_create((_fact(statement, this) for statement in added), batch_size=BATCH)
        make_lines()
    logger.info("compatibility: %s facts, %s added, %s ended", len(wanted), len(added), len(gone))
    return Outcome(len(wanted), len(added), len(gone), is_new=True)


def make_lines() -> None:
    """Make the matrix anew from the facts that hold now."""
    by_make: dict[str, list[Said[int]]] = defaultdict(list)
    for fact in Fact.objects.filter(ended=None).order_by("id").iterator(BATCH):
        said = Said(fact.id, fact.provider, _scope(fact), fact.ability, Support(fact.support))
        by_make[fact.make].append(said)
    LineEntry.objects.all().delete()
    CarLine.objects.all().delete()
    for make in sorted(by_make, key=plain):
        _write_lines(make, by_make[make])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE compatibility_carline, compatibility_lineentry, compatibility_fact")


def _write_lines(make: str, said: list[Said[int]]) -> None:
    lines = list(lines_of_make(make, said))
    rows = CarLine.objects.bulk_create(
        (
            CarLine(
                make=make,
                make_key=plain(make),
                model=line.model,
                model_key=plain(line.model),
                engine=line.engine,
                year_from=line.year_from,
                year_to=line.year_to,
                is_named=line.is_named,
            )
            for line in lines
        ),
        batch_size=BATCH,
    )
    LineEntry.objects.bulk_create(
        (
            LineEntry(
                line=row,
                provider=entry.provider,
                countries=list(entry.countries),
                supports=entry.supports,
                fact_ids=[fact_id or 0 for fact_id in entry.ids],
            )
            for row, line in zip(rows, lines, strict=True)
            for entry in line.entries
        ),
        batch_size=BATCH,
    )


def _scope(fact: Fact) -> Scope:
    return Scope(fact.make, fact.model, fact.year_from, fact.year_to, fact.engine, tuple(fact.countries))


def _key_of_fact(fact: Fact) -> Key:
    return (
        fact.provider,
        _scope(fact),
        fact.ability,
        Support(fact.support),
        fact.condition,
        fact.as_of,
        fact.source,
    )


def _key_of(statement: Statement) -> Key:
    return (
        statement.provider,
        statement.scope,
        statement.ability,
        statement.support,
        statement.condition,
        statement.as_of,
        statement.source,
    )


def _fact(statement: Statement, this: DataLoad) -> Fact:
    scope = statement.scope
    return Fact(
        provider=statement.provider,
        make=scope.make,
        model=scope.model,
        year_from=scope.year_from,
        year_to=scope.year_to,
        engine=scope.engine,
        countries=list(scope.countries),
        ability=statement.ability,
        support=statement.support,
        condition=statement.condition,
        as_of=statement.as_of,
        source=statement.source,
        loaded=this,
    )


def facts_by_id(ids: Iterable[int]) -> dict[int, Fact]:
    """Return facts by their id, in one query."""
    return Fact.objects.in_bulk({fact_id for fact_id in ids if fact_id})
