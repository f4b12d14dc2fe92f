"""What each kind of rule asks of a car, as one frozen dataclass per kind. Pure: no clock, no database, no words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, ClassVar

# A reading older than this does not tell how the car is now; what is not listed tells nothing of use here.
TELLS_FOR = {
    "online_state": timedelta(minutes=10),
    "in_motion": timedelta(minutes=5),
    "engine_running": timedelta(minutes=5),
    "plugged_in": timedelta(minutes=10),
    "location": timedelta(minutes=15),
    "soc_percent": timedelta(minutes=60),
}
EARTH_RADIUS_KM = 6371.0
RADIUS_LEAST_KM, RADIUS_MOST_KM = 0.1, 1000.0
NAME_MAX_LENGTH = 60
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class InvalidValues(ValueError):
    """Stored or given values do not make a rule of their kind."""


@dataclass(frozen=True)
class Facts:
    """What is known of a car at one moment. zone: where its days and hours are counted; None when it has no known one.

    readings: signal -> (value, when the car observed it). may_look: the car is looked at before anything is sent, so
    a reading that is only too old is no reason yet.
    """

    readings: Mapping[str, tuple[Any, datetime]]
    at: datetime
    zone: tzinfo | None = None
    guest_until: datetime | None = None
    may_look: bool = False

    def tell(self, signal: str) -> Any:
        """Return what the car says of a signal now; None when it does not say, or said it too long ago."""
        reading = self.readings.get(signal)
        if reading is None:
            return None
        value, observed_at = reading
        return value if self.at - observed_at <= TELLS_FOR[signal] else None

    def tell_at_rest(self, signal: str) -> Any:
        """Return a signal of a car that sleeps, however old: it stands where it fell asleep, with what it had."""
        if self.is_asleep and signal in self.readings:
            return self.readings[signal][0]
        return self.tell(signal)

    def is_only_old(self, *signals: str) -> bool:
        """Say whether a look at the car can make these known: it reported each of them before."""
        return self.may_look and all(signal in self.readings for signal in signals)

    @property
    def is_asleep(self) -> bool:
        return self.tell("online_state") == "asleep"


@dataclass(frozen=True)
class Values:
    """Base of all. signals: the readings that the rule asks for.

    asks_for_fact: it can be unknown whether the rule holds; blocks_unknown: what it does then unless the team says so.
    """

    signals: ClassVar[frozenset[str]] = frozenset()
    asks_for_fact: ClassVar[bool] = True
    blocks_unknown: ClassVar[bool] = True

    def is_broken(self, facts: Facts) -> bool | None:
        """Say whether the rule blocks a command now; None when nobody knows."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return what is stored; `read_values` brings it back."""
        raise NotImplementedError


@dataclass(frozen=True)
class Moving(Values):
    """Not while the car moves. with_engine: nor while its engine runs."""

    with_engine: bool = False
    signals = frozenset({"in_motion", "engine_running", "plugged_in", "online_state"})

    def __post_init__(self) -> None:
        _need(isinstance(self.with_engine, bool))

    def is_broken(self, facts: Facts) -> bool | None:
        # A car that sleeps or hangs on its cable stands, whether or not it reports its motion.
        stands = facts.is_asleep or facts.tell("plugged_in") is True
        moves = False if stands else facts.tell("in_motion")
        runs = (False if facts.is_asleep else facts.tell("engine_running")) if self.with_engine else False
        if moves or runs:
            return True
        # An electric car has no engine to report; that alone leaves nothing open.
        if self.with_engine and "engine_running" not in facts.readings:
            runs = False
        if moves is not None and runs is not None:
            return False
        return False if facts.is_only_old("in_motion") else None

    def to_json(self) -> dict[str, Any]:
        return {"with_engine": self.with_engine}


