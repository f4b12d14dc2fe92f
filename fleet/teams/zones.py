"""Names of time zones that people choose from, and the zone that a name stands for."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """Return the names that people choose from: places, without the many that only stand for others."""
    kept = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
    return ("UTC", *sorted(kept))


def find_zone(*names: str) -> ZoneInfo:
    """Return the zone of the first name that is one; UTC when none is: one odd name must not stop a schedule."""
    for name in names:
        if name:
            try:
                return ZoneInfo(name)
            except (KeyError, ValueError, OSError):  # not found, not a name, a folder of names
                continue
    return ZoneInfo("UTC")
