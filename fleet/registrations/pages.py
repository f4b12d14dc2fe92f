"""What the pages of registrations show. No rights are decided here, and no secret is read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.adapters.capabilities import Manifest
from fleet.adapters.registry import ADAPTERS, get_adapter
from fleet.budgets.words import TITLES, money
from fleet.events.models import Event
from fleet.registrations.guide import SHORT
from fleet.registrations.services import is_being_tested, subject_of
from fleet.registrations.words import EXTRAS, NOT_TRIED, failure_words, rate, step_words
from fleet.vehicles.models import ProviderApp

STATES: dict[str, tuple[Promise, str, str]] = {
    "off": (_("Switched off"), "", "pause"),
    "failed": (_("The test failed"), "danger", "warn"),
    "partly": (_("Not all could be tested"), "warn", "warn"),
    "passed": (_("Works"), "ok", "check"),
    "untested": (_("Not tested"), "", "question"),
}


@dataclass(frozen=True)
class Row:
    """One registration in a list."""

    app: ProviderApp
    provider: str
    state: tuple[Promise, str, str]


@dataclass(frozen=True)
class Offer:
    """A provider that a registration can be set up with. commands: how many of the vocabulary."""

    key: str
    name: str
    says: Promise | str
    commands: int


@dataclass(frozen=True)
class TestLine:
    """One step of a test. tone, icon: as for a pill; said: the provider's own words."""

    title: str
    tone: str
    icon: str
    words: str
    said: str


@dataclass(frozen=True)
class Test:
    """What is known of a test. is_running: a worker is at it; is_lost: none came; state: as for a pill."""

    is_running: bool
    is_lost: bool
    tested_at: datetime | None
    state: tuple[Promise, str, str]
    lines: Sequence[TestLine]


@dataclass(frozen=True)
class LimitLine:
    """One limit of the provider's, with what one costs and where it was read."""

    title: Promise
    rate: str
    price: str
    source: str
    checked_on: date


def rows_of(apps: Iterable[ProviderApp]) -> list[Row]:
    return [Row(app, get_adapter(app.provider).manifest.name, STATES[state_of(app)]) for app in apps]


def state_of(app: ProviderApp) -> str:
    """Return a word for how a registration stands: off, or what its last test found."""
    return result_of(app) if app.is_enabled else "off"


def result_of(app: ProviderApp) -> str:
    """Return a word for what the last test found: untested, failed, partly, passed."""
    if app.tested_at is None:
        return "untested"
    found = [check.get("is_ok") for check in app.test_result if check.get("step") not in EXTRAS]
    if not found:
        return "untested"
    return "failed" if False in found else "partly" if None in found else "passed"


def is_offered(key: str) -> bool:
    """Say whether a registration can be set up with a provider; the simulator only where there is one."""
    return key in ADAPTERS and (key != "simulator" or bool(settings.SIMULATOR_URL))


def offers() -> list[Offer]:
    """Return the providers to choose from, makers and brokers by name, the simulator last."""
    manifests = [get_adapter(key).manifest for key in ADAPTERS if is_offered(key)]
    manifests.sort(key=lambda manifest: (manifest.key == "simulator", manifest.name))
    return [
        Offer(manifest.key, manifest.name, SHORT.get(manifest.key, ""), len(manifest.commands))
        for manifest in manifests
    ]


def latest_test(app: ProviderApp) -> Test:
    """Return what is known of the last test."""
    manifest = get_adapter(app.provider).manifest
    is_running = is_being_tested(app)
    is_answered = app.tested_at is not None and app.test_asked_at is not None and app.tested_at >= app.test_asked_at
    return Test(
        is_running=is_running,
        is_lost=app.test_asked_at is not None and not is_running and not is_answered,
        tested_at=app.tested_at,
        state=STATES[result_of(app)],
        lines=[_line(check, manifest) for check in app.test_result],
    )


def _line(check: Mapping[str, Any], manifest: Manifest) -> TestLine:
    step, is_ok, code = str(check.get("step", "")), check.get("is_ok"), str(check.get("code", ""))
    region, said = _apart(str(check.get("detail", "")), manifest.regions)
    title, words = step_words(step, region=region), failure_words(step, code, provider=manifest.name)
    if is_ok:
        return TestLine(title, "ok", "check", "", "")
    if step in EXTRAS:
        return TestLine(title, "", "minus", words, said)
    if is_ok is None:
        return TestLine(title, "warn", "minus", words if code else str(NOT_TRIED), said)
    return TestLine(title, "danger", "warn", words, said)


def _apart(detail: str, regions: Sequence[str]) -> tuple[str, str]:
    """Return the region of a detail such as "eu: HTTP 412", and the rest."""
    first, _sep, rest = detail.partition(":")
    return (first, rest.strip()) if first in regions else ("", detail)


def limit_lines(manifest: Manifest) -> list[LimitLine]:
    """Return what the provider counts, and what it costs there."""
    return [
        LimitLine(
            title=TITLES[limit.resource, limit.per],
            rate=rate(limit.limit, limit.window_s),
            price="" if limit.unit_price is None else money(Decimal(str(limit.unit_price)), limit.currency),
            source=limit.source,
            checked_on=date.fromisoformat(limit.checked_on),
        )
        for limit in manifest.limits
    ]


def set_at(app: ProviderApp) -> dict[str, datetime]:
    """Return when each secret was last set, as the log tells it; one that it no longer tells is absent."""
    kinds = ["provider.registered", "provider.changed"]
    told = Event.objects.filter(team_id=app.team_id, subject=subject_of(app.id), kind__in=kinds).order_by("id")
    return {name: event.at for event in told for name in event.data.get("secrets", [])}


def back_to(team_id: UUID | None) -> str:
    """Return the name of the list that a registration stands in."""
    return "registrations:list" if team_id else "installation_providers:list"
