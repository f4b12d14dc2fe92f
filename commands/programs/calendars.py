"""Public holidays by country and region. The facts are those of the package `holidays`; none are kept here."""

from datetime import date
from functools import lru_cache

MAX_YEARS_KEPT = 512


def regions_of(country: str) -> tuple[str, ...]:
    """Return the codes of a country's regions that have holidays of their own."""
    return _supported().get(country, ())


@lru_cache(maxsize=1)
def _supported() -> dict[str, tuple[str, ...]]:
    # Not at the top: the package takes a third of a second, and most processes never ask for a holiday.
    import holidays

    return {code: tuple(regions) for code, regions in holidays.list_supported_countries(include_aliases=False).items()}


def holiday_name(country: str, region: str, day: date) -> str:
    """Return the name of a public holiday in the country's own language, or "" on any other day."""
    return _holidays(country, region, day.year).get(day, "") if country else ""


@lru_cache(maxsize=MAX_YEARS_KEPT)
def _holidays(country: str, region: str, year: int) -> dict[date, str]:
    import holidays

    # Without a language the names would be those of the machine's.
    language = holidays.country_holidays(country).default_language
    return dict(holidays.country_holidays(country, subdiv=region or None, years=year, language=language))
