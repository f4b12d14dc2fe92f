"""What the page of makes shows: those that match and are offered in the owner's country, and how many are not."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from compatibility.eligibility import makes_that_cannot
from connect.brands import OfferedBrand, search_brands
from connect.countries import guess_country, is_offered_in
from connect.models import ShareLink
from connect.pages import NamedBrand
from connect.scopes import SCOPES
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
    brands: list[OfferedBrand],
    *,
    query: str,
    country: str,
    needed: Collection[str],
    url_of: Callable[[OfferedBrand], str],
) -> dict[str, Any]:
    """Return what the page shows of these brands. needed: the scopes that the link asks for at least; elsewhere: how
    many match but are not offered here.
    """
    query = query[:QUERY_MAX_LENGTH]
    found = search_brands(brands, query)
    here = [brand for brand in found if is_offered_in(brand.countries, country)]
    unable = makes_that_cannot(((brand.provider, brand.name, None) for brand in here), country=country, scopes=needed)
    return {
        "brands": [
            NamedBrand(brand.name, url_of(brand), _lacks(unable.get((brand.provider, brand.name, None), ())))
            for brand in here
        ],
        "elsewhere": len(found) - len(here),
        "query": query,
        "country": country,
        "country_name": COUNTRIES.get(country, ""),
        "countries": country_choices(_("Any country")),
    }


def _lacks(scopes: Iterable[str]) -> str:
    titles = [str(SCOPES[scope].title) for scope in sorted(scopes) if scope in SCOPES]
    return _("Can’t do what is needed: %(what)s") % {"what": ", ".join(titles)} if titles else ""
