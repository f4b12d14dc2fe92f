"""The bar of filters above the matrix: what can be chosen, what is, and the whole filter in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, override, pgettext
from django.utils.translation import gettext as _

from compatibility.catalog import Catalog
from compatibility.facts_of_providers import vocabulary
from compatibility.filters import ANY_COUNTRY, MatrixFilter
from compatibility.titles import TITLES
from compatibility.words import CONTROLS, READS, Engine, Support
from fleet.countries import COUNTRIES

EN_DASH = "\N{EN DASH}"
NAMED_MAX = 2
MAKES_DRAWN_MAX = 200
_makes_drawn: dict[tuple[str, str, str], SafeString] = {}


@dataclass(frozen=True)
class ChoiceBar:
    """What templates/compatibility/_matrix.html shows above the table. The parts are drawn: options and ticks."""

    countries: SafeString
    makes: SafeString
    models: SafeString
    engines: SafeString
    reads: SafeString
    controls: SafeString
    providers: SafeString
    supports: SafeString
    years_chosen: str
    engines_chosen: str
    abilities_chosen: str
    providers_chosen: str


def make_choice_bar(wanted: MatrixFilter, catalog: Catalog) -> ChoiceBar:
    """Return the bar for a filter."""
    language = get_language() or "en"
    providers = {key: provider.name for key, provider in vocabulary().providers.items()}
    supports = [("", _("Works, perhaps with a condition")), (Support.FULL.value, _("Works without a condition"))]
    chosen_support = Support.FULL.value if wanted.support == Support.FULL else ""
    return ChoiceBar(
        countries=options([(ANY_COUNTRY, _("Any country")), *countries(language)], wanted.country or ANY_COUNTRY),
        makes=_makes(catalog, wanted.make),
        models=options(
            [("", pgettext("filter", "Any")), *sorted(catalog.models.get(wanted.make, {}).items(), key=_by_name)],
            wanted.model,
        )
        if wanted.make or wanted.model
        else SafeString(""),
        engines=ticks("engine", [(engine.value, engine.label) for engine in Engine], wanted.engines),
        reads=ticks("command", [(ability, TITLES[ability]) for ability in READS], wanted.abilities),
        controls=ticks("command", [(ability, TITLES[ability]) for ability in CONTROLS], wanted.abilities),
        providers=ticks("provider", sorted(providers.items(), key=_by_name), wanted.providers),
        supports=options(supports, chosen_support),
        years_chosen=years_in_words(wanted),
        engines_chosen=_named(Engine(engine).label for engine in wanted.engines),
        abilities_chosen=_named(TITLES[ability] for ability in wanted.abilities),
        providers_chosen=_named(providers[key] for key in wanted.providers),
    )


@lru_cache(maxsize=8)
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Return the countries by their name in a language."""
    with override(language):
        return tuple(sorted(((code, str(name)) for code, name in COUNTRIES.items()), key=_by_name))


def _makes(catalog: Catalog, chosen: str) -> SafeString:
    """Return the options of the makes; a pretend one only where it is chosen. Drawn once for a load and a choice."""
    key = (catalog.digest, get_language() or "en", chosen)
    drawn = _makes_drawn.get(key)
    if drawn is None:
        shown = [
            (make, name) for make, name in catalog.makes.items() if make not in catalog.only_demo or make == chosen
        ]
        drawn = options([("", pgettext("filter", "Any")), *sorted(shown, key=_by_name)], chosen)
        if len(_makes_drawn) >= MAKES_DRAWN_MAX:
            _makes_drawn.clear()
        _makes_drawn[key] = drawn
    return drawn


def options(choices: Iterable[tuple[str, object]], chosen: str) -> SafeString:
    """Return the options of a select."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, SafeString(" selected") if value == chosen else "", words) for value, words in choices),
    )


def ticks(name: str, choices: Iterable[tuple[str, object]], chosen: Sequence[str]) -> SafeString:
    """Return boxes to tick, one a line."""
    return format_html_join(
        "",
        '<label class="tickline"><input class="box" type="checkbox" name="{}" value="{}"{}>{}</label>',
        ((name, value, SafeString(" checked") if value in chosen else "", words) for value, words in choices),
    )


def years_in_words(wanted: MatrixFilter) -> str:
    """Return the model years of a filter in words; "" for all."""
    if wanted.year_from and wanted.year_to:
        return f"{wanted.year_from} {EN_DASH} {wanted.year_to}"
    if wanted.year_from:
        return _("from {year}").format(year=wanted.year_from)
    return _("until {year}").format(year=wanted.year_to) if wanted.year_to else ""


def filter_in_words(wanted: MatrixFilter, catalog: Catalog) -> str:
    """Return all that a filter narrows, in words, for a caption."""
    providers = vocabulary().providers
    parts = [
        str(COUNTRIES[wanted.country]) if wanted.country else _("any country"),
        catalog.makes.get(wanted.make, ""),
        next((models[wanted.model] for models in catalog.models.values() if wanted.model in models), ""),
        years_in_words(wanted),
        *(str(Engine(engine).label) for engine in wanted.engines),
        *(str(TITLES[ability]) for ability in wanted.abilities),
        *(providers[key].name for key in wanted.providers),
        str(Support(wanted.support).label) if wanted.support else "",
    ]
    return capfirst(", ".join(part for part in parts if part))


def _by_name(choice: tuple[str, object]) -> str:
    return str(choice[1]).casefold()


def _named(words: Iterable[object]) -> str:
    named = [str(word) for word in words]
    if len(named) > NAMED_MAX:
        return _("{first} and {count} more").format(first=named[0], count=len(named) - 1)
    return ", ".join(named)
