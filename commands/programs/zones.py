"""Local times and the moments they stand for: daylight saving told apart from ordinary days. Pure, no clock is read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# What is strange about a local time: it does not exist, or exists twice.
GAP, TWICE = "gap", "twice"


@dataclass(frozen=True)
class Moment:
    """The moment a local time stands for. note: "" as a rule, "gap" or "twice" on the two odd days of the year."""

    at: datetime
    note: str


def moment_of(local: datetime, zone: ZoneInfo) -> Moment:
    """Return the moment of a local time.

    One that does not exist stands for the first valid moment after the gap; one that exists twice for the first.
    """
    first, second = _offset(local, zone, fold=0), _offset(local, zone, fold=1)
    if first == second:
        return Moment((local - first).replace(tzinfo=UTC), "")
    if first > second:
        return Moment((local - first).replace(tzinfo=UTC), TWICE)
    return Moment(_end_of_gap(local, zone), GAP)


def _offset(local: datetime, zone: ZoneInfo, *, fold: int) -> timedelta:
    offset = local.replace(tzinfo=zone, fold=fold).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always has one
    return offset


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """Find the moment in which the clocks were put forward over `local`, to the second."""
    before, after = _offset(local, zone, fold=0), _offset(local, zone, fold=1)
    # With the offset of after, the local time is just before the change; with that of before, just after it.
    low, high = (local - after).replace(tzinfo=UTC), (local - before).replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
