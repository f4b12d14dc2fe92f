"""What the page of makes shows: those that match and are offered in the owner's country, and how many are not."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from connect.brands import OfferedBrand, search_brands
from connect.countries import guess_country, is_offered_in
from connect.models import ShareLink
from connect.pages import NamedBrand
from fleet.countries import COUNTRIES, country_choices

QUERY_MAX_LENGTH = 60


def said_country(request: HttpRequest, link: ShareLink) -> str:
    """Return the country that somebody named: the owner on the page, else the team in the link; "" when nobody did."""
    if "country" in request.GET:
        asked = request.GET["country"]
        return asked if asked in COUNTRIES else ""
    return link.country


def read_country(request: HttpRequest, link: ShareLink) -> str:
    """Return the country to show makes for: the one that was named, else the browser's, else "" for any."""
    if "country" in request.GET:
        return said_country(request, link)
    return link.country or guess_country(request.headers.get("Accept-Language", ""))


def brand_context(
    brands: list[OfferedBrand], *, query: str, country: str, url_of: Callable[[OfferedBrand], str]
) -> dict[str, Any]:
    """Return what the page shows of these brands. elsewhere: how many match but are not offered here."""
    query = query[:QUERY_MAX_LENGTH]
    found = search_brands(brands, query)
    here = [brand for brand in found if is_offered_in(brand.countries, country)]
    return {
        "brands": [NamedBrand(brand.name, url_of(brand)) for brand in here],
        "elsewhere": len(found) - len(here),
        "query": query,
        "country": country,
        "country_name": COUNTRIES.get(country, ""),
        "countries": country_choices(_("Any country")),
    }
