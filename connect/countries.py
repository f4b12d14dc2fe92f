"""In which country a make is offered, and which one a browser speaks for."""

import re
from collections.abc import Iterable

from fleet.countries import COUNTRIES

_REGION = re.compile(r"[a-z]{2,3}-([A-Za-z]{2})\b")


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
