"""The rows of the matrix that a filter leaves, and what stands in them. Reads the database; draws nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Window
from django.db.models.expressions import OrderBy, RawSQL
from django.db.models.functions import Substr

from compatibility.catalog import Catalog, demo_providers
from compatibility.cells import COLUMNS, EVERY_COLUMN, Column, Entry, letters_of_line
from compatibility.claims import EVERYBODY, bits_of
from compatibility.filters import MatrixFilter
from compatibility.models import CarLine, LineEntry
from compatibility.words import ELSEWHERE, POSITION, READS, Support

__all__ = ["COLUMNS", "EVERY_COLUMN", "Column", "Group", "Row", "Total", "count_lines", "entries_of", "find_lines"]

PAGE_SIZE = 50
# How many lines of each make are shown while no make is chosen.
LINES_OF_MAKE = 3
COUNTED_MAX = 1_000
# "Any other model" comes last of its make.
ORDER = (
    F("make_key").asc(),
    ExpressionWrapper(Q(model_key=""), output_field=BooleanField()).asc(),
    F("model_key").asc(),
    F("engine").asc(),
    OrderBy(F("year_from"), nulls_first=True),
)
# No ORDER BY of its own: makes come in the order given and each brings its lines in theirs, so that the database stops
# when it has enough. A sort around it would make every make of the world find its lines first. The ids between which a
# make's lines lie are there for the planner, which else thinks that a make has a fiftieth of all lines.
BY_MAKE = """
SELECT l.* FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS m(key, first_id, last_id)
CROSS JOIN LATERAL ({lines}) AS l LIMIT %s OFFSET %s
"""
COUNT = "SELECT count(*), count(DISTINCT (make_key, model_key)), count(DISTINCT make_key) FROM ({lines}) AS s"


class Torn(Exception):
    """New data was loaded between two queries: what was read before it does not fit what was read after it."""


@dataclass(frozen=True)
class Row:
    """A line with one letter (see compatibility.cells) for each column that is shown."""

    line: CarLine
    letters: str


@dataclass(frozen=True)
class Group:
    """The rows of one make on a page. lines: how many the filter leaves of it in all."""

    make: str
    make_key: str
    lines: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Total:
    """How much a filter leaves. more: there are more lines than were counted, and the numbers say no more than that."""

    lines: int
    models: int
    makes: int
    more: bool


def matching_lines(wanted: MatrixFilter) -> QuerySet[CarLine]:
    """Return the lines that a filter leaves, in their stable order: make, model, engine, years.

    Without a model only those of which some fact names the model in these years, or that stand for any other model.
    """
    lines = CarLine.objects.order_by(*ORDER)
    if wanted.make:
        lines = lines.filter(make_key=wanted.make)
    lines = lines.filter(model_key=wanted.model) if wanted.model else lines.filter(is_named=True)
    if wanted.year_from:
        lines = lines.filter(Q(year_to__isnull=True) | Q(year_to__gte=wanted.year_from))
    if wanted.year_to:
        lines = lines.filter(Q(year_from__isnull=True) | Q(year_from__lte=wanted.year_to))
    if wanted.engines:
        lines = lines.filter(_has_engine(wanted.engines))
    return lines.filter(Exists(_said(wanted)))


def find_lines(wanted: MatrixFilter, *, limit: int, offset: int = 0) -> list[CarLine]:
    """Return some of the lines that a filter leaves, in their stable order; in one query."""
    return list(matching_lines(wanted)[offset : offset + limit])


def find_first_of_makes(wanted: MatrixFilter, catalog: Catalog, *, limit: int, offset: int = 0) -> list[CarLine]:
    """Return the first lines of every make, each with of_make: how many its make has; in one query."""
    first = matching_lines(wanted).annotate(of_make=Window(Count("*")))
    sql, parameters = _by_make(first, wanted, catalog, most=LINES_OF_MAKE)
    return list(CarLine.objects.raw(sql, [*parameters, limit, offset]))


def count_lines(wanted: MatrixFilter, catalog: Catalog) -> Total:
    """Return how many lines, models and makes a filter leaves; counts no further than COUNTED_MAX lines."""
    sql, parameters = _by_make(matching_lines(wanted).order_by(), wanted, catalog)
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(lines=sql), [*parameters, COUNTED_MAX + 1, 0])
        lines, models, makes = cursor.fetchone()
    return Total(min(lines, COUNTED_MAX), models, makes, more=lines > COUNTED_MAX)


def _by_make(
    lines: QuerySet[CarLine], wanted: MatrixFilter, catalog: Catalog, *, most: int | None = None
) -> tuple[str, list[Any]]:
    """Return the statement that finds lines make by make, at most so many of each; limit and offset come last."""
    of_make = lines.filter(
        make_key=RawSQL("m.key", ()), id__gte=RawSQL("m.first_id", ()), id__lte=RawSQL("m.last_id", ())
    )
    sql, parameters = of_make[:most].query.sql_with_params()
    makes = makes_that_may(wanted, catalog)
    first_ids, last_ids = [catalog.spans[make][0] for make in makes], [catalog.spans[make][1] for make in makes]
    return BY_MAKE.format(lines=sql), [makes, first_ids, last_ids, *parameters]


def makes_that_may(wanted: MatrixFilter, catalog: Catalog) -> list[str]:
    """Return the keys of the makes of which the filter may leave something, in their order; asks no database."""
    abilities, providers = bits_of(wanted.abilities), wanted.providers or (EVERYBODY,)
    country, support = wanted.country, wanted.support
    return [
        make
        for make, by_provider in catalog.claims.items()
        if wanted.make in {"", make}
        and make in catalog.spans
        and any(
            by_provider[provider].may_hold(country=country, abilities=abilities, support=support)
            for provider in providers
            if provider in by_provider
        )
    ]


def entries_of(lines: Iterable[CarLine], wanted: MatrixFilter) -> dict[int, list[Entry]]:
    """Return what the providers of a filter say of each line, in one query."""
    found: dict[int, list[Entry]] = defaultdict(list)
    entries = _by_provider(wanted, LineEntry.objects.filter(line__in=[line.id for line in lines]))
    names = ("line_id", "provider", "countries", "supports")
    for line_id, provider, countries, supports in entries.order_by("id").values_list(*names):
        found[line_id].append(Entry(provider, countries, supports))
    return found


def rows_of(lines: Sequence[CarLine], wanted: MatrixFilter, columns: tuple[Column, ...]) -> list[Row]:
    """Return the rows of lines: for each column the best answer of the filter's providers in the filter's country.

    Raises Torn.
    """
    entries = entries_of(lines, wanted)
    if any(line.id not in entries for line in lines):
        raise Torn
    return [Row(line, letters_of_line(entries[line.id], wanted.country, columns)) for line in lines]


# What of a line the filter asks ------------------------------------------------------------------------------------


def _has_engine(engines: Sequence[str]) -> Q:
    """Match lines of these engines, and lines for any other engine of models that have none for one of these."""
    asked = Q(engine__in=engines)
    for engine in engines:
        of_it = CarLine.objects.filter(make_key=OuterRef("make_key"), model_key=OuterRef("model_key"), engine=engine)
        asked |= Q(Q(engine="") & ~Exists(of_it))
    return asked


def _said(wanted: MatrixFilter) -> QuerySet[LineEntry]:
    """Return entries of the line around it by which the filter holds: all of it by one and the same provider."""
    said = _by_provider(wanted, LineEntry.objects.filter(line=OuterRef("pk")))
    # Of what nobody says yes or no there is nothing to show; no row means unknown.
    said = said.filter(supports__regex="[fpn]")
    beside = LineEntry.objects.filter(line=OuterRef("line"), provider=OuterRef("provider"))
    is_everywhere = Q(countries__contains=[ELSEWHERE])
    if wanted.country:
        names_it = Q(countries__contains=[wanted.country])
        said = said.filter(names_it | is_everywhere & ~Exists(beside.filter(names_it)))
    enough = ("f",) if wanted.support == Support.FULL else ("f", "p")
    for ability in wanted.abilities:
        letter = Substr("supports", POSITION[ability] + 1, 1)
        said = said.alias(**{ability: letter}).filter(**{f"{ability}__in": enough})
        if wanted.support == Support.FULL and not wanted.country:
            # Without a country it works only where it works in every country.
            said = said.filter(is_everywhere, ~Exists(beside.alias(letter=letter).exclude(letter="f")))
    if wanted.support and not wanted.abilities:
        # Some command, whichever: reads come first in the letters.
        said = said.filter(supports__regex=f"^.{{{len(READS)}}}.*[{''.join(enough)}]")
        if wanted.support == Support.FULL and not wanted.country:
            said = said.filter(is_everywhere)
    return said


def _by_provider(wanted: MatrixFilter, entries: QuerySet[LineEntry]) -> QuerySet[LineEntry]:
    if wanted.providers:
        return entries.filter(provider__in=wanted.providers)
    return entries.exclude(provider__in=demo_providers())
