"""Answers a question about a car: what the providers declare, on what it depends, and the way round a no.

No words for people here: compatibility.sentences says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from compatibility.catalog import current_catalog
from compatibility.facts_of_providers import Provider, find_make, vocabulary
from compatibility.lookup import Car, Declared, declared_for, model_keys, providers_for
from compatibility.models import LineEntry
from compatibility.reading import FIRST_YEAR, LAST_YEAR
from compatibility.words import BEST_FIRST, CONTROLS, ELSEWHERE, Engine, Support, plain
from fleet.adapters.commands import KINDS
from fleet.countries import COUNTRIES

WORKS = (Support.FULL, Support.PARTIAL)
# What is read instead, where a car does not take a command: whoever wanted to lock wants to know whether it is locked.
READ_INSTEAD = {
    "control_security": ("read_lock_state", "read_location"),
    "control_charge": ("read_charge", "read_battery"),
    "control_climate": ("read_climate",),
}


Label = str | tuple[int | None, int | None]


@dataclass(frozen=True)
class Said:
    """What one provider declares of one ability."""

    provider: Provider
    declared: Declared


@dataclass(frozen=True)
class Group:
    """Countries, engines, models or spans of years (from, to) in which the answer is the same.

    members: a country may be words.ELSEWHERE: every one that nothing names. is_mixed: even there it depends on more.
    providers: who gives that answer; as_of: the oldest of their facts.
    """

    support: Support
    members: tuple[Label, ...]
    providers: tuple[Provider, ...] = ()
    as_of: date | None = None
    is_mixed: bool = False


@dataclass(frozen=True)
class Split:
    """How an answer differs by one thing. by: "country", "year", "engine" or "model"."""

    by: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Answer:
    """The answer for one car and one ability.

    said: who says something of it, the best answer first. others: who can do it when one provider was asked for that
    cannot. depends: on what is not known of the car. edges: where it would be different although all is known.
    related: what else the car does, of the same kind, and through whom.
    """

    car: Car
    ability: str
    asked_provider: str = ""
    said: tuple[Said, ...] = ()
    others: tuple[Said, ...] = ()
    depends: tuple[Split, ...] = ()
    edges: tuple[Split, ...] = ()
    related: tuple[tuple[str, Said], ...] = ()

    @property
    def best(self) -> Said | None:
        return self.said[0] if self.said else None

    @property
    def support(self) -> Support:
        """Return how well it is supported; UNKNOWN where nobody says anything."""
        if self.is_alike:
            return self.depends[0].groups[0].support
        return self.said[0].declared.support if self.said else Support.UNKNOWN

    @property
    def is_alike(self) -> bool:
        """Say whether it is the same wherever it is asked, by others in each place, though no one says so of all."""
        groups = [group for split in self.depends for group in split.groups]
        return len(groups) == 1 and not groups[0].is_mixed


def answers_about(car: Car, abilities: Sequence[str], *, provider: str = "") -> list[Answer]:
    """Return the answer for each ability. provider: only what this one says counts; others are a way round.

    A handful of queries, whatever is asked. Pretend cars count only when their provider is asked for.
    """
    declared = {
        key: by_ability
        for key, by_ability in providers_for(car).items()
        if key == provider or not vocabulary().providers[key].is_demo
    }
    # Cars of a make without a model: what is said of any other model is not yet the answer for all of them.
    is_general = not plain(car.model)
    answers = [_answer(car, ability, declared, provider) for ability in abilities]
    wanted = {by for answer in answers if answer.best for by in answer.best.declared.varies}
    if any(answer.support not in WORKS for answer in answers):
        wanted |= {"year", "country"}
    if is_general:
        wanted = {"model"}
    if not wanted:
        return answers
    providers = _providers_of(car) if is_general else declared
    found = _try_variants(car, wanted, [key for key in providers if not provider or key == provider], abilities)
    return [_with_splits(answer, found, is_general=is_general) for answer in answers]


def best_first(said: Iterable[Said]) -> list[Said]:
    """Return the better answers first; of equal ones what Fleetwell can use, what names the model, the newest."""
    return sorted(
        said,
        key=lambda one: (
            BEST_FIRST.index(one.declared.support),
            not one.provider.has_adapter,
            one.declared.about != "model",
            -(one.declared.as_of or date.min).toordinal(),
            one.provider.key,
        ),
    )


def _answer(car: Car, ability: str, declared: Mapping[str, Mapping[str, Declared]], provider: str) -> Answer:
    everybody = best_first(_said(ability, declared))
    said = [one for one in everybody if not provider or one.provider.key == provider]
    works = bool(said) and said[0].declared.support in WORKS
    others = [one for one in everybody if one not in said and one.declared.support in WORKS] if not works else []
    related = [] if works or others else list(_related(ability, declared))
    return Answer(car, ability, provider, tuple(said), tuple(others), related=tuple(related))


def _said(ability: str, declared: Mapping[str, Mapping[str, Declared]]) -> Iterator[Said]:
    for key, by_ability in declared.items():
        if by_ability[ability].about:
            yield Said(vocabulary().providers[key], by_ability[ability])


def _related(ability: str, declared: Mapping[str, Mapping[str, Declared]]) -> Iterator[tuple[str, Said]]:
    """Yield what works on the car of the same kind, each with who does it best."""
    if ability not in KINDS:
        return
    scope = KINDS[ability].scope
    for other in (*(one for one in CONTROLS if KINDS[one].scope == scope), *READ_INSTEAD.get(scope, ())):
        best = best_first(_said(other, declared))
        if other != ability and best and best[0].declared.support in WORKS and not best[0].declared.varies:
            yield other, best[0]


# What would change the answer ----------------------------------------------------------------------------------------

# For each kind of difference: the labels that share an answer, and what each provider declares there.
Found = dict[str, list[tuple[tuple[Label, ...], dict[str, dict[str, Declared]]]]]


def _try_variants(car: Car, wanted: Iterable[str], keys: Sequence[str], abilities: Sequence[str]) -> Found:
    """Return what providers declare of the car with one thing changed."""
    lines = [] if "model" in wanted else _lines_of(car)
    variants = [(by, labels, other) for by in sorted(wanted) for labels, other in _variants(car, by, lines)]
    declared = declared_for(((key, other) for _by, _labels, other in variants for key in keys), abilities=abilities)
    found: Found = {}
    for by, labels, other in variants:
        found.setdefault(by, []).append((labels, {key: declared[key, other] for key in keys}))
    return found


def _variants(car: Car, by: str, lines: Sequence[_Line]) -> Iterator[tuple[tuple[Label, ...], Car]]:
    if by == "country":
        yield from ((alike, replace(car, country=alike[0])) for alike in _countries_alike(lines))
    elif by == "engine":
        spoken_of = {line.engine for line in lines}
        engines = [engine.value for engine in Engine if engine.value in spoken_of or "" in spoken_of]
        yield from (((engine,), replace(car, engine=engine)) for engine in engines)
    elif by == "model":
        names = current_catalog().models.get(_make_key(car), {}).values()
        yield from (((name,), replace(car, model=name)) for name in ("", *names))
    else:
        yield from (((span,), replace(car, year=span[0] or span[1])) for span in _spans(lines))


class _Line(NamedTuple):
    """A line that a car may be, and the countries of one of its entries."""

    model_key: str
    engine: str
    year_from: int | None
    year_to: int | None
    is_named: bool
    countries: list[str]


def _lines_of(car: Car) -> list[_Line]:
    """Return the lines of the model that a car is, whatever the engine and the year; in one query."""
    keys = model_keys(car.model)
    entries = LineEntry.objects.filter(line__make_key=_make_key(car), line__model_key__in=keys).order_by().distinct()
    names = ("line__model_key", "line__engine", "line__year_from", "line__year_to", "line__is_named", "countries")
    found = [_Line(*values) for values in entries.values_list(*names)]
    best = next((key for key in keys if any(line.model_key == key for line in found)), "")
    return [line for line in found if line.model_key == best]


def _countries_alike(lines: Sequence[_Line]) -> list[tuple[str, ...]]:
    """Return the countries that stand in the same entries together, and last those that nothing names."""
    alike: dict[frozenset[int], list[str]] = {}
    entries = [frozenset(line.countries) for line in lines]
    for code in COUNTRIES:
        alike.setdefault(frozenset(n for n, countries in enumerate(entries) if code in countries), []).append(code)
    alike.pop(frozenset(), None)
    return [*(tuple(codes) for codes in alike.values()), (ELSEWHERE,)]


def _spans(lines: Sequence[_Line]) -> list[tuple[int | None, int | None]]:
    """Return the years between which something may differ, where the model is spoken of."""
    named = [line for line in lines if line.is_named] or lines
    begins = {line.year_from or FIRST_YEAR for line in named} | {line.year_to + 1 for line in named if line.year_to}
    last = max((line.year_to or LAST_YEAR for line in named), default=FIRST_YEAR)
    cuts = [*sorted(begin for begin in begins if begin <= last), last + 1]
    spans = [(begin, end - 1) for begin, end in pairwise(cuts)]
    return [(None if begin == FIRST_YEAR else begin, None if end == LAST_YEAR else end) for begin, end in spans]


def _make_key(car: Car) -> str:
    make = find_make(car.make)
    return make.key if make else plain(car.make)


def _providers_of(car: Car) -> list[str]:
    """Return the providers that say anything of a make, without those of pretend cars."""
    found = LineEntry.objects.filter(line__make_key=_make_key(car)).order_by().values_list("provider", flat=True)
    known = vocabulary().providers
    return [key for key in found.distinct() if key in known and not known[key].is_demo]


def _with_splits(answer: Answer, found: Found, *, is_general: bool) -> Answer:
    varies = {"model"} if is_general else set(answer.best.declared.varies if answer.best else ())
    depends, edges = [], []
    for by, labels in found.items():
        groups = _groups(answer.ability, labels, by)
        if by in varies:
            # One group alone is no difference, unless it is not what a single provider says of all together.
            is_told = not groups[0].is_mixed and groups[0].support is answer.support
            depends += [] if len(groups) == 1 and is_told else [Split(by, groups)]
        elif answer.support not in WORKS and not is_general:
            works = tuple(group for group in groups if group.support in WORKS and group.members != (ELSEWHERE,))
            edges += [Split(by, works)] if works else []
    return replace(answer, depends=tuple(depends), edges=tuple(edges))


def _groups(ability: str, found: Sequence[tuple[tuple[Label, ...], Mapping[str, Any]]], by: str) -> tuple[Group, ...]:
    members: dict[tuple[Support, bool], list[Label]] = {}
    said: dict[tuple[Support, bool], list[Said]] = {}
    for labels, declared in found:
        best = best_first(_said(ability, declared))[:1]
        key = (best[0].declared.support, bool(best[0].declared.varies)) if best else (Support.UNKNOWN, False)
        members.setdefault(key, []).extend(labels)
        said.setdefault(key, []).extend(best)
    return tuple(
        Group(
            support,
            tuple(_joined(members[support, is_mixed]) if by == "year" else members[support, is_mixed]),
            tuple(dict.fromkeys(one.provider for one in said[support, is_mixed])),
            min((one.declared.as_of for one in said[support, is_mixed] if one.declared.as_of), default=None),
            is_mixed,
        )
        for support in BEST_FIRST
        for is_mixed in (False, True)
        if (support, is_mixed) in members
    )


def _joined(spans: Sequence[Label]) -> list[Label]:
    """Return spans of years with neighbours made one."""
    joined: list[tuple[int | None, int | None]] = []
    for first, last in sorted((span for span in spans if isinstance(span, tuple)), key=lambda span: span[0] or 0):
        if joined and joined[-1][1] is not None and first == joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return list(joined)
