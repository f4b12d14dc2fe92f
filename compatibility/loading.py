"""Takes the data files over into the database: what is new is added, what is gone is ended, the rest is not touched."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from compatibility.lines import Said, lines_of_make
from compatibility.models import CarLine, DataLoad, Fact, LineEntry
from compatibility.reading import Dataset, Scope, Statement
from compatibility.words import Support, plain

logger = logging.getLogger(__name__)

# One load at a time, whichever process begins: "compat" in ASCII.
LOCK = 0x636F6D706174
BATCH = 2_000
FACT_COLUMNS = ["provider", "make", "model", "year_from", "year_to", "engine", "countries", "ability", "support"]
FACT_COLUMNS += ["condition", "as_of", "source", "loaded_id"]
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
        held = {_key_of_row(row): fact_id for fact_id, *row in _facts_held()}
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
        with connection.cursor() as cursor:
            cursor.execute("UPDATE compatibility_fact SET ended_id = %s WHERE id = ANY(%s)", [this.id, gone])
        _copy("compatibility_fact", FACT_COLUMNS, (_row_of(statement, this.id) for statement in added))
        make_lines()
    logger.info("compatibility: %s facts, %s added, %s ended", len(wanted), len(added), len(gone))
    return Outcome(len(wanted), len(added), len(gone), is_new=True)


def make_lines() -> None:
    """Make the matrix anew from the facts that hold now."""
    by_make: dict[str, list[Said[int]]] = defaultdict(list)
    for fact_id, *row in _facts_held():
        provider, scope, ability, support, *_ = _key_of_row(row)
        by_make[scope.make].append(Said(fact_id, provider, scope, ability, support))
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
    entries = (
        (row.id, entry.provider, list(entry.countries), entry.supports, [fact_id or 0 for fact_id in entry.ids])
        for row, line in zip(rows, lines, strict=True)
        for entry in line.entries
    )
    _copy("compatibility_lineentry", ("line_id", "provider", "countries", "supports", "fact_ids"), entries)


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _facts_held() -> Iterator[tuple[Any, ...]]:
    """Return every fact that holds now: its id, and its values in the order of FACT_COLUMNS, but the load."""
    return Fact.objects.filter(ended=None).order_by("id").values_list("id", *FACT_COLUMNS[:-1]).iterator(BATCH)


def _key_of_row(row: Sequence[Any]) -> Key:
    provider, make, model, year_from, year_to, engine, countries, ability, support, condition, as_of, source = row
    scope = Scope(make, model, year_from, year_to, engine, tuple(countries))
    return provider, scope, ability, Support(support), condition, as_of, source


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


def _row_of(statement: Statement, load_id: int) -> tuple[object, ...]:
    scope = statement.scope
    return (
        statement.provider,
        scope.make,
        scope.model,
        scope.year_from,
        scope.year_to,
        scope.engine,
        list(scope.countries),
        statement.ability,
        statement.support.value,
        statement.condition,
        statement.as_of,
        statement.source,
        load_id,
    )
