"""The bar of filters above the list: what can be chosen, what is, and what made no sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from fleet.adapters.rules import InvalidParameter
from fleet.teams.models import Membership
from fleet.vehicles.filter_words import LINKS, ONLINE, YES_NO, choices_of, error_of
from fleet.vehicles.filters import TEXT_MAX_LENGTH, VehicleFilter
from fleet.vehicles.models import SavedFilter, Vehicle
from fleet.vehicles.saved_filters import saved_filters_of


@dataclass(frozen=True)
class Option:
    """One value that can be chosen."""

    value: str
    words: str
    is_chosen: bool


@dataclass(frozen=True)
class Select:
    """One field with its options, of which one is chosen."""

    name: str
    label: str
    options: list[Option]


@dataclass(frozen=True)
class Saved:
    """A filter that the team keeps."""

    id: UUID
    name: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class FilterBar:
    """What templates/vehicles/_filters.html shows.

    makes_chosen, state_chosen, charge_chosen, saved_chosen: what is chosen in words, empty for nothing. raw: what was
    typed, shown again beside its error. query: the filter for an address; address: that of the list.
    """

    chosen: VehicleFilter
    makes: list[Option]
    models: list[Option]
    online: list[Option]
    selects: list[Select]
    makes_chosen: str
    state_chosen: str
    charge_chosen: str
    saved: list[Saved]
    saved_chosen: str
    raw: Mapping[str, str]
    errors: Mapping[str, str]
    query: str
    address: str


def make_filter_bar(query: QueryDict, membership: Membership, everything: QuerySet[Vehicle]) -> FilterBar:
    """Read the filter of an address and return the bar; a query for the makes there are, one for the saved filters."""
    chosen, errors = _read(query)
    known = sorted(set(everything.order_by().values_list("make", "model").distinct()))
    choices = choices_of(chosen)
    models = [model for make, model in known if model and (make in chosen.makes or model in chosen.models)]
    address = chosen.query()
    saved = [_saved(row, address) for row in saved_filters_of(membership)]
    return FilterBar(
        chosen=chosen,
        makes=_options({make: make for make, _model in known if make}, chosen.makes),
        models=_options({model: model for model in models}, chosen.models),
        online=_options(ONLINE, chosen.online),
        selects=_selects(chosen),
        makes_chosen=choices.makes,
        state_chosen=choices.state,
        charge_chosen=choices.charge,
        saved=saved,
        saved_chosen=next((row.name for row in saved if row.is_current), ""),
        raw={name: query.get(name, "")[:TEXT_MAX_LENGTH] for name in ("q", "soc_below", "soc_above")},
        errors=errors,
        query=address,
        address=_address(address),
    )


def _saved(row: SavedFilter, current: str) -> Saved:
    query = VehicleFilter.from_values(row.values).query()
    return Saved(row.id, row.name, _address(query), is_current=bool(current) and query == current)


def _address(query: str) -> str:
    return reverse("vehicles:list") + (f"?{query}" if query else "")


def _read(query: QueryDict) -> tuple[VehicleFilter, dict[str, str]]:
    """Return the filter, or an empty one with what is wrong, by the field's name."""
    cleaned = query.copy()
    # A search that is too long for any plate finds nothing new: it is cut, as it always was.
    cleaned["q"] = query.get("q", "").replace("\x00", "").strip()[:TEXT_MAX_LENGTH]
    try:
        return VehicleFilter.from_query(cleaned), {}
    except InvalidParameter as error:
        return VehicleFilter(), {error.field: error_of(error)}


def _options(words: Mapping[str, object], chosen: tuple[str, ...]) -> list[Option]:
    # A make that no car has any more can still be let go of.
    known = dict(words) | {value: value for value in chosen if value not in words}
    return [Option(value, str(text), value in chosen) for value, text in known.items()]


def _selects(chosen: VehicleFilter) -> list[Select]:
    titles = {"charging": _("Charging now"), "plugged": _("Charging cable"), "locked": _("Doors")}
    selects = [
        Select(name, titles[name], _one_of({"yes": yes, "no": no}, _yes_no(getattr(chosen, name))))
        for name, (yes, no) in YES_NO.items()
    ]
    return [*selects, Select("link", _("Connection"), _one_of(LINKS, chosen.link))]


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _one_of(words: Mapping[str, object], chosen: str) -> list[Option]:
    anything = Option("", pgettext("filter", "Any"), not chosen)
    return [anything, *(Option(value, str(text), value == chosen) for value, text in words.items())]
