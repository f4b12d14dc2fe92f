"""Which rows of the matrix: one filter that the page, the API and the files share, read strictly from an address.

Nothing here ever widens a result: what is not understood is refused, with the name of the parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from compatibility.catalog import Catalog, current_catalog
from compatibility.facts_of_providers import vocabulary
from compatibility.reading import FIRST_YEAR, LAST_YEAR
from compatibility.words import POSITION, Engine, Support
from fleet.countries import COUNTRIES

VALUES_MAX = 50
VALUE_MAX_LENGTH = 100
PAGE_MAX = 2_000
# Says that a country is meant to stay open, where one would else be assumed.
ANY_COUNTRY = "any"
SINGLE = ("country", "make", "model", "year_from", "year_to", "support", "page")
REPEATED = ("engine", "command", "provider")
LABELS: Mapping[str, Promise] = {
    "country": _("Country"),
    "make": _("Make"),
    "model": _("Model"),
    "year_from": _("From model year"),
    "year_to": _("To model year"),
    "year": _("Model year"),
    "engine": _("Engine"),
    "command": _("Must have"),
    "provider": _("Provider"),
    "support": _("Support"),
    "page": _("Page"),
    "car": _("Car"),
}
REASONS: Mapping[str, Promise] = {
    "unknown_parameter": _("There is no filter of this name."),
    "unknown_value": _("This value does not exist."),
    "given_twice": _("This can be given only once."),
    "too_many": _("These are too many values."),
    "too_long": _("This value is too long."),
    "not_a_year": _("A model year is a number from 1990 to 2100."),
    "from_after_to": _("The first model year comes after the last."),
    "not_a_page": _("There is no such page."),
    "too_many_cars": _("At most three cars can be compared."),
}


class BadFilter(ValueError):
    """A filter that makes no sense. field: the parameter's name as it was given; code: a key of REASONS."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field[:VALUE_MAX_LENGTH]!r}: {code}")
        self.field = field[:VALUE_MAX_LENGTH].replace("\x00", "")
        self.code = code

    @property
    def message(self) -> str:
        """Return what is wrong, for people, in their language."""
        return gettext("{field}: {reason}").format(
            field=LABELS.get(self.field, f"“{self.field}”"), reason=REASONS[self.code]
        )


@dataclass(frozen=True)
class MatrixFilter:
    """What narrows the matrix; all of it must hold, and empty fields narrow nothing.

    country: two letters. make, model: keys as words.plain() gives them. abilities: what one and the same provider must
    offer, all of it; support "full": without a condition, else a condition is accepted. providers: only what these say.
    A demo provider counts only when it is named.
    """

    country: str = ""
    make: str = ""
    model: str = ""
    year_from: int | None = None
    year_to: int | None = None
    engines: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    support: str = ""
    page: int = 1

    def pairs(self, *, assumed_country: str = "") -> list[tuple[str, str]]:
        """Return the parameters of an address, always in the same order; read_filter() reads them back.

        assumed_country: what a page takes if the address names no country; "any" then stands for none.
        """
        country = self.country or (ANY_COUNTRY if assumed_country else "")
        single = {
            "country": country,
            "make": self.make,
            "model": self.model,
            "year_from": self.year_from,
            "year_to": self.year_to,
        }
        pairs = [(name, str(value)) for name, value in single.items() if value]
        for name, values in zip(REPEATED, (self.engines, self.abilities, self.providers), strict=True):
            pairs += [(name, value) for value in values]
        pairs += [("support", self.support)] if self.support else []
        return pairs + ([("page", str(self.page))] if self.page > 1 else [])

    def to_query(self, *, assumed_country: str = "") -> str:
        """Return the canonical form for an address, without the question mark."""
        return urlencode(self.pairs(assumed_country=assumed_country))

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is narrowed, whatever the page."""
        return not [name for name, _value in self.pairs() if name != "page"]


def read_filter(
    query: QueryDict, *, extra: Sequence[str] = (), country: str = "", catalog: Catalog | None = None
) -> MatrixFilter:
    """Read a filter from an address. Empty values count as not given.

    extra: parameters that the caller reads. country: what is taken if the address names none; country=any says none.

    Raises BadFilter for whatever is not understood.
    """
    catalog = catalog or current_catalog()
    for name in query:
        if name not in SINGLE and name not in REPEATED and name not in extra:
            raise BadFilter(name, "unknown_parameter")
    one = {name: read_single(query, name) for name in SINGLE}
    made = MatrixFilter(
        country=_country(one["country"], country),
        make=_known("make", one["make"], catalog.makes),
        model=_model(one["model"], one["make"], catalog),
        year_from=read_year("year_from", one["year_from"]),
        year_to=read_year("year_to", one["year_to"]),
        engines=_several(query, "engine", Engine.values),
        abilities=_several(query, "command", list(POSITION)),
        providers=_several(query, "provider", list(vocabulary().providers)),
        support=_known("support", one["support"], (Support.FULL, Support.PARTIAL)),
        page=read_page(one["page"]),
    )
    if made.year_from and made.year_to and made.year_from > made.year_to:
        raise BadFilter("year_from", "from_after_to")
    return made


def read_single(query: QueryDict, name: str) -> str:
    """Return the value of a parameter that may stand only once; "" when it is not given. Raises BadFilter."""
    values = query.getlist(name)
    if len(values) > 1:
        raise BadFilter(name, "given_twice")
    if values and len(values[0]) > VALUE_MAX_LENGTH:
        raise BadFilter(name, "too_long")
    return values[0] if values else ""


def read_year(name: str, raw: str) -> int | None:
    """Return a model year, None for "". Raises BadFilter."""
    if not raw:
        return None
    if not (raw.isascii() and raw.isdigit() and len(raw) == 4 and FIRST_YEAR <= int(raw) <= LAST_YEAR):
        raise BadFilter(name, "not_a_year")
    return int(raw)


def read_page(raw: str) -> int:
    """Return the number of a page, 1 for "". Raises BadFilter."""
    if not raw:
        return 1
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 4 and 1 <= int(raw) <= PAGE_MAX):
        raise BadFilter("page", "not_a_page")
    return int(raw)


def _country(raw: str, assumed: str) -> str:
    if raw == ANY_COUNTRY:
        return ""
    return _known("country", raw, COUNTRIES) or assumed


def _model(raw: str, make: str, catalog: Catalog) -> str:
    makes = [make] if make else list(catalog.models)
    known = {model for key in makes for model in catalog.models.get(key, ())}
    return _known("model", raw, known)


def _known(name: str, raw: str, known: object) -> str:
    if raw and raw not in known:  # type: ignore[operator]
        raise BadFilter(name, "unknown_value")
    return raw


def _several(query: QueryDict, name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the values in the order of `known`, each once, so that the same filter has one address."""
    values = [value for value in query.getlist(name) if value]
    if len(values) > VALUES_MAX:
        raise BadFilter(name, "too_many")
    for value in values:
        _known(name, value, known)
    return tuple(value for value in known if value in values)
