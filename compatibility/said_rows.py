"""The matrix as rows for machines: a line, a provider and some countries, with date and source of each ability.

The API and the files share them. They come in a stable order: make, model, engine, years, provider, countries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Substr

from compatibility.catalog import demo_providers
from compatibility.facts_of_providers import condition_text, vocabulary
from compatibility.filters import MatrixFilter
from compatibility.matrix import matching_lines
from compatibility.models import Fact, LineEntry
from compatibility.words import ABILITIES, ELSEWHERE, POSITION, READS, Support

FIELDS = (
    "make",
    "make_key",
    "model",
    "model_key",
    "year_from",
    "year_to",
    "engine",
    "country",
    "countries",
    "provider",
    "has_adapter",
    "abilities",
)
CHUNK = 200


def entries_said(wanted: MatrixFilter) -> QuerySet[LineEntry]:
    """Return what single providers say, as a filter narrows it; by id, which is the order in which lines were made.

    Each entry holds by itself: with commands, it is of a provider that offers all of them there.
    """
    lines = matching_lines(wanted).order_by().values("id")
    entries = LineEntry.objects.filter(line__in=lines).select_related("line").order_by("id")
    entries = (
        entries.filter(provider__in=wanted.providers)
        if wanted.providers
        else entries.exclude(provider__in=demo_providers())
    )
    if wanted.country:
        names_it = Q(countries__contains=[wanted.country])
        beside = LineEntry.objects.filter(names_it, line=OuterRef("line"), provider=OuterRef("provider"))
        entries = entries.filter(names_it | Q(countries__contains=[ELSEWHERE]) & ~Exists(beside))
    enough = ("f",) if wanted.support == Support.FULL else ("f", "p")
    for ability in wanted.abilities:
        letter = Substr("supports", POSITION[ability] + 1, 1)
        entries = entries.alias(**{ability: letter}).filter(**{f"{ability}__in": enough})
    if wanted.support and not wanted.abilities:
        entries = entries.filter(supports__regex=f"^.{{{len(READS)}}}.*[{''.join(enough)}]")
    return entries


def rows_of(entries: Iterable[LineEntry], *, country: str, fields: Iterable[str] = FIELDS) -> Iterator[dict[str, Any]]:
    """Yield entries as plain values, in the reader's language; one query for the facts of all of them."""
    entries, wanted = list(entries), list(fields)
    ids = {fact_id for entry in entries for fact_id in entry.fact_ids} if "abilities" in wanted else set()
    facts = Fact.objects.in_bulk(ids - {0})
    for entry in entries:
        row = _row(entry, facts, country=country, with_abilities="abilities" in wanted)
        yield {name: row[name] for name in wanted}


def rows_in_chunks(wanted: MatrixFilter) -> Iterator[list[dict[str, Any]]]:
    """Yield all rows of a filter, some at a time, with no more of them in memory.

    A load in between makes all lines anew, with higher ids; who must not mix them looks whether it is still the same.
    """
    last = 0
    entries = entries_said(wanted)
    while chunk := list(entries.filter(id__gt=last)[:CHUNK]):
        yield list(rows_of(chunk, country=wanted.country))
        last = chunk[-1].id


def source_of(fact: Fact) -> dict[str, str]:
    """Return where a fact was read."""
    source = vocabulary().sources.get(fact.source)
    return {"key": fact.source, "title": source.title if source else "", "url": source.url if source else ""}


def _row(entry: LineEntry, facts: Mapping[int, Fact], *, country: str, with_abilities: bool) -> dict[str, Any]:
    line, provider = entry.line, vocabulary().providers.get(entry.provider)
    said = zip(ABILITIES, entry.fact_ids, strict=True) if with_abilities else ()
    return {
        "make": line.make,
        "make_key": line.make_key,
        "model": line.model or None,
        "model_key": line.model_key or None,
        "year_from": line.year_from,
        "year_to": line.year_to,
        "engine": line.engine or None,
        "country": country or None,
        "countries": entry.countries,
        "provider": entry.provider,
        "has_adapter": bool(provider and provider.has_adapter),
        "abilities": {ability: _said(facts[fact_id]) for ability, fact_id in said if fact_id},
    }


def _said(fact: Fact) -> dict[str, Any]:
    return {
        "support": fact.support,
        "condition": condition_text(fact.condition),
        "as_of": f"{fact.as_of:%Y-%m}",
        "source": source_of(fact),
        "about": "model" if fact.model else "make",
    }
