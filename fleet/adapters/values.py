"""Reading plain values out of makers' JSON: whatever is not of its kind is None, and never 0 or "off"."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

# A clock that was never set says 1970; whatever lies outside of these years is no time of a reading.
YEARS = range(2000, 2100)


def read_time(raw: object) -> datetime | None:
    """Read an ISO time with a zone, in UTC; None for anything else."""
    if not isinstance(raw, str):
        return None
    try:
        return believable(datetime.fromisoformat(raw))
    except ValueError:
        return None


def believable(value: datetime) -> datetime | None:
    """Return a time in UTC, or None when it has no zone or no clock that runs can have shown it."""
    return value.astimezone(UTC) if value.tzinfo is not None and value.year in YEARS else None


def read_number(raw: object) -> float | None:
    """Read a finite number; None for anything else, texts and truths too."""
    return raw if isinstance(raw, int | float) and not isinstance(raw, bool) and isfinite(raw) else None
