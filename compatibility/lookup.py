"""What is declared for a car: finds its lines in the matrix and says what they say, no more.

Where the car is not described well enough to tell (no year, no country, no engine), the answers of all lines that it
may be are laid together: what they agree on is told, what they do not agree on is told to depend.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from compatibility.facts_of_providers import find_make, vocabulary
from compatibility.models import Fact
from compatibility.words import ABILITIES, BY_LETTER, ELSEWHERE, POSITION, Support, plain


@dataclass(frozen=True)
class Car:
    """A car as far as it is known. make and model as anybody writes them; year None, engine "" and country "" are not
    known; engine is a value of words.Engine, country two letters.
    """

    make: str
    model: str
    year: int | None = None
    engine: str = ""
    country: str = ""


@dataclass(frozen=True)
class Declared:
    """What one provider declares of one ability of a car.

    support: PARTIAL also where it depends on what is not known of the car; varies then says on what: "year", "engine",
    "country". about: "model", "make" (said of the make as a whole) or "" (nothing is said, support is UNKNOWN).
    as_of: the month of the fact; of several, the oldest. fact_id: 0 where there is none or more than one.
    """

    ability: str
    support: Support
    condition: str = ""
    as_of: date | None = None
    source: str = ""
    fact_id: int = 0
    about: str = ""
    varies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An entry of a line as it is read from the database."""

    provider: str
    model_key: str
    engine: str
    year_from: int | None
    year_to: int | None
    is_named: bool
    countries: tuple[str, ...]
    supports: str
    fact_ids: tuple[int, ...]


# A model of a maker's API may say more than ours ("i4 eDrive40"): each beginning of it is tried, the longest holds.
LINES = """
SELECT w.n, e.provider, l.model_key, l.engine, l.year_from, l.year_to, l.is_named, e.countries, e.supports, e.fact_ids
FROM unnest(%(makes)s::text[], %(providers)s::text[]) WITH ORDINALITY AS w(make, provider, n)
JOIN compatibility_carline l ON l.make_key = w.make
    AND l.model_key = ANY(ARRAY(SELECT jsonb_array_elements_text((%(models)s::jsonb) -> (w.n::int - 1))))
JOIN compatibility_lineentry e ON e.line_id = l.id AND (w.provider = '' OR e.provider = w.provider)
ORDER BY w.n, e.id
"""


def declared_for(
    asked: Iterable[tuple[str, Car]], *, abilities: Sequence[str] = ABILITIES
) -> dict[tuple[str, Car], dict[str, Declared]]:
    """Return for each (provider, car) what that provider declares of each ability.

    Two queries, whatever the number; each different pair is looked up once. An ability of which nothing is said is
    there too, with UNKNOWN.
    """
    pairs = list(dict.fromkeys(asked))
    rows = _rows_of(pairs)
    places = [POSITION[ability] for ability in abilities]
    facts = _facts({row.fact_ids[place] for found in rows for row in found for place in places})
    return {pair: _declared(pair[1], found, facts, abilities) for pair, found in zip(pairs, rows, strict=True)}


def providers_for(car: Car) -> dict[str, dict[str, Declared]]:
    """Return what every provider that says anything of a car declares of every ability; in two queries."""
    (rows,) = _rows_of([("", car)])
    facts = _facts({fact_id for row in rows for fact_id in row.fact_ids})
    by_provider: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_provider[row.provider].append(row)
    return {
        provider: _declared(car, found, facts, ABILITIES)
        for provider, found in sorted(by_provider.items())
        if provider in vocabulary().providers
    }


def model_keys(model: str) -> list[str]:
    """Return the keys under which a model may stand, the most exact first and "" (any other model) last."""
    words = model.split()
    keys = [plain("".join(words[:count])) for count in range(len(words), 0, -1)]
    return [*dict.fromkeys(key for key in keys if key), ""]


def _rows_of(pairs: Sequence[tuple[str, Car]]) -> list[list[Row]]:
    """Return the entries that may be about each car."""
    makes = [find_make(car.make) for _, car in pairs]
    parameters: dict[str, Any] = {
        "makes": [make.key if make else plain(car.make) for make, (_, car) in zip(makes, pairs, strict=True)],
        "providers": [provider for provider, _ in pairs],
        "models": json.dumps([model_keys(car.model) for _, car in pairs]),
    }
    found: list[list[Row]] = [[] for _ in pairs]
    with connection.cursor() as cursor:
        cursor.execute(LINES, parameters)
        for n, *line, countries, supports, fact_ids in cursor.fetchall():
            provider, model_key, engine, year_from, year_to, is_named = line
            row = Row(
                provider, model_key, engine, year_from, year_to, is_named, tuple(countries), supports, tuple(fact_ids)
            )
            found[n - 1].append(row)
    return [_of_this_car(car, rows) for (_, car), rows in zip(pairs, found, strict=True)]


