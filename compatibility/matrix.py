"""The rows of the matrix that a filter leaves, and what stands in them. Reads the database; draws nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Window
from django.db.models.expressions import OrderBy, RawSQL
from django.db.models.functions import Substr

from compatibility.catalog import Catalog, demo_providers
from compatibility.cells import COLUMNS, EVERY_COLUMN, Column, Entry, letters_of_line
from compatibility.claims import bits_of
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
# when the page is full. A sort around it would make every make of the world find its lines first.
BY_MAKE = """
SELECT l.* FROM unnest(%s::text[]) AS m(key) CROSS JOIN LATERAL ({lines}) AS l LIMIT %s OFFSET %s
"""


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
    of_make = matching_lines(wanted).filter(make_key=RawSQL("m.key", ())).annotate(of_make=Window(Count("*")))
    sql, parameters = of_make[:LINES_OF_MAKE].query.sql_with_params()
    makes = makes_that_may(wanted, catalog)
    return list(CarLine.objects.raw(BY_MAKE.format(lines=sql), [makes, *parameters, limit, offset]))


def makes_that_may(wanted: MatrixFilter, catalog: Catalog) -> list[str]:
    """Return the keys of the makes of which the filter may leave something, in their order; asks no database."""
    abilities, demo = bits_of(wanted.abilities), frozenset(demo_providers())
    return [
        make
        for make in sorted(catalog.claims)
        if wanted.make in {"", make}
        and any(
            claim.may_hold(country=wanted.country, abilities=abilities, support=wanted.support)
            for provider, claim in catalog.claims[make].items()
            if (provider in wanted.providers if wanted.providers else provider not in demo)
        )
    ]


def count_lines(wanted: MatrixFilter, catalog: Catalog) -> Total:
    """Return how many lines, models and makes a filter leaves; counts no further than COUNTED_MAX lines."""
    makes_to_search = makes_that_may(wanted, catalog)
    lines_to_count = matching_lines(wanted)
    if len(makes_to_search) * 2 < len(catalog.makes):
        lines_to_count = lines_to_count.filter(make_key__in=makes_to_search)
    some = lines_to_count.order_by()[: COUNTED_MAX + 1].values("make_key", "model_key")
    sql, parameters = some.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), count(DISTINCT (make_key, model_key)), count(DISTINCT make_key) FROM ({sql}) s",  # noqa: S608
            parameters,
        )
        lines, models, makes = cursor.fetchone()
    return Total(min(lines, COUNTED_MAX), models, makes, more=lines > COUNTED_MAX)


def entries_of(lines: Iterable[CarLine], wanted: MatrixFilter) -> dict[int, list[Entry]]:
    """Return what the providers of a filter say of each line, in one query."""
    found: dict[int, list[Entry]] = defaultdict(list)
    entries = _by_provider(wanted, LineEntry.objects.filter(line__in=[line.id for line in lines]))
    for line_id, *rest in entries.order_by("id").values_list("line_id", "provider", "countries", "supports"):
        found[line_id].append(Entry(*rest))
    return found


def rows_of(lines: Sequence[CarLine], wanted: MatrixFilter, columns: tuple[Column, ...]) -> list[Row]:
    """Return the rows of lines: for each column the best answer of the filter's providers in the filter's country."""
    entries = entries_of(lines, wanted)
    return [Row(line, letters_of_line(entries[line.id], wanted.country, columns)) for line in lines]


# What of a line the filter asks ------------------------------------------------------------------------------------


def _has_engine(engines: Sequence[str]) -> Q:
    """Match lines of these engines, and lines for any other engine of models that have none for one of these."""
    asked = Q(engine__in=engines)
    for engine in engines:
        of_it = CarLine.objects.filter(make_key=OuterRef("make_key"), model_key=OuterRef("model_key"), engine=engine)
        asked |= Q(engine="") & ~Exists(of_it)
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
