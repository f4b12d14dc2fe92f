"""Working hours: weekdays and a time of the day, by the clock on the wall. Rules of the team count the same way."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

EVERY_DAY = range(7)


def is_within(weekdays: Collection[int], starts: time, ends: time, local: datetime) -> bool:
    """Say whether a local time lies within the hours (0 is Monday).

    An end that is not later than the start belongs to the next day; both alike is the whole day. An hour that a change
    of the clocks repeats counts twice, a skipped one never comes.
    """
    clock, today = local.time(), local.weekday()
    if starts < ends:
        return today in weekdays and starts <= clock < ends
    return (today in weekdays and clock >= starts) or ((today - 1) % 7 in weekdays and clock < ends)


@dataclass(frozen=True)
class WorkingHours:
    """When a role may send commands, by the clock of the team."""

    weekdays: tuple[int, ...]
    starts: time
    ends: time

    def __post_init__(self) -> None:
        if not self.weekdays or list(self.weekdays) != sorted(set(self.weekdays)):
            raise ValueError("weekdays are in order, and at least one")
        if not set(self.weekdays) <= set(EVERY_DAY) or self.starts.tzinfo or self.ends.tzinfo:
            raise ValueError("weekdays are 0 to 6, times have no zone")

    def hold(self, at: datetime, zone: ZoneInfo) -> bool:
        """Say whether it is within these hours at an aware time."""
        return is_within(self.weekdays, self.starts, self.ends, at.astimezone(zone))

    def end_after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the end (UTC) of the hours that hold at this time: nothing may be sent later than that."""
        local = at.astimezone(zone)
        ends_tomorrow = self.starts >= self.ends and local.time() >= self.starts
        day = local.date() + timedelta(days=1 if ends_tomorrow else 0)
        return datetime.combine(day, self.ends, tzinfo=zone).astimezone(UTC)

    def to_json(self) -> dict[str, Any]:
        return {"weekdays": list(self.weekdays), "starts": f"{self.starts:%H:%M}", "ends": f"{self.ends:%H:%M}"}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "WorkingHours":
        starts, ends = time.fromisoformat(stored["starts"]), time.fromisoformat(stored["ends"])
        return cls(tuple(stored["weekdays"]), starts, ends)
