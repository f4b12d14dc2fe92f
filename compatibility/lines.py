"""Makes the rows of the matrix out of statements: which one holds for which car. Pure; knows no database.

The rule: of the statements that cover a car, a named model beats any model, then a named engine beats any engine, then
the narrower span of years, then a list of countries over everywhere. No statement means unknown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from compatibility.reading import FIRST_YEAR, LAST_YEAR, Scope
from compatibility.words import ABILITIES, ELSEWHERE, POSITION, Support, plain

Id = TypeVar("Id", bound=Hashable)
NOTHING = "-"


@dataclass(frozen=True)
class Said(Generic[Id]):
    """A statement as the matrix needs it: for which cars, by whom, how well, and where to find it again."""

    id: Id
    provider: str
    scope: Scope
    ability: str
    support: Support


@dataclass(frozen=True)
class Entry(Generic[Id]):
    """How one provider answers in some countries: for each of ABILITIES a letter and an id, None if nothing is said."""

    provider: str
    countries: tuple[str, ...]
    supports: str
    ids: tuple[Id | None, ...]


@dataclass(frozen=True)
class Line(Generic[Id]):
    """A model with one engine over years in which nothing differs. See compatibility.models.CarLine."""

    make: str
    model: str
    engine: str
    year_from: int | None
    year_to: int | None
    is_named: bool
    entries: tuple[Entry[Id], ...]


def rank(scope: Scope) -> tuple[bool, bool, int, bool]:
    """Return how much a statement knows of its cars: of two that cover a car the one with the higher rank holds."""
    return bool(scope.model), bool(scope.engine), -scope.span, bool(scope.countries)


def lines_of_make(make: str, said: Sequence[Said[Id]]) -> Iterator[Line[Id]]:
    """Return the lines of one make, from what is said of it: its models by name, and last the line for any other."""
    by_model: dict[str, list[Said[Id]]] = defaultdict(list)
    names: dict[str, str] = {}
    for one in said:
        key = plain(one.scope.model)
        by_model[key].append(one)
        names.setdefault(key, one.scope.model)
    of_any = by_model.pop("", [])
    for key in sorted(by_model):
        for engine in _engines(by_model[key]):
            yield from _lines(make, names[key], engine, [*by_model[key], *of_any])
    for engine in _engines(of_any):
        yield from _lines(make, "", engine, of_any)


def _engines(said: Iterable[Said[Id]]) -> list[str]:
    """Return the engines that a model needs lines for: those named, and "" for the others if any engine is meant."""
    return sorted({one.scope.engine for one in said})


def _lines(make: str, model: str, engine: str, said: Sequence[Said[Id]]) -> Iterator[Line[Id]]:
    covering = [one for one in said if not one.scope.engine or one.scope.engine == engine]
    last: Line[Id] | None = None
    made: dict[tuple[Id, ...], tuple[Entry[Id], ...]] = {}
    for year_from, year_to in _spans(covering):
        here = [one for one in covering if _covers_years(one.scope, year_from, year_to)]
        is_named = any(one.scope.model for one in here)
        key = tuple(one.id for one in here)
        if key not in made:
            made[key] = tuple(_entries(here))
        line = Line(
            make,
            model,
            engine,
            None if year_from == FIRST_YEAR else year_from,
            None if year_to == LAST_YEAR else year_to,
            is_named or not model,
            made[key],
        )
        if last is not None and (last.entries, last.is_named) == (line.entries, line.is_named):
            last = Line(make, model, engine, last.year_from, line.year_to, line.is_named, line.entries)
            continue
        if last is not None and last.entries:
            yield last
        last = line
    if last is not None and last.entries:
        yield last


def _spans(said: Iterable[Said[Id]]) -> list[tuple[int, int]]:
    """Return the years cut where some statement begins or ends."""
    cuts = {FIRST_YEAR, LAST_YEAR + 1}
    for one in said:
        cuts.add(one.scope.year_from or FIRST_YEAR)
        cuts.add((one.scope.year_to or LAST_YEAR) + 1)
    return [(begin, end - 1) for begin, end in pairwise(sorted(cuts))]


def _covers_years(scope: Scope, year_from: int, year_to: int) -> bool:
    return (scope.year_from or FIRST_YEAR) <= year_from and year_to <= (scope.year_to or LAST_YEAR)


def _entries(said: Iterable[Said[Id]]) -> Iterator[Entry[Id]]:
    """Return the entries of one line by provider; countries in which nothing differs share one."""
    by_provider: dict[str, list[Said[Id]]] = defaultdict(list)
    for one in said:
        by_provider[one.provider].append(one)
    for provider in sorted(by_provider):
        # From the weakest to the strongest: what is written last holds.
        ordered = sorted(by_provider[provider], key=lambda one: rank(one.scope))
        alike: dict[tuple[str, tuple[Id | None, ...]], list[str]] = defaultdict(list)
        for countries in _alike(one.scope.countries for one in ordered):
            letters = [NOTHING] * len(ABILITIES)
            ids: list[Id | None] = [None] * len(ABILITIES)
            for one in ordered:
                if not one.scope.countries or countries[0] in one.scope.countries:
                    letters[POSITION[one.ability]] = one.support.letter
                    ids[POSITION[one.ability]] = one.id
            if any(letter != NOTHING for letter in letters):
                alike["".join(letters), tuple(ids)] += countries
        for (supports, fact_ids), countries in alike.items():
            yield Entry(provider, tuple(sorted(countries)), supports, fact_ids)


def _alike(regions: Iterable[tuple[str, ...]]) -> list[list[str]]:
    """Return the countries that the regions name, those together that stand in the same ones; and everywhere else."""
    distinct = {region for region in regions if region}
    by_place: dict[frozenset[tuple[str, ...]], list[str]] = defaultdict(list)
    for country in sorted({country for region in distinct for country in region}):
        by_place[frozenset(region for region in distinct if country in region)].append(country)
    return [*by_place.values(), [ELSEWHERE]]
