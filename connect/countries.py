"""Countries by name in the reader's language, and which of them a browser speaks for. Two capital letters each."""

import re
from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

COUNTRIES = {
    "AR": _("Argentina"),
    "AT": _("Austria"),
    "AU": _("Australia"),
    "BE": _("Belgium"),
    "BG": _("Bulgaria"),
    "BR": _("Brazil"),
    "CA": _("Canada"),
    "CH": _("Switzerland"),
    "CN": _("China"),
    "CY": _("Cyprus"),
    "CZ": _("Czechia"),
    "DE": _("Germany"),
    "DK": _("Denmark"),
    "EE": _("Estonia"),
    "ES": _("Spain"),
    "FI": _("Finland"),
    "FR": _("France"),
    "GB": _("United Kingdom"),
    "GR": _("Greece"),
    "HR": _("Croatia"),
    "HU": _("Hungary"),
    "IE": _("Ireland"),
    "IN": _("India"),
    "IS": _("Iceland"),
    "IT": _("Italy"),
    "JP": _("Japan"),
    "KR": _("South Korea"),
    "LI": _("Liechtenstein"),
    "LT": _("Lithuania"),
    "LU": _("Luxembourg"),
    "LV": _("Latvia"),
    "MT": _("Malta"),
    "MX": _("Mexico"),
    "NL": _("Netherlands"),
    "NO": _("Norway"),
    "NZ": _("New Zealand"),
    "PL": _("Poland"),
    "PT": _("Portugal"),
    "RO": _("Romania"),
    "SE": _("Sweden"),
    "SG": _("Singapore"),
    "SI": _("Slovenia"),
    "SK": _("Slovakia"),
    "TR": _("Türkiye"),
    "US": _("United States"),
    "ZA": _("South Africa"),
}
_REGION = re.compile(r"[a-z]{2,3}-([A-Za-z]{2})\b")


def country_choices(blank: str) -> list[tuple[str, str]]:
    """Return the choices of a select by name; blank: the words for none."""
    return [("", blank), *sorted(((code, str(name)) for code, name in COUNTRIES.items()), key=lambda item: item[1])]


def is_offered_in(countries: Iterable[str], country: str) -> bool:
    """Say whether what is offered in countries (none: everywhere) is offered in one; "" stands for any."""
    wanted = set(countries)
    return not wanted or not country or country in wanted


def guess_country(accept_language: str) -> str:
    """Return the country of the first language that names one, as "de-CH"; "" when none does.

    "en-US" is what browsers say that were never told anything else, so it says nothing.
    """
    for found in _REGION.finditer(accept_language[:200]):
        code = found[1].upper()
        if code in COUNTRIES and found[0].lower() != "en-us":
            return code
    return ""
