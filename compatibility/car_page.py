"""What the page about one car shows: what each provider says of each ability, and what runs have shown beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.http import Http404, QueryDict
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from compatibility.catalog import Catalog, current_catalog
from compatibility.cells import BY_COUNTRY
from compatibility.choices import countries, options
from compatibility.facts_of_providers import Provider, Source, condition_text, vocabulary
from compatibility.filters import BadFilter, read_filter, read_single, read_year
from compatibility.lookup import Car, Declared, providers_for
from compatibility.measured import Asked, Measured, disagreement, measured_for
from compatibility.models import CarLine
from compatibility.table import ANY_MODEL, OTHER_ENGINE, sign_of
from compatibility.titles import TITLES
from compatibility.words import ABILITIES, BEST_FIRST, CONTROLS, Engine, Support
from fleet.countries import COUNTRIES

# The parameters of a car; everything else in its address is refused.
CAR_PARAMETERS = ("country", "engine", "year", "command", "provider")


@dataclass(frozen=True)
class Said:
    """What one provider says of one ability, ready to be read. measured is None for what is read, not commanded."""

    provider: Provider
    declared: Declared
    sign: SafeString
    words: str
    condition: str
    as_of: str
    source: Source | None
    depends_on: str
    measured: Measured | None
    contradicts: str


@dataclass(frozen=True)
class Section:
    """One ability with all that is said of it, the best answer first."""

    ability: str
    title: str
    sign: SafeString
    words: str
    said: Sequence[Said]
    is_open: bool


@dataclass(frozen=True)
class CarPage:
    """What templates/compatibility/car.html shows. silent: abilities of which nobody says anything, in words."""

    name: str
    about: str
    car: Car
    sections: Sequence[Section]
    silent: str
    address: str
    all_address: str
    matrix_address: str
    compare_address: str
    countries: SafeString
    engines: SafeString
    year: str
    commands: Sequence[str]
    providers: Sequence[str]


def find_model(catalog: Catalog, make_key: str, model_key: str) -> tuple[str, str] | None:
    """Return the names of a make and a model by their keys, model "" for any other; None when we know none such."""
    make = catalog.makes.get(make_key)
    model = "" if model_key == ANY_MODEL else catalog.models.get(make_key, {}).get(model_key)
    return None if make is None or model is None else (make, model)


def read_engine(raw: str) -> str:
    """Return an engine of a car in an address: one of words.Engine, or any other one. Raises BadFilter."""
    if raw and raw != OTHER_ENGINE and raw not in Engine.values:
        raise BadFilter("engine", "unknown_value")
    return raw


def make_car_page(query: QueryDict, make_key: str, model_key: str, *, team_id: UUID | None) -> CarPage:
    """Return the page of a car. Raises Http404 for a make or model that nobody speaks of, BadFilter for the rest."""
    catalog = current_catalog()
    names = find_model(catalog, make_key, model_key)
    if names is None:
        raise Http404
    car, commands, providers = _read_car(query, *names, catalog=catalog)
    said = {
        key: by
        for key, by in providers_for(car).items()
        if (key in providers if providers else not vocabulary().providers[key].is_demo)
    }
    shown = commands or [ability for ability in ABILITIES if any(by[ability].about for by in said.values())]
    measured = _measured(team_id, car, said, shown)
    sections = [_section(ability, said, measured, is_open=bool(commands)) for ability in shown]
    path = reverse("compatibility:car", args=[make_key, model_key])
    of_car = {"country": car.country, "engine": car.engine, "year": str(car.year or "")}
    pairs = [(name, value) for name, value in of_car.items() if value]
    pairs += [("provider", provider) for provider in providers]
    engines = CarLine.objects.filter(make_key=make_key, model_key="" if model_key == ANY_MODEL else model_key)
    name = f"{car.make} {car.model or _('any other model')}"
    return CarPage(
        name=name,
        about=" · ".join([*_about(car), *(vocabulary().providers[provider].name for provider in providers)]),
        car=car,
        sections=sections,
        silent=", ".join(str(TITLES[ability]) for ability in ABILITIES if not commands and ability not in shown),
        address=_address(path, [*pairs, *(("command", command) for command in commands)]),
        all_address=_address(path, pairs) if commands else "",
        matrix_address=_address(
            reverse("compatibility:matrix"),
            [("country", car.country or "any"), ("make", make_key), *([("model", model_key)] if car.model else [])],
        ),
        compare_address=_address(
            reverse("compatibility:compare"),
            [
                *([("country", car.country)] if car.country else []),
                ("car", ":".join([make_key, model_key, car.engine, str(car.year or "")]).rstrip(":")),
            ],
        ),
        countries=options([("", _("Any country")), *countries(get_language() or "en")], car.country),
        engines=options(
            [("", pgettext("filter", "Any")), *_engines(sorted(set(engines.values_list("engine", flat=True))))],
            car.engine,
        ),
        year=str(car.year or ""),
        commands=commands,
        providers=providers,
    )


def _read_car(query: QueryDict, make: str, model: str, *, catalog: Catalog) -> tuple[Car, list[str], tuple[str, ...]]:
    for name in query:
        if name not in CAR_PARAMETERS:
            raise BadFilter(name, "unknown_parameter")
    engine = read_engine(read_single(query, "engine"))
    year = read_year("year", read_single(query, "year"))
    rest = query.copy()
    rest.pop("engine", None)
    rest.pop("year", None)
    wanted = read_filter(rest, catalog=catalog)
    return Car(make, model, year, engine, wanted.country), list(wanted.abilities), wanted.providers


def _address(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _about(car: Car) -> list[str]:
    engine = str(Engine(car.engine).label) if car.engine in Engine.values else car.engine and _("other engines")
    return [
        str(car.year) if car.year else _("any model year"),
        engine or _("any engine"),
        str(COUNTRIES[car.country]) if car.country else _("any country"),
    ]


def _engines(found: Sequence[str]) -> list[tuple[str, str]]:
    named = [(engine, str(Engine(engine).label)) for engine in found if engine]
    return [*named, (OTHER_ENGINE, _("other engines"))] if named and "" in found else named


def _measured(
    team_id: UUID | None, car: Car, said: Mapping[str, Mapping[str, Declared]], shown: Sequence[str]
) -> dict[tuple[str, str], Measured]:
    asked = {
        (provider, ability): Asked(provider, car.make, car.model, car.year, car.country, ability)
        for provider in said
        for ability in shown
        if ability in CONTROLS
    }
    found = measured_for(team_id, asked.values()) if asked else {}
    return {place: found[cell] for place, cell in asked.items()}


def _section(
    ability: str,
    said: Mapping[str, Mapping[str, Declared]],
    measured: Mapping[tuple[str, str], Measured],
    *,
    is_open: bool,
) -> Section:
    found = [
        _said(vocabulary().providers[provider], by[ability], measured.get((provider, ability)))
        for provider, by in said.items()
        if by[ability].about or (measured.get((provider, ability)) or Measured()).sentences
    ]
    # Of equal answers first the one that Fleetwell can use.
    found.sort(
        key=lambda one: (BEST_FIRST.index(one.declared.support), not one.provider.has_adapter, one.provider.name)
    )
    best = found[0] if found else None
    return Section(
        ability=ability,
        title=str(TITLES[ability]),
        sign=best.sign if best else sign_of(Support.UNKNOWN.letter, is_alone=False),
        words=best.words if best else str(Support.UNKNOWN.label),
        said=found,
        is_open=is_open,
    )


def _said(provider: Provider, declared: Declared, measured: Measured | None) -> Said:
    letter = BY_COUNTRY if "country" in declared.varies and declared.support is Support.PARTIAL else ""
    return Said(
        provider=provider,
        declared=declared,
        sign=sign_of(letter or declared.support.letter, is_alone=False),
        words=str(declared.support.label),
        condition=condition_text(declared.condition),
        # Translators: a date format of Django: month and year.
        as_of=date_format(declared.as_of, pgettext("date format", "F Y")) if declared.as_of else "",
        source=vocabulary().sources.get(declared.source),
        depends_on=_depends_on(declared.varies),
        measured=measured,
        contradicts=disagreement(declared.support, measured) if measured else "",
    )


def _depends_on(varies: Sequence[str]) -> str:
    words = {"country": _("the country"), "year": _("the model year"), "engine": _("the engine")}
    return _(" and ").join(words[one] for one in varies)
