"""How all cars, or one, are told to behave: checking, merging, counting down. Carrying it out is faults' and api's."""

import math
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.commands import COMMANDS
from simulator.errors import InvalidParameter

EVERY_CAR = "*"
LONGEST_WORD = 200
REFUSALS = frozenset(
    {
        "door_open",
        "trunk_open",
        "plug_not_connected",
        "fully_charged",
        "not_parked",
        "in_motion",
        "low_battery",
        "low_12v",
        "valet_mode",
        "remote_access_disabled",
        "user_present",
        "busy",
    }
)
_SPREAD_P95 = 1.6448536  # standard deviations between the median and the 95th percentile


@dataclass(slots=True)
class Countdown:
    """Something that happens a number of times, or always when `left` is None."""

    left: int | None = None

    def take(self) -> bool:
        if self.left is None:
            return True
        if self.left <= 0:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class StatusFault:
    status: int
    countdown: Countdown


@dataclass(slots=True)
class Saying:
    """A maker's own word as the answer to a command, and whether the car acts all the same."""

    word: str
    acts: bool
    countdown: Countdown


@dataclass(slots=True)
class RateLimit:
    retry_after_s: int
    as_date: bool
    countdown: Countdown


@dataclass(slots=True)
class Quota:
    per_minute: int
    taken_at: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> float:
        """Return 0 when there is room, else the seconds until there is."""
        while self.taken_at and self.taken_at[0] <= now - 60:
            self.taken_at.popleft()
        if len(self.taken_at) >= self.per_minute:
            return self.taken_at[0] + 60 - now if self.taken_at else 60.0
        self.taken_at.append(now)
        return 0.0


@dataclass(frozen=True, slots=True)
class Latency:
    kind: str
    first: float
    second: float = 0.0

    def sample_s(self, chance: random.Random) -> float:
        if self.kind == "constant":
            return self.first
        if self.kind == "uniform":
            return chance.uniform(self.first, self.second)
        sigma = math.log(self.second / self.first) / _SPREAD_P95
        return chance.lognormvariate(math.log(self.first), sigma)


@dataclass(slots=True)
class Behaviour:
    """What holds for one car: the general settings with its own on top."""

    latency_s: Latency | None = None
    answer: str = "accept"
    effect_s: float = 0.0
    wake_s: float = 1.5
    wake_fails: bool = False
    offline: bool = False
    asleep: int = 0  # 0: no; else the number of the setting, so that a car woken since stays awake
    refuse: str | None = None
    never_acts: bool = False
    maker_says: Saying | None = None
    patience_s: float = 175.0
    lose_reply: Countdown | None = None
    reset_after_first_byte: Countdown | None = None
    hang: Countdown | None = None
    status_before: StatusFault | None = None
    status_after: StatusFault | None = None
    rate_limit: RateLimit | None = None
    quota: Quota | None = None
    garbage: str | None = None
    slow_body_s: float = 0.0
    token_revoked: bool = False
    access_token_s: float = 3600.0
    refresh_grace_s: float = 0.0
    clock_offset_s: float = 0.0
    scope: str = "commands"
    commands: frozenset[str] | None = None

    def is_faulty_for(self, command: str | None) -> bool:
        """Whether faults apply to this command, or (None) to a request that is no command."""
        if command is None:
            return self.scope == "all"
        return self.commands is None or command in self.commands


PLAIN = Behaviour()


class Behaviours:
    """All settings, and the merged behaviour of each car."""

    def __init__(self) -> None:
        self._raw: dict[str, dict[str, Any]] = {}
        self._parsed: dict[str, dict[str, Any]] = {}
        self._merged: dict[str, Behaviour] = {}
        self._generation = 0

    def for_car(self, car_id: str) -> Behaviour:
        if not self._parsed:
            return PLAIN
        behaviour = self._merged.get(car_id)
        if behaviour is None:
            fields = {**self._parsed.get(EVERY_CAR, {}), **self._parsed.get(car_id, {})}
            behaviour = self._merged[car_id] = Behaviour(**fields)
        return behaviour

    def for_all(self) -> Behaviour:
        return self.for_car(EVERY_CAR)

    def merge(self, target: str, fields: Mapping[str, Any]) -> None:
        """Add settings; null takes one away. Raises InvalidParameter and then changes nothing."""
        self._generation += 1
        parsed = {name: self._parse(name, value) for name, value in fields.items() if value is not None}
        for name in fields:
            if name not in _PARSERS:
                raise InvalidParameter(name)
        raw_target = self._raw.setdefault(target, {})
        parsed_target = self._parsed.setdefault(target, {})
        for name, value in fields.items():
            raw_target.pop(name, None)
            parsed_target.pop(name, None)
            if value is not None:
                raw_target[name] = value
                parsed_target[name] = parsed[name]
        self._merged.clear()

    def reset(self, target: str | None = None) -> None:
        if target is None:
            self._raw.clear()
            self._parsed.clear()
        else:
            self._raw.pop(target, None)
            self._parsed.pop(target, None)
        self._merged.clear()

    def show(self) -> dict[str, dict[str, Any]]:
        return {target: dict(fields) for target, fields in self._raw.items()}

    def _parse(self, name: str, value: Any) -> Any:
        parser = _PARSERS.get(name)
        if parser is None:
            raise InvalidParameter(name)
        if name == "asleep":
            return self._generation if _boolean(name, value) else 0
        return parser(name, value)


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidParameter(name)
    return value


