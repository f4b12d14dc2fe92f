"""Up to three cars side by side: the same columns as the matrix, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from compatibility.car_page import find_model, read_engine
from compatibility.catalog import Catalog, current_catalog
from compatibility.cells import (
    BEST_FIRST,
    BY_COUNTRY,
    CONDITION,
    EVERY_COLUMN,
    SAYS,
    SILENT,
    UNKNOWN,
    Column,
    letters_of_entry,
)
from compatibility.choices import countries, options
from compatibility.facts_of_providers import vocabulary
from compatibility.filters import BadFilter, read_filter, read_year
from compatibility.lookup import Car, Declared, providers_for
from compatibility.table import OTHER_ENGINE, sign_of
from compatibility.words import ABILITIES, Engine
from fleet.countries import COUNTRIES

CARS_MAX = 3
CAR_MAX_LENGTH = 200


@dataclass(frozen=True)
class Compared:
    """One car of the comparison. address: its own page; without: the comparison without it."""

    name: str
    about: str
    make: str
    address: str
    without: str


@dataclass(frozen=True)
class ComparedCell:
    letter: str
    sign: SafeString
    words: str
    address: str


@dataclass(frozen=True)
class ComparedRow:
    """One column of the matrix, lying down: a cell for each car. differs: not all of them say the same."""

    column: Column
    cells: Sequence[ComparedCell]
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """What templates/compatibility/compare.html shows. named: the cars as the address names them."""

    cars: Sequence[Compared]
    reads: Sequence[ComparedRow]
    controls: Sequence[ComparedRow]
    differences: int
    country: str
    countries: SafeString
    named: Sequence[str]
    may_add: bool
    matrix_address: str

    @property
    def both(self) -> list[Sequence[ComparedRow]]:
        return [self.reads, self.controls]


def make_comparison(query: QueryDict, *, country: str = "") -> Comparison:
    """Return the comparison that an address asks for; country: assumed if it names none. Raises BadFilter."""
    for name in query:
        if name not in {"car", "country"}:
            raise BadFilter(name, "unknown_parameter")
    named = [value for value in query.getlist("car") if value]
    if len(named) > CARS_MAX:
        raise BadFilter("car", "too_many_cars")
    if len(set(named)) < len(named):
        raise BadFilter("car", "given_twice")
    catalog = current_catalog()
    rest = query.copy()
    rest.pop("car", None)
    country = read_filter(rest, country=country, catalog=catalog).country
    cars = [_read_car(value, country, catalog) for value in named]
    letters = [_letters(providers_for(car)) for car in cars]
    addresses = [_address_of_car(value, country) for value in named]
    rows = [_row(column, [by_car[place] for by_car in letters], addresses) for place, column in enumerate(EVERY_COLUMN)]
    return Comparison(
        cars=[
            Compared(
                name=f"{car.make} {car.model or _('any other model')}",
                about=_about(car),
                make=car.make,
                address=address,
                without=_address([other for other in named if other != value], country),
            )
            for car, value, address in zip(cars, named, addresses, strict=True)
        ],
        reads=[row for row in rows if not row.column.is_control],
        controls=[row for row in rows if row.column.is_control],
        differences=sum(row.differs for row in rows),
        country=str(COUNTRIES[country]) if country else "",
        countries=options([("any", _("Any country")), *countries(get_language() or "en")], country or "any"),
        named=named,
        may_add=len(named) < CARS_MAX,
        matrix_address=f"{reverse('compatibility:matrix')}?{urlencode({'country': country or 'any'})}",
    )


def _read_car(value: str, country: str, catalog: Catalog) -> Car:
    """Read make:model[:engine[:year]]. Raises BadFilter."""
    if len(value) > CAR_MAX_LENGTH:
        raise BadFilter("car", "too_long")
    parts = value.split(":")
    names = find_model(catalog, parts[0], parts[1]) if 2 <= len(parts) <= 4 else None
    if names is None:
        raise BadFilter("car", "unknown_value")
    engine, year = [*parts[2:], "", ""][:2]
    return Car(*names, read_year("year", year), read_engine(engine), country)


def _about(car: Car) -> str:
    engine = _("other engines") if car.engine == OTHER_ENGINE else car.engine and str(Engine(car.engine).label)
    return " · ".join(part for part in (str(car.year or ""), engine) if part) or _("any year and engine")


def _letters(said: Mapping[str, Mapping[str, Declared]]) -> list[str]:
    """Return the best letter of all providers for each column."""
    best = [SILENT] * len(EVERY_COLUMN)
    for provider, by_ability in said.items():
        if vocabulary().providers[provider].is_demo:
            continue
        supports = "".join(
            by_ability[ability].support.letter if by_ability[ability].about else SILENT for ability in ABILITIES
        )
        for place, letter in enumerate(letters_of_entry(supports, EVERY_COLUMN)):
            varies = {one for ability in EVERY_COLUMN[place].abilities for one in by_ability[ability].varies}
            found = BY_COUNTRY if letter == CONDITION and varies == {"country"} else letter
            best[place] = min(best[place], found, key=BEST_FIRST.index)
    return [UNKNOWN if letter == SILENT else letter for letter in best]


def _row(column: Column, letters: Sequence[str], addresses: Sequence[str]) -> ComparedRow:
    commands = urlencode([("command", ability) for ability in column.abilities])
    cells = [
        ComparedCell(
            letter,
            sign_of(letter, is_alone=False),
            str(SAYS[letter]),
            f"{address}{'&' if '?' in address else '?'}{commands}",
        )
        for letter, address in zip(letters, addresses, strict=True)
    ]
    return ComparedRow(column, cells, differs=len(set(letters)) > 1)


def _address_of_car(value: str, country: str) -> str:
    make_key, model_key, *rest = value.split(":")
    engine, year = [*rest, "", ""][:2]
    pairs = {"country": country, "engine": engine, "year": year}
    query = urlencode([(name, part) for name, part in pairs.items() if part])
    path = reverse("compatibility:car", args=[make_key, model_key])
    return f"{path}?{query}" if query else path


def _address(named: Sequence[str], country: str) -> str:
    query = urlencode([("country", country or "any"), *(("car", one) for one in named)])
    return f"{reverse('compatibility:compare')}?{query}"
