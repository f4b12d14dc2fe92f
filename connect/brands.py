"""Which brands an owner can choose: what a worker last read from the providers. Pages never ask a maker."""

import asyncio
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from compatibility.eligibility import makes_that_cannot
from connect import tasks
from connect.models import BrandList, ShareLink
from fleet.adapters.base import Brand
from fleet.adapters.http import Http
from fleet.adapters.registry import get_adapter
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import make_adapter

FRESH_FOR = timedelta(hours=1)
MAX_BRANDS = 500
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class OfferedBrand:
    """A brand and the registration through which its owners sign in."""

    key: str
    name: str
    app_id: UUID
    # Where it is offered, two letters each; none means everywhere.
    countries: tuple[str, ...] = ()
    provider: str = ""


def apps_of(team_id: UUID) -> QuerySet[ProviderApp]:
    """Return the registrations that a team can use: its own before the installation's."""
    return ProviderApp.objects.filter(Q(team_id=team_id) | Q(team=None), is_enabled=True).order_by(
        "team_id", "created_at"
    )


def brands_of(team_id: UUID, *, scopes: Collection[str] = (), country: str = "") -> list[OfferedBrand]:
    """Return what owners can choose for a team, by name. A brand that several registrations offer goes to one of them:
    one of the team's own, if there is any; then the one through which most of the scopes can be used there, then the
    maker's own, the oldest.
    """
    lists = {row.app_id: row.brands for row in BrandList.objects.filter(app__in=apps_of(team_id))}
    offered: dict[str, list[OfferedBrand]] = {}
    own: set[str] = set()
    for app_id, provider, owner_id in apps_of(team_id).values_list("id", "provider", "team_id"):
        # The list of countries came later; a list read before has none until the next hour.
        for key, name, *rest in lists.get(app_id, []):
            countries = tuple(rest[0]) if rest else ()
            if owner_id is not None:
                own.add(key)
            elif key in own:
                continue
            offered.setdefault(key, []).append(OfferedBrand(key, name, app_id, countries, provider))
    return sorted(_choose(offered.values(), scopes, country), key=lambda brand: plain(brand.name))


def _choose(offered: Iterable[list[OfferedBrand]], scopes: Collection[str], country: str) -> list[OfferedBrand]:
    several = [brand for ways in offered if len(ways) > 1 for brand in ways] if scopes else []
    asked = ((brand.provider, brand.name, None) for brand in several)
    unable = makes_that_cannot(asked, country=country, scopes=scopes) if several else {}

    def worth(brand: OfferedBrand) -> tuple[int, bool]:
        can = get_adapter(brand.provider).manifest.scopes & set(scopes)
        can -= unable.get((brand.provider, brand.name, None), frozenset())
        return len(can), brand.provider == brand.key

    # max keeps the first of equals, and the registrations come in their order.
    return [max(ways, key=worth) for ways in offered]


def brands_for(link: ShareLink) -> list[OfferedBrand]:
    """Return what an owner with this link can choose. A repair goes through the registration that is to be repaired."""
    brands = brands_of(link.team_id, scopes=link.scopes_asked, country=link.country or link.team.country)
    if link.repairs is not None:
        app = link.repairs.account.app
        brands = [replace(brand, app_id=app.id, provider=app.provider) for brand in brands]
    return [brand for brand in brands if link.is_for(brand.key)]


def find_brand(team_id: UUID, key: str) -> OfferedBrand | None:
    """Return one brand by its key, or None when it is not offered."""
    return next((brand for brand in brands_of(team_id) if brand.key == key), None)


def search_brands(brands: list[OfferedBrand], query: str) -> list[OfferedBrand]:
    """Return the brands whose name holds the words typed, whatever their case and accents."""
    wanted = plain(query)
    return [brand for brand in brands if wanted in plain(brand.name)]


def plain(text: str) -> str:
    """Return a text as it is compared: no accents, no case, so that "skoda" finds Škoda."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold().strip()


def stale_apps() -> list[UUID]:
    """Return the registrations whose brands were not read for an hour."""
    apps = ProviderApp.objects.filter(is_enabled=True).exclude(brandlist__read_at__gt=timezone.now() - FRESH_FOR)
    return list(apps.values_list("id", flat=True))


def ask_for_brands() -> None:
    """Let workers read what is not fresh; a page that asks does not wait, and goes on without a broker."""
    for app_id in stale_apps():
        transaction.on_commit(partial(tasks.refresh_brands.delay, str(app_id)), robust=True)


def refresh_brands(app: ProviderApp) -> list[Brand]:
    """Read the brands of one registration and keep them. Blocking; for worker processes only. Raises AdapterError.

    An empty answer keeps what was known: a maker that has a bad minute must not empty the page.
    """
    brands = [brand for brand in asyncio.run(_list_brands(app)) if _KEY.fullmatch(brand.key)][:MAX_BRANDS]
    if brands:
        BrandList.objects.update_or_create(
            app=app,
            defaults={
                "brands": [[brand.key, brand.name[:60], list(brand.countries)] for brand in brands],
                "read_at": timezone.now(),
            },
        )
    return brands


async def _list_brands(app: ProviderApp) -> list[Brand]:
    async with Http() as http:
        return await make_adapter(app, http).list_brands()
