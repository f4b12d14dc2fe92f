"""The quality card of a provider, and the list of all sources: who says what, how old it is, under which licence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, F, Max, Min, QuerySet, Sum
from django.http import Http404

from compatibility.facts_of_providers import Provider, Source, vocabulary
from compatibility.models import Fact, SharedMeasurement, TeamMeasurement
from compatibility.titles import TITLES
from compatibility.words import ABILITIES, Support
from fleet.adapters.capabilities import CommandCard
from fleet.adapters.registry import get_adapter


@dataclass(frozen=True)
class Span:
    """How many facts of one source there are, and from when to when."""

    source: Source
    facts: int
    oldest: date
    newest: date


@dataclass(frozen=True)
class AbilityRow:
    """What a provider says of one ability over all cars. models: how many for each support; card: what our adapter says
    of the command; runs, proved: what runs have shown, of the reader's own team and of all that share theirs.
    """

    ability: str
    title: str
    full: int
    partial: int
    none: int
    unknown: int
    card: CommandCard | None
    runs: int
    proved: int


@dataclass(frozen=True)
class ProviderPage:
    provider: Provider
    makes: int
    models: int
    rows: Sequence[AbilityRow]
    sources: Sequence[Span]
    has_runs: bool


@dataclass(frozen=True)
class SourcesPage:
    """sources: those of real facts, with the newest first. providers: with how many facts each."""

    sources: Sequence[Span]
    providers: Sequence[tuple[Provider, int]]


def make_provider_page(key: str, *, team_id: UUID | None) -> ProviderPage:
    """Return the card of a provider. Raises Http404 for one that does not exist."""
    provider = vocabulary().providers.get(key)
    if provider is None:
        raise Http404
    facts = Fact.objects.filter(provider=key, ended=None)
    counts = _counts(facts)
    cards = get_adapter(key).manifest.commands if provider.has_adapter else {}
    runs = _runs(key, team_id)
    size = facts.aggregate(makes=Count("make", distinct=True))
    named = facts.exclude(model="").order_by().values("make", "model").distinct().count()
    rows = [
        AbilityRow(
            ability,
            str(TITLES[ability]),
            *(counts[ability].get(support, 0) for support in Support.values),
            cards.get(ability),
            *runs.get(ability, (0, 0)),
        )
        for ability in ABILITIES
        if counts[ability] or ability in cards
    ]
    return ProviderPage(provider, size["makes"], named, rows, spans_of(facts), bool(runs))


def make_sources_page() -> SourcesPage:
    """Return all sources of the facts that hold now, and all providers."""
    facts = Fact.objects.filter(ended=None)
    sizes = dict(facts.order_by().values_list("provider").annotate(Count("id")))
    providers = sorted(vocabulary().providers.values(), key=lambda provider: provider.name.casefold())
    return SourcesPage(spans_of(facts), [(provider, sizes.get(provider.key, 0)) for provider in providers])


def spans_of(facts: QuerySet[Fact]) -> list[Span]:
    """Return the sources of some facts, the newest first; in one query."""
    known = vocabulary().sources
    found = facts.order_by().values("source").annotate(facts=Count("id"), oldest=Min("as_of"), newest=Max("as_of"))
    spans = [
        Span(known[row["source"]], row["facts"], row["oldest"], row["newest"])
        for row in found
        if row["source"] in known
    ]
    return sorted(spans, key=lambda span: (-span.newest.toordinal(), span.source.title.casefold()))


def _counts(facts: QuerySet[Fact]) -> Mapping[str, Mapping[str, int]]:
    """Return by ability and support of how many models (the others of a make count as one) it is said."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    cars = facts.order_by().values("ability", "support", "make", "model").distinct()
    for row in cars:
        of_ability = counts[row["ability"]]
        of_ability[row["support"]] = of_ability.get(row["support"], 0) + 1
    return counts


def _runs(key: str, team_id: UUID | None) -> dict[str, tuple[int, int]]:
    """Return by command how many runs there were and how many were proved: the team's own, else the shared ones."""
    own = TeamMeasurement.objects.filter(team_id=team_id) if team_id else TeamMeasurement.objects.none()
    for measured in (own, SharedMeasurement.objects.all()):
        sums = measured.filter(provider=key).order_by().values("command")
        found = sums.annotate(all_runs=Sum("runs"), proved=Sum(F("confirmed")))
        if runs := {row["command"]: (row["all_runs"], row["proved"]) for row in found}:
            return runs
    return {}
