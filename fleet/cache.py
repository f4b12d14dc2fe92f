"""What the processes of Fleetwell remember together for minutes: above all how often somebody tried to sign in.

It lies in the Valkey or Redis that is the broker too, under a prefix of its own, and is nothing that may not be lost.
When that does not answer, each process remembers for itself, as it would without one: limits then hold per process,
nobody is kept from signing in, and no page waits longer than the limits below.
"""

import json
import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

PREFIX = "fleetwell-cache"
ANSWER_WITHIN_S = 0.5
# After a failure nobody asks for so long: a broker that hangs would otherwise cost every page its time limit.
REST_S = 5.0
CLEAR_BATCH = 500
MOST_ENTRIES = 10_000

logger = logging.getLogger(__name__)
_clients: dict[str, Any] = {}
_rest_until: dict[str, float] = {}


def caches_for(broker_url: str) -> dict[str, dict[str, Any]]:
    """Return Django's CACHES: the broker's own server where it is a Valkey or Redis, else a table of the database."""
    location = location_of(broker_url)
    if location is None:
        table = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "sign_on_cache"}
        return {"default": table | {"OPTIONS": {"MAX_ENTRIES": MOST_ENTRIES}}}
    options = {
        "socket_timeout": ANSWER_WITHIN_S,
        "socket_connect_timeout": ANSWER_WITHIN_S,
        "retry": Retry(NoBackoff(), retries=0),  # the client's own would wait for seconds
        "serializer": "fleet.cache.JsonSerializer",
    }
    shared = {"BACKEND": "fleet.cache.SharedCache", "LOCATION": location, "KEY_PREFIX": PREFIX, "OPTIONS": options}
    return {"default": shared}


def location_of(broker_url: str) -> str | None:
    """Return a broker's address as the client of Redis wants it; None for another kind of broker."""
    parts = urlsplit(broker_url)
    if parts.scheme == "redis+socket":
        database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
        return f"unix://{quote(unquote(parts.path))}?db={database}"
    return broker_url if parts.scheme in {"redis", "rediss", "unix"} else None


class JsonSerializer:
    """JSON instead of Django's pickle: whoever can write into the broker's server must not run code in ours."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class SharedCache(RedisCache):
    """Redis, and the memory of this process while that does not answer.

    Django makes one of these for every thread, which here is every request: connections, and that there are none, are
    therefore known to the process and not to the object.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = server
        self._own = LocMemCache("fleetwell", {"KEY_PREFIX": PREFIX})

    @cached_property
    def _cache(self) -> Any:
        return _clients.setdefault(self._server, self._class(self._servers, **self._options))

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= _rest_until.get(self._server, 0.0):
            try:
                return getattr(super(), name)(*args, **kwargs)
            except (RedisError, OSError) as error:
                _rest_until[self._server] = time.monotonic() + REST_S
                logger.warning("shared limits are out of reach, each process counts alone: %s", type(error).__name__)
        return getattr(self._own, name)(*args, **kwargs)

    def clear(self) -> bool:
        """Forget what is ours. Redis' own would empty the whole database, and the broker's messages are in it."""

        def forget() -> bool:
            client = self._cache.get_client(write=True)
            for key in client.scan_iter(match=f"{self.key_prefix}:*", count=CLEAR_BATCH):
                client.delete(key)
            return True

        self._own.clear()
        return bool(self._try(forget))

    def _try(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (RedisError, OSError):
            return None


def _falling_back(name: str) -> Callable[..., Any]:
    def method(self: SharedCache, *args: Any, **kwargs: Any) -> Any:
        return self._ask(name, *args, **kwargs)

    method.__name__ = name
    return method


for _name in ("add", "get", "set", "touch", "delete", "has_key", "incr", "get_many", "set_many", "delete_many"):
    setattr(SharedCache, _name, _falling_back(_name))
