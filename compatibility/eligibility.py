"""Whether cars can do enough of what an owner is asked for: before they sign in, by make; afterwards, car by car."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass

from django.db import connection

from compatibility.answers import Answer
from compatibility.facts_of_providers import find_make
from compatibility.reading import FIRST_YEAR, LAST_YEAR
from compatibility.words import ELSEWHERE, POSITION, Engine, Support
from fleet.adapters.commands import KINDS

Refusals = Mapping[str, str]
NEEDS_PAIRING = "needs_pairing"
_NO = Support.NONE.letter

LINES = """
SELECT l.make_key, l.id, l.model_key, l.engine, l.year_from, l.year_to, e.provider, e.countries, e.supports
FROM compatibility_carline l
LEFT JOIN compatibility_lineentry e ON e.line_id = l.id AND e.provider = ANY(%(providers)s)
WHERE l.make_key = ANY(%(makes)s)
"""


@dataclass(frozen=True)
class _Line:
    """A line of the matrix, and the entries of each provider: countries and letters."""

    model_key: str
    engine: str
    year_from: int
    year_to: int
    entries: Mapping[str, list[tuple[list[str], str]]]


def commands_of(scope: str) -> list[str]:
    """Return the commands that a scope is asked for; none for what is only read."""
    return [kind for kind, command in KINDS.items() if command.scope == scope]


def refused_scopes(answers: Mapping[str, Answer], scopes: Iterable[str]) -> dict[str, str]:
    """Return the scopes of which a car can do no command at all, each with why: the maker's code, "not_offered", or
    "not_declared" where that is only declared of cars like it. A car that waits for being paired can do what it is
    asked.
    """
    refused: dict[str, str] = {}
    for scope in scopes:
        said = [answers[kind] for kind in commands_of(scope)]
        if said and all(answer.can is False and answer.why != NEEDS_PAIRING for answer in said):
            # What the maker said of the car itself tells most.
            first = min(said, key=lambda answer: ("car", "declared", "adapter").index(answer.layer))
            refused[scope] = "not_declared" if first.layer == "declared" else first.why
    return refused


def makes_that_cannot(
    asked: Iterable[tuple[str, str, int | None]], *, country: str, scopes: Collection[str]
) -> dict[tuple[str, str, int | None], frozenset[str]]:
    """Return, for each (provider, make, year), the scopes of which no car of that make can do anything there.

    Only what is declared of every car of the make counts: one of which nothing is said may be able. year None and
    country "" are not known. One query, whatever the number. What is not in the result can do something of each scope,
    or nobody knows.
    """
    asked = set(asked)
    wanted = {scope: [POSITION[kind] for kind in kinds] for scope in scopes if (kinds := commands_of(scope))}
    makes = {make: known.key for _, make, _ in asked if (known := find_make(make))}
    if not wanted or not makes:
        return {}
    lines = _read_lines(set(makes.values()), {provider for provider, _, _ in asked})
    found: dict[tuple[str, str, int | None], frozenset[str]] = {}
    for provider, make, year in asked:
        of_year = [line for line in lines.get(makes.get(make, ""), []) if year is None or _is_of_year(line, year)]
        if not _are_all_cars(of_year, year):
            continue
        said = [_letters(line.entries.get(provider, []), country) for line in of_year]
        impossible = frozenset(
            scope for scope, places in wanted.items() if all(_is_no(letters, places) for letters in said)
        )
        if impossible:
            found[provider, make, year] = impossible
    return found


def _read_lines(makes: Set[str], providers: Set[str]) -> dict[str, list[_Line]]:
    lines: dict[int, tuple[str, _Line]] = {}
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"makes": sorted(makes), "providers": sorted(providers)})
        for make, line_id, model, engine, year_from, year_to, provider, countries, supports in cursor.fetchall():
            line = _Line(model, engine, year_from or FIRST_YEAR, year_to or LAST_YEAR, defaultdict(list))
            _, line = lines.setdefault(line_id, (make, line))
            if provider is not None:
                line.entries[provider].append((countries, supports))
    found: dict[str, list[_Line]] = defaultdict(list)
    for make, line in lines.values():
        found[make].append(line)
    return found


def _letters(entries: list[tuple[list[str], str]], country: str) -> list[str]:
    """Return the letters of a line that count in a country; where it is not known, all of them."""
    elsewhere = [supports for countries, supports in entries if ELSEWHERE in countries]
    if not country:
        return [supports for _, supports in entries] if elsewhere else []
    return [supports for countries, supports in entries if country in countries] or elsewhere


def _is_no(letters: list[str], places: Iterable[int]) -> bool:
    """Say whether nothing of some commands is offered; where nothing is said, that is not known."""
    return bool(letters) and all(supports[place] == _NO for supports in letters for place in places)


def _is_of_year(line: _Line, year: int) -> bool:
    return line.year_from <= year <= line.year_to


def _are_all_cars(lines: Collection[_Line], year: int | None) -> bool:
    """Say whether the lines for any model leave out no engine and no year."""
    first, last = (FIRST_YEAR, LAST_YEAR) if year is None else (year, year)
    of_any = [line for line in lines if not line.model_key]
    for engine in Engine.values:
        spans = [line for line in of_any if line.engine == engine] or [line for line in of_any if not line.engine]
        reached = first - 1
        for line in sorted(spans, key=lambda line: line.year_from):
            if line.year_from <= reached + 1:
                reached = max(reached, line.year_to)
        if reached < last:
            return False
    return True