@dataclass(frozen=True)
class Hours(Values):
    """Only on these weekdays (0 is Monday) from `starts` to `ends` by the clock where the car is.

    An end that is not later than the start belongs to the next day; both alike is the whole day.
    """

    weekdays: tuple[int, ...]
    starts: time
    ends: time
    asks_for_fact = False

    def __post_init__(self) -> None:
        _need(bool(self.weekdays) and list(self.weekdays) == sorted(set(self.weekdays)))
        _need(all(type(day) is int and day in EVERY_DAY for day in self.weekdays))
        _need(isinstance(self.starts, time) and isinstance(self.ends, time))
        _need(self.starts.tzinfo is None and self.ends.tzinfo is None)

    def is_broken(self, facts: Facts) -> bool | None:
        if facts.zone is None:
            return None
        # By the clock on the wall: an hour that a change of the clocks repeats counts twice, a skipped one never comes.
        local = facts.at.astimezone(facts.zone)
        clock, today = local.time(), local.weekday()
        if self.starts < self.ends:
            return not (today in self.weekdays and self.starts <= clock < self.ends)
        began_today = today in self.weekdays and clock >= self.starts
        began_yesterday = (today - 1) % 7 in self.weekdays and clock < self.ends
        return not (began_today or began_yesterday)

    def to_json(self) -> dict[str, Any]:
        return {"weekdays": list(self.weekdays), "starts": f"{self.starts:%H:%M}", "ends": f"{self.ends:%H:%M}"}


@dataclass(frozen=True)
class Area(Values):
    """Only inside, or only outside, of a circle. The car's place is compared and forgotten, never kept."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    radius_km: float
    is_inside: bool
    name: str
    signals = frozenset({"location", "online_state"})

    def __post_init__(self) -> None:
        _need(_is_number(self.latitude, -90, 90) and _is_number(self.longitude, -180, 180))
        _need(_is_number(self.radius_km, RADIUS_LEAST_KM, RADIUS_MOST_KM))
        _need(isinstance(self.is_inside, bool))
        _need(isinstance(self.name, str) and 0 < len(self.name) <= NAME_MAX_LENGTH)

    def is_broken(self, facts: Facts) -> bool | None:
        place = facts.tell_at_rest("location")
        if place is None:
            return False if facts.is_only_old("location") else None
        away_km = distance_km(self.latitude, self.longitude, place["latitude"], place["longitude"])
        return (away_km > self.radius_km) is self.is_inside

    def to_json(self) -> dict[str, Any]:
        return {
            "latitude": self.latitude,
            "longitude": self.longitude,
            "radius_km": self.radius_km,
            "is_inside": self.is_inside,
            "name": self.name,
        }


@dataclass(frozen=True)
class ChargeFloor(Values):
    """Not while the battery holds less than so much."""

    percent: int
    signals = frozenset({"soc_percent", "online_state"})
    blocks_unknown = False

    def __post_init__(self) -> None:
        _need(type(self.percent) is int and 1 <= self.percent <= 99)

    def is_broken(self, facts: Facts) -> bool | None:
        charge = facts.tell_at_rest("soc_percent")
        if charge is None:
            return False if facts.is_only_old("soc_percent") else None
        return bool(charge < self.percent)

    def to_json(self) -> dict[str, Any]:
        return {"percent": self.percent}


@dataclass(frozen=True)
class Guest(Values):
    """Not while a guest has the car."""

    asks_for_fact = False

    def is_broken(self, facts: Facts) -> bool | None:
        return facts.guest_until is not None and facts.at < facts.guest_until

    def to_json(self) -> dict[str, Any]:
        return {}


VALUES: Mapping[str, type[Values]] = {
    "moving": Moving,
    "hours": Hours,
    "area": Area,
    "charge_floor": ChargeFloor,
    "guest": Guest,
}


def read_values(kind: str, stored: Mapping[str, Any]) -> Values:
    """Return the values of a rule as they were stored. Raises InvalidValues."""
    plain = dict(stored)
    try:
        if kind == "hours":
            plain = {
                "weekdays": tuple(plain["weekdays"]),
                "starts": time.fromisoformat(plain["starts"]),
                "ends": time.fromisoformat(plain["ends"]),
            }
        return VALUES[kind](**plain)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValues(kind) from error


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the way between two places along the surface (haversine); right across poles and the date line."""
    north = math.radians(other_latitude - latitude)
    east = math.radians(other_longitude - longitude)
    both = math.cos(math.radians(latitude)) * math.cos(math.radians(other_latitude))
    half = math.sin(north / 2) ** 2 + both * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _need(holds: bool) -> None:
    if not holds:
        raise InvalidValues
