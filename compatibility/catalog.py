"""Which makes, models and years the loaded data speaks of, and how old it is. Read once per load and process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Max, Min

from compatibility.claims import EVERYBODY, Claims, read_claims
from compatibility.facts_of_providers import vocabulary
from compatibility.models import CarLine, DataLoad, Fact


@dataclass(frozen=True)
class Catalog:
    """What one load of the data holds. digest: of that load, "" while there is none; what does not change with it may
    be kept under it.

    makes: names by key; models: of each make the names by key; only_demo: makes that nobody but a pretend provider
    speaks of. with_engines: the keys of makes and models that have lines for an engine of their own. claims: what
    each make's providers say at the most; spans: between which ids its lines lie. oldest, newest: the months of the
    facts, without those of pretend providers.
    """

    digest: str = ""
    loaded_at: datetime | None = None
    makes: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    only_demo: frozenset[str] = frozenset()
    with_engines: frozenset[tuple[str, str]] = frozenset()
    claims: Claims = field(default_factory=dict)
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    oldest: date | None = None
    newest: date | None = None


_kept: tuple[tuple[int, str], Catalog] = ((0, ""), Catalog())


def current_catalog() -> Catalog:
    """Return what the newest load holds: one query to see whether it is still the one that is kept."""
    global _kept  # replaced as a whole: who reads it sees the old one or the new one
    newest = DataLoad.objects.order_by("-id").values_list("id", "digest", "loaded_at").first()
    if newest is None:
        return Catalog()
    key, catalog = _kept
    if key != newest[:2]:
        catalog = _read(newest[1], newest[2])
        _kept = (newest[:2], catalog)
    return catalog


def demo_providers() -> list[str]:
    """Return the providers of pretend cars: left out wherever nobody asks for them by name."""
    return [provider.key for provider in vocabulary().providers.values() if provider.is_demo]


def _read(digest: str, loaded_at: datetime) -> Catalog:
    makes: dict[str, str] = {}
    models: dict[str, dict[str, str]] = {}
    names = CarLine.objects.order_by("make_key", "model_key").values_list("make_key", "make", "model_key", "model")
    for make_key, make, model_key, model in names.distinct():
        makes[make_key] = make
        models.setdefault(make_key, {})
        if model_key:
            models[make_key][model_key] = model
    demo = demo_providers()
    claims = read_claims(demo=demo)
    spans = CarLine.objects.order_by().values_list("make_key").annotate(Min("id"), Max("id"))
    engines = CarLine.objects.exclude(engine="").order_by().values_list("make_key", "model_key").distinct()
    span = (
        Fact.objects.filter(ended=None).exclude(provider__in=demo).aggregate(oldest=Min("as_of"), newest=Max("as_of"))
    )
    return Catalog(
        digest=digest,
        loaded_at=loaded_at,
        makes=makes,
        models=models,
        only_demo=frozenset(make for make, by_provider in claims.items() if EVERYBODY not in by_provider),
        with_engines=frozenset(engines),
        claims=claims,
        spans={make: (first, last) for make, first, last in spans},
        oldest=span["oldest"],
        newest=span["newest"],
    )