def _of_this_car(car: Car, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the lines that a car can be on, in the countries that it can be in.

    The longest name that is known counts, and where its lines are about other engines, what is said of any model.
    """
    named = next((key for key in model_keys(car.model) if any(row.model_key == key for row in rows)), "")
    for key in dict.fromkeys((named, "")):
        found = [row for row in rows if row.model_key == key]
        if car.engine:
            found = [row for row in found if row.engine == car.engine] or [row for row in found if not row.engine]
        if car.year is None:
            # The years in which the model is spoken of; before and after them it was perhaps never built.
            found = [row for row in found if row.is_named] or found
        if found:
            return _in_country(car.country, [row for row in found if _is_of_year(row, car.year)])
    return []


def _is_of_year(row: Row, year: int | None) -> bool:
    return year is None or (row.year_from or 0) <= year <= (row.year_to or year)


def _in_country(country: str, rows: Sequence[Row]) -> list[Row]:
    if not country:
        return list(rows)
    chosen: list[Row] = []
    alike: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.provider, row.model_key, row.engine, row.year_from].append(row)
    for group in alike.values():
        named = [row for row in group if country in row.countries]
        chosen += named or [row for row in group if ELSEWHERE in row.countries]
    return chosen


def _facts(ids: set[int]) -> Mapping[int, Fact]:
    return Fact.objects.in_bulk(ids - {0})


def _declared(
    car: Car, rows: Sequence[Row], facts: Mapping[int, Fact], abilities: Iterable[str]
) -> dict[str, Declared]:
    return {ability: _lay_together(car, ability, POSITION[ability], rows, facts) for ability in abilities}


def _lay_together(car: Car, ability: str, position: int, rows: Sequence[Row], facts: Mapping[int, Fact]) -> Declared:
    said = [facts[row.fact_ids[position]] for row in rows if row.fact_ids[position]]
    if not said:
        return Declared(ability, Support.UNKNOWN)
    about = "model" if all(fact.model for fact in said) else "make"
    first, varies = said[0], _what_varies(car, position, rows)
    if len({fact.id for fact in said}) == 1 and not varies:
        return Declared(
            ability, Support(first.support), first.condition, first.as_of, first.source, first.id, about=about
        )
    supports = {BY_LETTER[row.supports[position]] for row in rows}
    phrases = dict.fromkeys(phrase for fact in said for phrase in fact.condition.split("; ") if phrase)
    return Declared(
        ability,
        _least({*supports, Support.UNKNOWN} if varies else supports),
        "; ".join(phrases),
        min(fact.as_of for fact in said),
        first.source if len({fact.source for fact in said}) == 1 else "",
        about=about,
        varies=varies,
    )


def _least(supports: set[Support]) -> Support:
    """Return what may be claimed where a car is one of several: what all agree on, else a condition, else nothing."""
    if len(supports) == 1:
        return next(iter(supports))
    return Support.PARTIAL if supports & {Support.FULL, Support.PARTIAL} else Support.UNKNOWN


def _what_varies(car: Car, position: int, rows: Sequence[Row]) -> tuple[str, ...]:
    """Return which of the things not known of a car would change the answer."""
    varies = []
    letters: dict[tuple[str, int | None], dict[str, str]] = defaultdict(dict)
    for row in rows:
        for country in row.countries if not car.country else ("",):
            letters[row.engine, row.year_from][country] = row.supports[position]
    engines = {engine for engine, _ in letters}
    places = {ELSEWHERE if not car.country else "", *(country for by in letters.values() for country in by)}

    def at(by_country: Mapping[str, str], place: str) -> str:
        return by_country.get(place, by_country.get(ELSEWHERE, "-"))

    if car.year is None and any(
        len({at(by, place) for (engine, _), by in letters.items() if engine == wanted}) > 1
        for place in places
        for wanted in engines
    ):
        varies.append("year")
    if not car.engine and any(
        len({frozenset(at(by, place) for (engine, _), by in letters.items() if engine == one) for one in engines}) > 1
        for place in places
    ):
        varies.append("engine")
    if not car.country and any(len({at(by, place) for place in places}) > 1 for by in letters.values()):
        varies.append("country")
    return tuple(varies)