def _number(name: str, value: Any, *, low: float = 0.0, high: float = 86_400.0) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InvalidParameter(name)
    return float(value)


def _count(name: str, value: Any) -> Countdown | None:
    if isinstance(value, bool):
        return Countdown() if value else None
    return Countdown(int(_number(name, value, high=1e9)))


def _fields(name: str, value: Any, allowed: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= allowed:
        raise InvalidParameter(name)
    return value


def _countdown_of(name: str, fields: dict[str, Any]) -> Countdown:
    return Countdown(int(_number(name, fields["count"], high=1e9)) if fields.get("count") is not None else None)


def _latency(name: str, value: Any) -> Latency:
    if not isinstance(value, dict):
        return Latency("constant", _number(name, value))
    if value.keys() == {"p50", "p95"}:
        p50 = _number(name, value["p50"], low=1e-6)
        return Latency("lognormal", p50, _number(name, value["p95"], low=p50))
    if value.keys() == {"min", "max"}:
        least = _number(name, value["min"])
        return Latency("uniform", least, _number(name, value["max"], low=least))
    raise InvalidParameter(name)


def _status(name: str, value: Any) -> StatusFault:
    fields = _fields(name, value, {"status", "count"})
    status = int(_number(name, fields.get("status"), low=400, high=599))
    return StatusFault(status, _countdown_of(name, fields))


def _rate_limit(name: str, value: Any) -> RateLimit:
    fields = _fields(name, value, {"retry_after_s", "count", "date"})
    retry_after_s = int(_number(name, fields.get("retry_after_s", 1)))
    return RateLimit(retry_after_s, _boolean(name, fields.get("date", False)), _countdown_of(name, fields))


def _saying(name: str, value: Any) -> Saying:
    fields = _fields(name, value, {"word", "acts", "count"})
    word = fields.get("word")
    if not isinstance(word, str) or not 0 < len(word) <= LONGEST_WORD:
        raise InvalidParameter(name)
    return Saying(word, _boolean(name, fields.get("acts", False)), _countdown_of(name, fields))


def _quota(name: str, value: Any) -> Quota:
    return Quota(int(_number(name, _fields(name, value, {"per_minute"}).get("per_minute"), high=1e9)))


def _one_of(*words: str) -> Any:
    def parse(name: str, value: Any) -> str:
        if value not in words:
            raise InvalidParameter(name)
        return value

    return parse


def _refusal(name: str, value: Any) -> str:
    if value not in REFUSALS:
        raise InvalidParameter(name)
    return value


def _command_names(name: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word in COMMANDS for word in value):
        raise InvalidParameter(name)
    return frozenset(value)


_PARSERS: dict[str, Any] = {
    "latency_s": _latency,
    "answer": _one_of("accept", "ack"),
    "effect_s": _number,
    "wake_s": _number,
    "wake_fails": _boolean,
    "offline": _boolean,
    "asleep": _boolean,
    "refuse": _refusal,
    "never_acts": _boolean,
    "maker_says": _saying,
    "patience_s": _number,
    "lose_reply": _count,
    "reset_after_first_byte": _count,
    "hang": _count,
    "status_before": _status,
    "status_after": _status,
    "rate_limit": _rate_limit,
    "quota": _quota,
    "garbage": _one_of("html", "truncated", "empty"),
    "slow_body_s": _number,
    "token_revoked": _boolean,
    "access_token_s": _number,
    "refresh_grace_s": _number,
    "clock_offset_s": lambda name, value: _number(name, value, low=-31_536_000.0, high=31_536_000.0),
    "scope": _one_of("commands", "all"),
    "commands": _command_names,
}
