"""Says a change of the data in sentences, for the page and the feed."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compatibility.changes import Change, Entry
from compatibility.facts_of_providers import condition_text, vocabulary
from compatibility.sentences import listed, month, years_text
from compatibility.titles import TITLES
from compatibility.words import Engine
from fleet.countries import COUNTRIES

SAYS: dict[str, Promise] = {
    "lost": gettext_lazy("No longer works: {abilities}"),
    "gained": gettext_lazy("Works now: {abilities}"),
    "limited": gettext_lazy("Works now only with a condition: {abilities}"),
    "freed": gettext_lazy("Works now without a condition: {abilities}"),
    "condition": gettext_lazy("The condition changed: {abilities}"),
    "refused": gettext_lazy("Known now not to be offered: {abilities}"),
    "opened": gettext_lazy("No longer known not to be offered: {abilities}"),
    "confirmed": gettext_lazy("Looked at anew, still so: {abilities}"),
}
TONES = {"lost": "danger", "gained": "ok", "limited": "warn", "freed": "ok"}


def name_of(entry: Entry) -> str:
    """Return the cars and the provider of an entry: Volkswagen ID.4 through Smartcar."""
    provider = vocabulary().providers.get(entry.provider)
    cars = f"{entry.make} {entry.model}" if entry.model else _("{make}, any other model").format(make=entry.make)
    return _("{cars} through {provider}").format(cars=cars, provider=provider.name if provider else entry.provider)


def says(change: Change) -> str:
    """Return what changed, without for which cars."""
    return str(SAYS[change.kind]).format(abilities=listed([str(TITLES[ability]) for ability in change.abilities]))


def for_which(change: Change) -> str:
    """Return for which cars: years, engine, countries; "" for all."""
    scope = change.scope
    parts = [years_text(scope.year_from, scope.year_to)] if scope.year_from or scope.year_to else []
    parts += [str(Engine(scope.engine).label)] if scope.engine else []
    parts += [listed([str(COUNTRIES.get(code, code)) for code in scope.countries])] if scope.countries else []
    return " · ".join(parts)


def because(change: Change) -> str:
    """Return the ground: condition, date and source."""
    source = vocabulary().sources.get(change.source)
    title = source.title if source else change.source
    if change.is_silent:
        said = _("The sources that we read no longer say so; last as of {month}, source: {source}.")
    else:
        said = _("As of {month}, source: {source}.")
    dated = said.format(month=month(change.as_of), source=title)
    condition = condition_text(change.condition)
    if not condition or change.is_silent:
        return dated
    return f"{_('What the source adds: {condition}.').format(condition=condition)} {dated}"


def sentence(change: Change) -> str:
    """Return a change as one text."""
    cars = for_which(change)
    return f"{says(change)} ({cars}). {because(change)}" if cars else f"{says(change)}. {because(change)}"
