"""How many requests a client may make: sliding windows per client, so that one simulator can play several providers."""

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from simulator.errors import ApiError, InvalidParameter

# name, field of the limit, field of its length, usual length in seconds
_WINDOWS = (("window", "limit", "window_s", 86_400.0), ("minute", "per_minute", "minute_s", 60.0))


@dataclass(slots=True)
class Window:
    """No more than `limit` requests within any `seconds`."""

    limit: int
    seconds: float
    taken_at: deque[float] = field(default_factory=deque)

    def wait_s(self, now: float) -> float:
        """Return 0 when there is room, else the seconds until there is."""
        while self.taken_at and self.taken_at[0] <= now - self.seconds:
            self.taken_at.popleft()
        if len(self.taken_at) < self.limit:
            return 0.0
        return self.taken_at[0] + self.seconds - now if self.taken_at else self.seconds


@dataclass(slots=True)
class ClientQuota:
    """What one client may, has used and has overstepped. A refused request counts as a violation, not as used."""

    windows: dict[str, Window]
    allowed: int = 0
    violations: int = 0

    def take(self, now: float) -> float:
        """Count one request; return 0, or the seconds after which the client may ask again."""
        wait_s = max(window.wait_s(now) for window in self.windows.values())
        if wait_s > 0:
            self.violations += 1
            return wait_s
        self.allowed += 1
        for window in self.windows.values():
            window.taken_at.append(now)
        return 0.0

    def to_wire(self, now: float) -> dict[str, Any]:
        for window in self.windows.values():
            window.wait_s(now)
        return {
            "windows": {
                name: {"limit": window.limit, "seconds": window.seconds, "used": len(window.taken_at)}
                for name, window in self.windows.items()
            },
            "allowed": self.allowed,
            "violations": self.violations,
        }


class Quotas:
    """The quotas of all clients; a client without one may ask as often as it likes."""

    def __init__(self) -> None:
        self._by_client: dict[str, ClientQuota] = {}

    def set(self, client_id: str, fields: dict[str, Any]) -> None:
        """Give a client a quota and begin to count; without any limit it is taken away. Raises InvalidParameter."""
        windows: dict[str, Window] = {}
        for name, limit, seconds, usual in _WINDOWS:
            if fields.get(limit) is not None:
                windows[name] = Window(int(_number(fields, limit)), _number(fields, seconds, usual))
        if windows:
            self._by_client[client_id] = ClientQuota(windows)
        else:
            self._by_client.pop(client_id, None)

    def take(self, client_id: str, now: float) -> None:
        """Count one request of a client. Raises ApiError 429 when it is over its quota."""
        quota = self._by_client.get(client_id)
        if quota is None:
            return
        wait_s = quota.take(now)
        if wait_s > 0:
            raise ApiError(429, "quota_exhausted", headers={"Retry-After": str(max(1, ceil(wait_s)))})

    def show(self, now: float) -> list[dict[str, Any]]:
        return [{"client": client_id, **quota.to_wire(now)} for client_id, quota in self._by_client.items()]

    def clear(self) -> None:
        self._by_client.clear()


def _number(fields: dict[str, Any], name: str, usual: float | None = None) -> float:
    value = fields.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1e9:
        raise InvalidParameter(name)
    return float(value)
