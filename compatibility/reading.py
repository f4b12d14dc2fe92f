"""Reads the data files and refuses what is wrong in them, each mistake with its file and line. Writes nothing."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from compatibility.facts_of_providers import DATA, BrokenFile, Vocabulary, read_vocabulary
from compatibility.words import ABILITIES, POSITION, Engine, Support, plain
from fleet.adapters.registry import ADAPTERS, get_adapter

COLUMNS = ["make", "model", "years", "engine", "region", "support", "commands", "condition", "as_of", "source"]
ANY = "*"
EVERYWHERE = "everywhere"
FIRST_YEAR, LAST_YEAR = 1990, 2100
MOST_MISTAKES = 50
_YEARS = re.compile(r"(\d{4})?(-)?(\d{4})?")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Mistake:
    """What is wrong, where. line counts from 1, the heading included; 0 is the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class BrokenData(Exception):
    """The files are not taken over. mistakes: at most 50, in the order of files and lines."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = list(mistakes)[:MOST_MISTAKES]
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True)
class Scope:
    """The cars a statement is about. model, engine: "" is any; years: None is open; countries: () is everywhere."""

    make: str
    model: str
    year_from: int | None
    year_to: int | None
    engine: str
    countries: tuple[str, ...]

    @property
    def span(self) -> int:
        """Return how many years it is about; an open end counts as far as years go."""
        return (self.year_to or LAST_YEAR) - (self.year_from or FIRST_YEAR)

    def meets(self, other: Scope) -> bool:
        """Say whether some year and some country belong to both, makes and models aside."""
        return (
            (self.year_from or FIRST_YEAR) <= (other.year_to or LAST_YEAR)
            and (other.year_from or FIRST_YEAR) <= (self.year_to or LAST_YEAR)
            and (not self.countries or not other.countries or bool(set(self.countries) & set(other.countries)))
        )


@dataclass(frozen=True)
class Statement:
    """What one line of a file says of one ability. as_of: the first day of the month of the fact."""

    provider: str
    scope: Scope
    ability: str
    support: Support
    condition: str
    as_of: date
    source: str


@dataclass(frozen=True)
class Dataset:
    """All statements of all files, in their order, and what tells this set from any other."""

    statements: tuple[Statement, ...]
    digest: str


def read_data(folder: Path = DATA) -> Dataset:
    """Return the whole data set of a folder. Raises BrokenData for any mistake: nothing is taken over in part."""
    try:
        vocabulary = read_vocabulary(folder)
    except BrokenFile as error:
        raise BrokenData([Mistake(error.file, error.line, error.text)]) from error
    found: list[Statement] = []
    mistakes: list[Mistake] = []
    files = sorted((folder / "providers").glob("*.csv"))
    mistakes += [
        Mistake("providers.toml", 0, f"{provider} has no file providers/{provider}.csv")
        for provider in sorted(set(vocabulary.providers) - {file.stem for file in files})
    ]
    for file in files:
        statements, wrong = read_file(file, vocabulary)
        found += statements
        mistakes += wrong
    if mistakes:
        raise BrokenData(mistakes)
    return Dataset(tuple(found), _digest(found))


def read_file(file: Path, vocabulary: Vocabulary) -> tuple[list[Statement], list[Mistake]]:
    """Return what the file of one provider says, and what is wrong in it."""
    provider, name = file.stem, f"providers/{file.name}"
    if provider not in vocabulary.providers:
        return [], [Mistake(name, 0, f"the provider {provider} is not in providers.toml")]
    found: list[Statement] = []
    mistakes: list[Mistake] = []
    lines: list[tuple[int, Statement]] = []
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            for number, row in _rows(stream):
                said, wrong = _read_row(provider, row, vocabulary)
                mistakes += [Mistake(name, number, text) for text in wrong]
                found += said
                lines += [(number, statement) for statement in said]
    except (UnicodeDecodeError, csv.Error) as error:
        return [], [Mistake(name, 0, f"not a readable file of comma-separated values: {error}")]
    except _WrongHeading as error:
        return [], [Mistake(name, 1, str(error))]
    mistakes += [Mistake(name, number, text) for number, text in find_contradictions(lines)]
    mistakes.sort(key=lambda mistake: mistake.line)
    return found, mistakes


class _WrongHeading(Exception):
    pass


def _rows(stream: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, strict=True)
    heading = next(reader, [])
    if heading != COLUMNS:
        raise _WrongHeading(f"the first line has to be {','.join(COLUMNS)}")
    for row in reader:
        yield reader.line_num, row


def _read_row(provider: str, row: list[str], vocabulary: Vocabulary) -> tuple[list[Statement], list[str]]:
    if len(row) != len(COLUMNS):
        return [], [f"{len(row)} columns instead of {len(COLUMNS)}"]
    cells = dict(zip(COLUMNS, row, strict=True))
    wrong = [f"{name} is empty" for name in ("make", "model", "region") if not cells[name].strip()]
    wrong += [f"{name} begins or ends with a space" for name, cell in cells.items() if cell != cell.strip()]
    make, support, source = cells["make"], cells["support"], cells["source"]
    if make and make not in vocabulary.makes:
        wrong.append(f"unknown make {make!r}")
    if support not in Support.values:
        wrong.append(f"unknown support {support!r}: it is one of {', '.join(Support.values)}")
    if cells["engine"] not in {ANY, *Engine.values}:
        wrong.append(f"unknown engine {cells['engine']!r}")
    if source not in vocabulary.sources:
        wrong.append(f"unknown source {source!r}" if source else "no source")
    years, countries = _read_years(cells["years"]), _read_region(cells["region"], vocabulary)
    if years is None:
        wrong.append(f"years {cells['years']!r}: write 2018-2021, 2022-, -2019, 2020, or nothing for all")
    wrong += [f"unknown region {name!r}" for name in countries if len(name) != 2]
    as_of = _read_month(cells["as_of"])
    if as_of is None:
        wrong.append(f"as_of {cells['as_of']!r} is not a month like 2026-11" if cells["as_of"] else "no date (as_of)")
    abilities = cells["commands"].split()
    wrong += _wrong_abilities(provider, abilities, support)
    if support == Support.PARTIAL and not cells["condition"]:
        wrong.append("partial needs a condition")
    if wrong or years is None or as_of is None:
        return [], wrong
    engine, model = ("" if cells[name] == ANY else cells[name] for name in ("engine", "model"))
    scope = Scope(make, model, *years, engine, tuple(sorted(set(countries))))
    return [
        Statement(provider, scope, ability, Support(support), cells["condition"], as_of, source)
        for ability in abilities
    ], []


def _wrong_abilities(provider: str, abilities: list[str], support: str) -> list[str]:
    wrong = [f"unknown command {ability!r}" for ability in abilities if ability not in POSITION]
    wrong += [] if abilities else ["no commands"]
    wrong += [f"{ability} stands there twice" for ability in sorted({a for a in abilities if abilities.count(a) > 1})]
    if provider in ADAPTERS and support in {Support.FULL, Support.PARTIAL}:
        manifest = get_adapter(provider).manifest
        declared = {*manifest.commands, *manifest.scopes}
        wrong += [
            f"{ability} is not declared by Fleetwell's adapter for {provider}"
            for ability in abilities
            if ability in POSITION and ability not in declared
        ]
    return wrong


def _read_years(text: str) -> tuple[int | None, int | None] | None:
    match = _YEARS.fullmatch(text)
    if match is None or text == "-":
        return None
    first, dash, last = match.groups()
    if first and last and not dash:
        return None
    begins, ends = (int(first) if first else None), (int(last) if last else None)
    if first and not dash:
        ends = begins
    if any(year is not None and not FIRST_YEAR <= year <= LAST_YEAR for year in (begins, ends)):
        return None
    return None if begins and ends and begins > ends else (begins, ends)


def _read_region(text: str, vocabulary: Vocabulary) -> list[str]:
    """Return the countries of a region, none for everywhere; a name that is not known stays as it is written."""
    if text == EVERYWHERE:
        return []
    found: list[str] = []
    for name in text.split():
        if name in vocabulary.countries:
            found.append(name)
        else:
            # Whatever is not two letters long is told as unknown by whoever reads the list.
            found += vocabulary.regions.get(name, [name if len(name) != 2 else f"{name}?"])
    return found


def _read_month(text: str) -> date | None:
    match = _MONTH.fullmatch(text)
    return date(int(match[1]), int(match[2]), 1) if match and int(match[1]) >= 2000 else None


def find_contradictions(lines: Iterable[tuple[int, Statement]]) -> list[tuple[int, str]]:
    """Return the lines that say of some car something else than an earlier line does, where neither one is narrower.

    A narrower statement may differ from a wider one: that is what it is for. The rule of what is narrower stands in
    compatibility.lines.
    """
    alike: dict[tuple[object, ...], list[tuple[int, Statement]]] = defaultdict(list)
    for number, said in lines:
        scope = said.scope
        kind = (scope.make, plain(scope.model), scope.engine, scope.span, bool(scope.countries), said.ability)
        alike[kind].append((number, said))
    wrong: dict[tuple[int, int], str] = {}
    for group in alike.values():
        for (first, one), (second, other) in combinations(group, 2):
            if one.scope.meets(other.scope):
                what = "repeats" if (one.support, one.condition) == (other.support, other.condition) else "contradicts"
                wrong.setdefault((second, first), f"{what} line {first} on {other.ability}")
    return [(second, text) for (second, _), text in sorted(wrong.items())]


def _digest(statements: Iterable[Statement]) -> str:
    # The order of the abilities is part of it: the letters of the matrix are read by their place.
    hashed = sha256(repr(ABILITIES).encode())
    for statement in sorted(map(repr, statements)):
        hashed.update(statement.encode())
    return hashed.hexdigest()
