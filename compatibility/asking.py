"""Answers a question about a car: what the providers declare, on what it depends, and the way round a no.

No words for people here: compatibility.sentences says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from compatibility.catalog import current_catalog
from compatibility.facts_of_providers import Provider, find_make, vocabulary
from compatibility.lookup import Car, Declared, declared_for, model_keys, providers_for
from compatibility.models import CarLine, LineEntry
from compatibility.words import BEST_FIRST, CONTROLS, Engine, Support, plain
from fleet.adapters.commands import KINDS
from fleet.countries import COUNTRIES

WORKS = (Support.FULL, Support.PARTIAL)
# What is read instead, where a car does not take a command: whoever wanted to lock wants to know whether it is locked.
READ_INSTEAD = {
    "control_security": ("read_lock_state", "read_location"),
    "control_charge": ("read_charge", "read_battery"),
    "control_climate": ("read_climate",),
}


@dataclass(frozen=True)
class Said:
    """What one provider declares of one ability."""

    provider: Provider
    declared: Declared


@dataclass(frozen=True)
class Group:
    """Countries, engines, models or spans of years (from, to) in which the answer is the same."""

    support: Support
    members: tuple[str | tuple[int | None, int | None], ...]
    providers: tuple[Provider, ...]


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
        return self.said[0].declared.support if self.said else Support.UNKNOWN

    @property
    def is_known(self) -> bool:
        """Say whether the car is described well enough for the answer to be one."""
        return not self.depends


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
    found = _try_variants(car, wanted, _providers_of(car) if is_general else declared, provider)
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

Label = str | tuple[int | None, int | None]
Found = dict[str, dict[Label, dict[str, dict[str, Declared]]]]


def _try_variants(car: Car, wanted: Iterable[str], providers: Iterable[str], provider: str) -> Found:
    """Return by kind of difference, label and provider what is declared of the car with one thing changed."""
    keys = [key for key in providers if not provider or key == provider]
    variants = {(by, label): other for by in sorted(wanted) for label, other in _variants(car, by)}
    declared = declared_for((key, other) for other in variants.values() for key in keys)
    found: Found = {}
    for (by, label), other in variants.items():
        found.setdefault(by, {})[label] = {key: declared[key, other] for key in keys}
    return found


def _variants(car: Car, by: str) -> Iterator[tuple[Label, Car]]:
    if by == "country":
        yield from ((code, replace(car, country=code)) for code in COUNTRIES)
    elif by == "engine":
        yield from ((engine.value, replace(car, engine=engine.value)) for engine in Engine)
    elif by == "model":
        make = find_make(car.make)
        names = current_catalog().models.get(make.key if make else plain(car.make), {}).values()
        yield from ((name, replace(car, model=name)) for name in ("", *names))
    else:
        for first, last in _spans_of(car):
            yield (first, last), replace(car, year=first or last)


def _spans_of(car: Car) -> list[tuple[int | None, int | None]]:
    """Return the years between which something may differ, where the model is spoken of."""
    make = find_make(car.make)
    lines = CarLine.objects.filter(make_key=make.key if make else plain(car.make))
    for key in model_keys(car.model):
        years = list(lines.filter(model_key=key).values_list("year_from", "year_to", "is_named"))
        if not years:
            continue
        named = [(first, last) for first, last, is_named in years if is_named] or [one[:2] for one in years]
        begins = sorted({first or 0 for first, _ in named} | {last + 1 for _, last in named if last})
        ends_at = max(last or 9999 for _, last in named)
        cuts = [begin for begin in begins if begin <= ends_at]
        spans = [
            (begin or None, None if end > 9999 else end)
            for begin, end in zip(cuts, [*(cut - 1 for cut in cuts[1:]), ends_at], strict=True)
        ]
        return [span for span in spans if span != (None, None)]
    return []


def _providers_of(car: Car) -> list[str]:
    """Return the providers that say anything of a make, without those of pretend cars."""
    make = find_make(car.make)
    found = LineEntry.objects.filter(line__make_key=make.key if make else plain(car.make)).order_by().distinct()
    known = vocabulary().providers
    return [key for key in found.values_list("provider", flat=True) if key in known and not known[key].is_demo]


def _with_splits(answer: Answer, found: Found, *, is_general: bool) -> Answer:
    varies = {"model"} if is_general else set(answer.best.declared.varies if answer.best else ())
    depends, edges = [], []
    for by, labels in found.items():
        groups = _groups(answer.ability, labels, by)
        if by in varies:
            depends += [Split(by, groups)] if len(groups) > 1 else []
        elif answer.support not in WORKS and not is_general:
            works = tuple(group for group in groups if group.support in WORKS)
            edges += [Split(by, works)] if works else []
    if is_general and not depends and found:
        answer = _same_for_all(answer, found["model"])
    return replace(answer, depends=tuple(depends), edges=tuple(edges))


def _same_for_all(answer: Answer, labels: Mapping[Label, Mapping[str, Mapping[str, Declared]]]) -> Answer:
    """Return the answer of some model for a make of whose models nothing is said in general."""
    if answer.said:
        return answer
    said = (best_first(_said(answer.ability, declared)) for declared in labels.values())
    return replace(answer, said=tuple(next((one for one in said if one), ())))


def _groups(ability: str, labels: Mapping[Label, Mapping[str, Mapping[str, Declared]]], by: str) -> tuple[Group, ...]:
    members: dict[Support, list[Label]] = {}
    providers: dict[Support, dict[str, Provider]] = {}
    for label, declared in labels.items():
        best = best_first(_said(ability, declared))[:1]
        support = best[0].declared.support if best else Support.UNKNOWN
        members.setdefault(support, []).append(label)
        providers.setdefault(support, {}).update({one.provider.key: one.provider for one in best})
    return tuple(
        Group(
            support,
            tuple(_joined(members[support]) if by == "year" else members[support]),
            tuple(providers[support].values()),
        )
        for support in BEST_FIRST
        if support in members
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
