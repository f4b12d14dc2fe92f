"""What changed since the first load: facts that ended beside facts that came, for each provider and model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from compatibility.catalog import demo_providers
from compatibility.models import DataLoad, Fact
from compatibility.reading import FIRST_YEAR, LAST_YEAR
from compatibility.words import POSITION, Support

WORKS = (Support.FULL, Support.PARTIAL)
# What a change of the facts means for who owns such a car, the weightiest first.
LOST, GAINED, LIMITED, FREED, CONDITION, REFUSED, OPENED, CONFIRMED = KINDS = (
    "lost",
    "gained",
    "limited",
    "freed",
    "condition",
    "refused",
    "opened",
    "confirmed",
)
PAGE_SIZE = 25
FEED_SIZE = 50


@dataclass(frozen=True)
class Scope:
    """The cars a change is about. engine "": any; countries (): everywhere."""

    year_from: int | None
    year_to: int | None
    engine: str
    countries: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One way in which some abilities changed for some cars. condition, as_of, source: of what is said now; of what was
    said last where nothing is said any more (is_silent).
    """

    kind: str
    abilities: tuple[str, ...]
    scope: Scope
    condition: str
    as_of: date
    source: str
    is_silent: bool = False


@dataclass(frozen=True)
class Entry:
    """What one load changed for one model with one provider. model "": any other model of the make."""

    load_id: int
    loaded_at: datetime
    provider: str
    make: str
    model: str
    changes: tuple[Change, ...]


Key = tuple[int, str, str, str]


def later_loads(*, since: datetime | None = None) -> QuerySet[DataLoad]:
    """Return the loads that may have changed something: all after the first of an installation."""
    loads = DataLoad.objects.filter(is_first=False)
    return loads.filter(loaded_at__gte=since) if since else loads


def find_changes(
    loads: QuerySet[DataLoad], *, make: str = "", provider: str = "", limit: int, offset: int = 0
) -> list[Entry]:
    """Return what some loads changed, the newest load first, then by make, model and provider; in three queries."""
    times = dict(loads.values_list("id", "loaded_at"))
    facts = Fact.objects.exclude(provider__in=demo_providers())
    if make:
        facts = facts.filter(make=make)
    if provider:
        facts = facts.filter(provider=provider)
    names = ("make", "model", "provider")
    came = facts.filter(loaded__in=times).order_by().values_list("loaded_id", *names)
    ended = facts.filter(ended__in=times).order_by().values_list("ended_id", *names)
    keys: list[Key] = list(came.union(ended).order_by("-loaded_id", *names)[offset : offset + limit])
    before, after = _sides(facts, keys)
    return [
        Entry(load_id, times[load_id], provider_key, make_name, model, tuple(_compare(before[key], after[key])))
        for key in keys
        for load_id, make_name, model, provider_key in [key]
    ]


def _sides(facts: QuerySet[Fact], keys: Sequence[Key]) -> tuple[Mapping[Key, list[Fact]], Mapping[Key, list[Fact]]]:
    """Return for each key the facts that its load ended, and those that came with it."""
    before: dict[Key, list[Fact]] = defaultdict(list)
    after: dict[Key, list[Fact]] = defaultdict(list)
    loads, makes = {key[0] for key in keys}, {key[1] for key in keys}
    wanted = set(keys)
    found = facts.filter(Q(loaded__in=loads) | Q(ended__in=loads), make__in=makes).order_by("id") if keys else ()
    for fact in found:
        for side, load_id in ((after, fact.loaded_id), (before, fact.ended_id)):
            key = (load_id, fact.make, fact.model, fact.provider)
            if key in wanted:
                side[key].append(fact)
    return before, after


def _compare(before: Iterable[Fact], after: Iterable[Fact]) -> Iterator[Change]:
    """Yield what differs, alike changes of several abilities as one, the weightiest kind first."""
    before, after = list(before), list(after)
    found: dict[tuple[str, Scope, str, date, str, bool], list[str]] = defaultdict(list)
    for fact in after:
        old = [one for one in before if one.ability == fact.ability and _meet(one, fact)]
        kind = _kind(old, fact)
        if kind:
            found[kind, _scope(fact), fact.condition, fact.as_of, fact.source, False].append(fact.ability)
    for fact in before:
        is_over = not any(one.ability == fact.ability and _meet(one, fact) for one in after)
        if is_over and fact.support in WORKS:
            found[LOST, _scope(fact), fact.condition, fact.as_of, fact.source, True].append(fact.ability)
    for key in sorted(found, key=lambda key: (KINDS.index(key[0]), POSITION[found[key][0]])):
        kind, scope, condition, as_of, source, is_silent = key
        abilities = tuple(sorted(found[key], key=POSITION.__getitem__))
        yield Change(kind, abilities, scope, condition, as_of, source, is_silent)


def _kind(old: Sequence[Fact], new: Fact) -> str:
    """Return what it means that a fact came after others about the same cars; "" for what helps nobody to know."""
    worked = any(one.support in WORKS for one in old)
    if new.support not in WORKS:
        if worked:
            return LOST
        if new.support == Support.NONE:
            return REFUSED if not any(one.support == Support.NONE for one in old) else CONFIRMED
        return OPENED if any(one.support == Support.NONE for one in old) else ""
    if not worked:
        return GAINED
    if new.support != old[0].support:
        return FREED if new.support == Support.FULL else LIMITED
    return CONDITION if new.condition != old[0].condition else CONFIRMED


def _meet(one: Fact, other: Fact) -> bool:
    """Say whether two facts are about some same cars."""
    return (
        (not one.engine or not other.engine or one.engine == other.engine)
        and (one.year_from or FIRST_YEAR) <= (other.year_to or LAST_YEAR)
        and (other.year_from or FIRST_YEAR) <= (one.year_to or LAST_YEAR)
        and (not one.countries or not other.countries or bool(set(one.countries) & set(other.countries)))
    )


def _scope(fact: Fact) -> Scope:
    return Scope(fact.year_from, fact.year_to, fact.engine, tuple(fact.countries))
