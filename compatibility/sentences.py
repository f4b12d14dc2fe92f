"""Says an answer in sentences, in the reader's language: as much as is known, with date and source, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from django.utils.dates import MONTHS
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from compatibility.asking import Answer, Group, Said
from compatibility.facts_of_providers import Provider, Source, condition_text, vocabulary
from compatibility.lookup import Car, Declared
from compatibility.titles import TITLES
from compatibility.words import ELSEWHERE, Engine, Support
from fleet.countries import COUNTRIES

MOST_NAMED = 12
VERDICTS: dict[str, Promise] = {
    "yes": gettext_lazy("Yes."),
    "yes_if": gettext_lazy("Yes, with a condition."),
    "no": gettext_lazy("No."),
    "unknown": gettext_lazy("Not known."),
    "depends": gettext_lazy("It depends."),
}
_OF_SUPPORT = {Support.FULL: "yes", Support.PARTIAL: "yes_if", Support.NONE: "no", Support.UNKNOWN: "unknown"}
_MAIN: dict[Support, Promise] = {
    Support.FULL: gettext_lazy("Through {provider}, “{ability}” works on the {car}."),
    Support.PARTIAL: gettext_lazy(
        "Through {provider}, “{ability}” works on the {car}, with this condition: {condition}."
    ),
    Support.NONE: gettext_lazy("Through {provider}, “{ability}” is not offered on the {car}."),
    Support.UNKNOWN: gettext_lazy("The sources on {provider} do not say whether “{ability}” works on the {car}."),
}
# Countries that want an article or another form after "in".
_IN_COUNTRY: dict[str, Promise] = {
    "CH": gettext_lazy("in Switzerland"),
    "GB": gettext_lazy("in the United Kingdom"),
    "NL": gettext_lazy("in the Netherlands"),
    "SK": gettext_lazy("in Slovakia"),
    "TR": gettext_lazy("in Türkiye"),
    "US": gettext_lazy("in the United States"),
}
_GROUP: dict[Support, Promise] = {
    Support.FULL: pgettext_lazy("countries, years or models", "works: {members}"),
    Support.PARTIAL: pgettext_lazy("countries, years or models", "works with a condition: {members}"),
    Support.NONE: pgettext_lazy("countries, years or models", "not offered: {members}"),
    Support.UNKNOWN: pgettext_lazy("countries, years or models", "not known: {members}"),
}
_NOR = gettext_lazy("Not offered through {providers} either.")
_NOT = gettext_lazy("Not offered through {providers}.")
_MIXED = pgettext_lazy("countries, years or models", "in part: {members}")
_DEPENDS: dict[str, Promise] = {
    "country": gettext_lazy("By country: {groups}."),
    "year": gettext_lazy("By model year: {groups}."),
    "engine": gettext_lazy("By engine: {groups}."),
    "model": gettext_lazy("By model: {groups}."),
}
_DEPENDS_TOO: dict[str, Promise] = {
    "country": gettext_lazy("It differs by country as well: name it for a definite answer."),
    "year": gettext_lazy("It differs by model year as well: name it for a definite answer."),
    "engine": gettext_lazy("It differs by engine as well: name it for a definite answer."),
}
_EDGES: dict[str, Promise] = {
    "country": gettext_lazy("In other countries: {groups}."),
    "year": gettext_lazy("In other model years: {groups}."),
}


def month(day: date) -> str:
    """Return the month of a fact as people say it: August 2022."""
    return pgettext("month of a fact", "{month} {year}").format(month=MONTHS[day.month], year=day.year)


def verdict_of(answer: Answer) -> str:
    """Return the answer in one word, a key of VERDICTS."""
    return "depends" if answer.depends and not answer.is_alike else _OF_SUPPORT[answer.support]


def car_text(car: Car) -> str:
    """Return a car as far as it is described: 2022 Volkswagen ID.4 in Germany."""
    name = " ".join(part for part in (car.make, car.model) if part)
    if car.engine and car.year:
        name = _("{year} {name}, {engine},").format(year=car.year, name=name, engine=Engine(car.engine).label)
    elif car.engine:
        name = _("{name}, {engine},").format(name=name, engine=Engine(car.engine).label)
    elif car.year:
        name = _("{year} {name}").format(year=car.year, name=name)
    name = f"{name} {place_text(car.country)}" if car.country else name
    return name.rstrip(",")


def place_text(country: str) -> str:
    """Return where, as it stands in a sentence: in Germany."""
    return str(_IN_COUNTRY[country]) if country in _IN_COUNTRY else _("in {country}").format(country=COUNTRIES[country])


def main_sentences(answer: Answer) -> list[str]:
    """Return the answer without its verdict and without the ways round, each sentence able to stand alone."""
    return list(_main(answer))


def in_one(answer: Answer) -> str:
    """Return the answer with its verdict and without the ways round, as one text."""
    return " ".join([str(VERDICTS[verdict_of(answer)]), *_main(answer)])


def _main(answer: Answer) -> Iterator[str]:
    best = answer.best
    if answer.depends:
        yield from _depends(answer)
    elif best is None:
        yield from _nobody(answer)
    else:
        yield from _best(answer, best)
        yield dated(best.declared)
        if best.declared.about == "make" and answer.car.model:
            yield _("This is said of {make} as a whole, not of the {model} by name.").format(
                make=answer.car.make, model=answer.car.model
            )
        if answer.support in {Support.FULL, Support.PARTIAL}:
            yield from no_adapter([best.provider])
        elif nor := [one.provider.name for one in answer.said[1:] if one.declared.support is Support.NONE]:
            said = _NOR if answer.support is Support.NONE else _NOT
            yield str(said).format(providers=listed(nor))


def _depends(answer: Answer) -> Iterator[str]:
    """Say on what it depends: the first thing in full, the others by name, as the answer there depends on both."""
    first, *others = answer.depends
    yield str(_DEPENDS[first.by]).format(
        groups="; ".join(_group(first.by, group, is_alike=answer.is_alike) for group in first.groups)
    )
    yield from (str(_DEPENDS_TOO[split.by]) for split in others)
    works = [group for group in first.groups if group.support in {Support.FULL, Support.PARTIAL}]
    yield from no_adapter([provider for group in works for provider in group.providers])


def _nobody(answer: Answer) -> Iterator[str]:
    ability, car = TITLES[answer.ability], car_text(answer.car)
    if answer.asked_provider:
        provider = vocabulary().providers[answer.asked_provider].name
        said = _("Nothing that we read says whether “{ability}” works on the {car} through {provider}.")
        yield said.format(ability=ability, car=car, provider=provider)
    else:
        yield _("Nothing that we read says whether “{ability}” works on the {car}.").format(ability=ability, car=car)
    yield _("Unknown is not a yes.")


def _best(answer: Answer, best: Said) -> Iterator[str]:
    condition = condition_text(best.declared.condition)
    yield str(_MAIN[answer.support]).format(
        provider=best.provider.name,
        ability=TITLES[answer.ability],
        car=car_text(answer.car),
        condition=condition or _("the source does not say which"),
    )
    if condition and answer.support is not Support.PARTIAL:
        yield _("What the source adds: {condition}.").format(condition=condition)
    if answer.support is Support.UNKNOWN:
        yield _("Unknown is not a yes.")


def dated(declared: Declared) -> str:
    """Return since when a fact stands and where it was read."""
    source: Source | None = vocabulary().sources.get(declared.source)
    if declared.as_of is None:
        return ""
    if source is None:  # several sources
        return _("From several sources, the oldest as of {month}.").format(month=month(declared.as_of))
    return _("As of {month}, source: {source}.").format(month=month(declared.as_of), source=source.title)


def about_of(declared: Declared) -> str:
    """Return whether a fact names the model or speaks of the whole make."""
    return {"model": _("names the model"), "make": _("said of the whole make")}.get(declared.about, "")


def no_adapter(providers: Sequence[Provider]) -> Iterator[str]:
    """Say of which of these providers Fleetwell itself can make no use yet."""
    names = dict.fromkeys(provider.name for provider in providers if not provider.has_adapter)
    if names:
        yield _("Fleetwell has no adapter for {provider} yet.").format(provider=listed(list(names)))


def ways_round(answer: Answer) -> list[str]:
    """Return what can be done where the answer is no or not known, one sentence each."""
    if answer.support in {Support.FULL, Support.PARTIAL}:
        return []
    ways = [_("Another way: {provider}.").format(provider=_through(one)) for one in answer.others[:MOST_NAMED]]
    ways += [
        str(_EDGES[split.by]).format(groups="; ".join(_group(split.by, group, is_edge=True) for group in split.groups))
        for split in answer.edges
    ]
    if answer.related:
        names = dict.fromkeys(str(TITLES[ability]) for ability, _said in answer.related)
        providers = dict.fromkeys(said.provider.name for _ability, said in answer.related)
        ways.append(
            _("What does work on this car: {abilities} (through {providers}).").format(
                abilities=listed([f"“{name}”" for name in names]), providers=listed(list(providers))
            )
        )
    return ways


def _through(said: Said) -> str:
    words = [said.provider.name, str(said.declared.support.label)]
    if condition := condition_text(said.declared.condition):
        words.append(condition)
    return ": ".join(words)


def _group(by: str, group: Group, *, is_edge: bool = False, is_alike: bool = False) -> str:
    # All others are named; who reads "everywhere else" needs no list.
    named = [ELSEWHERE] if ELSEWHERE in group.members and not is_edge else group.members
    members = listed([_member(by, member) for member in named if not is_edge or member != ELSEWHERE])
    if is_alike and by == "country":
        members = _("everywhere")
    if (is_alike or group.support in {Support.FULL, Support.PARTIAL}) and group.providers and group.as_of:
        names = listed([provider.name for provider in group.providers])
        members = _("{members} ({providers}, {month})").format(
            members=members, providers=names, month=month(group.as_of)
        )
    is_in_part = group.is_mixed and group.support in {Support.FULL, Support.PARTIAL}
    return str(_MIXED if is_in_part else _GROUP[group.support]).format(members=members)


def _member(by: str, member: str | tuple[int | None, int | None]) -> str:
    if isinstance(member, tuple):
        return years_text(*member)
    if by == "country":
        return str(COUNTRIES[member]) if member in COUNTRIES else _("everywhere else")
    if by == "engine":
        return str(Engine(member).label)
    return member or _("any other model")


def years_text(first: int | None, last: int | None) -> str:
    """Return model years as people say them."""
    if first and last:
        return str(first) if first == last else f"{first}–{last}"
    if first:
        return _("from {year} on").format(year=first)
    return _("up to {year}").format(year=last) if last else _("all years")


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence; of many the first, and how many more."""
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return _("{names} and {count} more").format(names=shown, count=more) if more > 0 else shown
