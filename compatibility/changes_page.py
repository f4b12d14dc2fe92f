"""What the page of changes shows: the entries of each load, narrowed by make, provider and month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from compatibility.catalog import Catalog
from compatibility.change_words import TONES, because, for_which, name_of, says
from compatibility.changes import PAGE_SIZE, Entry, find_changes, later_loads
from compatibility.facts_of_providers import vocabulary
from compatibility.filters import BadFilter, read_page, read_single

PARAMETERS = ("when", "make", "provider", "page")
THIS_MONTH = "month"


@dataclass(frozen=True)
class ChangeRow:
    says: str
    tone: str
    for_which: str
    because: str


@dataclass(frozen=True)
class EntryCard:
    """One model with one provider, in one load. make: for its mark."""

    name: str
    make: str
    rows: Sequence[ChangeRow]


@dataclass(frozen=True)
class LoadCard:
    loaded_at: datetime
    entries: Sequence[EntryCard]


@dataclass(frozen=True)
class ChangesPage:
    """loads: how many may have changed something; 0: the data was loaded once, and nothing can have changed yet.

    makes, providers: what can be chosen, as (value, name).
    """

    loads: int
    loaded_at: datetime | None
    groups: Sequence[LoadCard]
    makes: Sequence[tuple[str, str]]
    providers: Sequence[tuple[str, str]]
    make: str
    provider: str
    is_this_month: bool
    is_narrowed: bool
    older: str
    newer: str


def make_changes_page(query: QueryDict, catalog: Catalog) -> ChangesPage:
    """Return the page for an address. Raises BadFilter for whatever is not understood."""
    for name in query:
        if name not in PARAMETERS:
            raise BadFilter(name, "unknown_parameter")
    given = {name: read_single(query, name) for name in PARAMETERS}
    providers = {key: provider.name for key, provider in vocabulary().providers.items() if not provider.is_demo}
    known = {"when": {THIS_MONTH}, "make": catalog.makes, "provider": providers}
    for name, values in known.items():
        if given[name] and given[name] not in values:
            raise BadFilter(name, "unknown_value")
    page = read_page(given["page"])
    since = _first_of_month() if given["when"] else None
    entries = find_changes(
        later_loads(since=since),
        make=catalog.makes.get(given["make"], ""),
        provider=given["provider"],
        limit=PAGE_SIZE + 1,
        offset=(page - 1) * PAGE_SIZE,
    )
    if not entries and page > 1:
        raise BadFilter("page", "not_a_page")
    return ChangesPage(
        loads=later_loads().count(),
        loaded_at=catalog.loaded_at,
        groups=_groups(entries[:PAGE_SIZE]),
        makes=[(key, name) for key, name in catalog.makes.items() if key not in catalog.only_demo],
        providers=sorted(providers.items(), key=lambda item: item[1].casefold()),
        make=given["make"],
        provider=given["provider"],
        is_this_month=bool(given["when"]),
        is_narrowed=any(given[name] for name in ("when", "make", "provider")),
        older=_address(given, page + 1) if len(entries) > PAGE_SIZE else "",
        newer=_address(given, page - 1) if page > 1 else "",
    )


def _first_of_month() -> datetime:
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _groups(entries: Sequence[Entry]) -> list[LoadCard]:
    return [
        LoadCard(loaded_at, [_card(entry) for entry in of_load])
        for (_load, loaded_at), of_load in groupby(entries, key=lambda entry: (entry.load_id, entry.loaded_at))
    ]


def _card(entry: Entry) -> EntryCard:
    rows = [
        ChangeRow(says(change), TONES.get(change.kind, ""), for_which(change), because(change))
        for change in entry.changes
    ]
    return EntryCard(name_of(entry), entry.make, rows)


def _address(given: dict[str, str], page: int) -> str:
    pairs = {**given, "page": str(page) if page > 1 else ""}
    return f"{reverse('compatibility:changes')}?{urlencode({name: value for name, value in pairs.items() if value})}"
