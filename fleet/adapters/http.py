"""The one outgoing HTTP client for makers: time limits, no retries, no redirects, and "did a byte leave?"."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractCookieJar
from aiohttp.connector import Connection
from yarl import URL

from fleet.adapters.errors import AdapterError

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
MAX_BODY_BYTES = 1_048_576
MAX_RETRY_AFTER_S = 24 * 3600.0

# A prepaid call that leaves within this time leaves when it was counted.
SOON_S = 0.2

# An idle connection for acting is kept no longer than makers' servers keep theirs.
KEEP_ALIVE_S = 15.0

Permit = Callable[[], Awaitable[None]]
# Takes so many calls from a provider's budget, or raises AdapterError("quota_exhausted").
Take = Callable[[int], Awaitable[None]]
# Counts one call that was taken so many seconds ago from now on, for makers count what arrives; or raises the same.
Renew = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers, and the body read to at most 1 MiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime

    def json(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, or None when it is anything else (HTML, empty, truncated, a list)."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def retry_after_s(self) -> float | None:
        """Return Retry-After as seconds from now, given in seconds or as a date; None when absent or nonsense."""
        raw = self.headers.get("Retry-After", "").strip()
        if not raw:
            return None
        try:
            seconds = float(raw)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(raw) - self.received_at).total_seconds()
            except (ValueError, TypeError):
                return None
        return min(max(seconds, 0.0), MAX_RETRY_AFTER_S) if seconds == seconds else None


class NoAnswer(Exception):
    """Nothing usable came back. `was_written`: bytes of the request may have left this machine."""

    def __init__(self, detail: str, *, was_written: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.was_written = was_written


class PermitUsedTwice(RuntimeError):
    """An adapter tried a second request that may act under one permit. That is a bug, and it is stopped."""


class OnePermit:
    """A permit that can be used once, and remembers whether bytes may have left.

    may_reuse: the request may go over a connection that has carried another one before. Such a one can be stale, and
    then nobody knows whether the request was read before it died: only for what is harmless late.
    left_s: for how long the order may still be carried out, as of now; None where nobody said.
    """

    def __init__(self, permit: Permit, *, may_reuse: bool = False, left_s: float | None = None) -> None:
        self._permit = permit
        self.may_reuse = may_reuse
        self._ends_at = None if left_s is None else time.monotonic() + left_s
        self.is_used = False
        self.is_released = False

    @property
    def left_s(self) -> float:
        """Seconds until the order's deadline, for makers whose cars can be told of it; infinite where nobody said."""
        return math.inf if self._ends_at is None else self._ends_at - time.monotonic()

    async def use(self) -> None:
        if self.is_used:
            raise PermitUsedTwice
        self.is_used = True
        await self._permit()
        self.is_released = True


_acting: ContextVar[OnePermit | None] = ContextVar("acting", default=None)


class Prepaid:
    """Calls taken from the budget beforehand; what is left of them at the end can be given back."""

    def __init__(self, calls: int, renew: Renew | None = None) -> None:
        self.left = calls
        self._renew = renew
        self._began = time.monotonic()

    async def use(self) -> None:
        """Use one of them. Raises AdapterError("quota_exhausted") when it was taken too long ago to count by now."""
        # Refused means run out: there is nothing left of it to give back either.
        self.left -= 1
        age_s = time.monotonic() - self._began
        if self._renew is not None and age_s > SOON_S:
            await self._renew(age_s)


_prepaid: ContextVar[Prepaid | None] = ContextVar("prepaid", default=None)


@contextmanager
def prepaid(calls: int, renew: Renew | None = None) -> Iterator[Prepaid]:
    """Within this context so many calls of a metered client are paid for; only further ones ask the meter.

    renew: asked with the age of the payment before a call that leaves noticeably later than it was paid for.
    """
    paid = Prepaid(calls, renew)
    token = _prepaid.set(paid)
    try:
        yield paid
    finally:
        _prepaid.reset(token)


class _ActingConnector(aiohttp.TCPConnector):
    """Asks the permit between connect (name, TCP and TLS done) and the first byte of the acting request."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        permit = _acting.get()
        if permit is None:
            raise PermitUsedTwice
        connection = await super().connect(req, traces, timeout)
        try:
            await permit.use()
        except BaseException:
            connection.close()
            raise
        return connection


def _make_aborting_socket(address: tuple[Any, ...]) -> socket.socket:
    """Make a socket whose close resets the connection, so that the kernel cannot deliver bytes after we gave up.

    With an ordinary close the kernel keeps retransmitting: a command given up on a dead link arrived 4.6 s later.
    """
    family, kind, protocol, _, _ = address
    sock = socket.socket(family=family, type=kind, proto=protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    return sock


class _Sessions:
    """The sessions of one event loop: one for reading, and two for acting, with fresh and with kept connections."""

    def __init__(self, connections: int) -> None:
        jar: AbstractCookieJar = aiohttp.DummyCookieJar()
        self.reading = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections), cookie_jar=jar, trust_env=False
        )
        fresh = _ActingConnector(limit=connections, force_close=True, socket_factory=_make_aborting_socket)
        kept = _ActingConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_S, socket_factory=_make_aborting_socket)
        self.acting_fresh = aiohttp.ClientSession(connector=fresh, cookie_jar=jar, trust_env=False)
        self.acting_kept = aiohttp.ClientSession(connector=kept, cookie_jar=jar, trust_env=False)

    async def close(self) -> None:
        for session in (self.reading, self.acting_fresh, self.acting_kept):
            await session.close()


class Http:
    """Calls to makers' clouds. Open it once per event loop: `async with Http() as http`."""

    def __init__(self, *, connections: int = 0, sessions: _Sessions | None = None, take: Take | None = None) -> None:
        self._connections = connections
        self._sessions = sessions
        self._take = take

    async def __aenter__(self) -> Self:
        self._sessions = _Sessions(self._connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened().close()

    def metered(self, take: Take) -> Http:
        """Return the same client, each of whose calls first takes one call from a budget unless it was prepaid.

        Calls to a token endpoint are not counted by makers and take nothing.
        """
        return Http(sessions=self._opened(), take=take)

    def _opened(self) -> _Sessions:
        if self._sessions is None:
            raise RuntimeError("open the client first: async with Http() as http")
        return self._sessions

    async def _pay(self) -> None:
        paid = _prepaid.get()
        if paid is not None and paid.left > 0:
            await paid.use()
        elif self._take is not None:
            await self._take(1)

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        timeout_s: float = READ_TIMEOUT_S,
    ) -> Answer:
        """Make a call that does not act on a car (token, list, read, wake).

        Raises NoAnswer, and AdapterError("quota_exhausted") when the budget does not carry it: then nothing was sent.
        """
        if form is None:
            await self._pay()
        data = aiohttp.FormData(dict(form)) if form is not None else None
        return await self._exchange(
            self._opened().reading, method, url, headers=headers, json_body=json_body, data=data, timeout_s=timeout_s
        )

    async def act(
        self,
        method: str,
        url: str,
        *,
        permit: OnePermit,
        headers: Mapping[str, str] | None = None,
        json_body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Answer:
        """Make the one call that may act. The permit is asked between connect and the first byte.

        Raises PermitRefused and NotWritten (nothing left), AdapterError("quota_exhausted") (nothing left, the permit is
        unused), NoAnswer (its `was_written` says whether bytes may have left), PermitUsedTwice when this permit was
        used before. Never sends again by itself.
        """
        if permit.is_used:
            raise PermitUsedTwice
        await self._pay()
        sessions = self._opened()
        session = sessions.acting_kept if permit.may_reuse else sessions.acting_fresh
        token = _acting.set(permit)
        try:
            return await self._exchange(
                session, method, url, headers=headers, json_body=json_body, data=None, timeout_s=timeout_s
            )
        except NoAnswer as error:
            raise NoAnswer(error.detail, was_written=permit.is_released) from error
        except PermitUsedTwice as error:
            # The kept connection died under the request, and aiohttp wanted to send it again over another one.
            raise NoAnswer("ConnectionLost", was_written=True) from error
        finally:
            _acting.reset(token)

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None,
        json_body: Mapping[str, Any] | None,
        data: aiohttp.FormData | None,
        timeout_s: float,
    ) -> Answer:
        limit = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        try:
            async with session.request(
                method,
                URL(url),
                headers=dict(headers or {}),
                json=dict(json_body) if json_body is not None else None,
                data=data,
                timeout=limit,
                allow_redirects=False,
            ) as response:
                body = await _read_bounded(response)
                return Answer(response.status, response.headers, body, datetime.now(UTC))
        except (TimeoutError, aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            # The class names the fault; the text may hold the address with its query, so it is not kept.
            raise NoAnswer(type(error).__name__, was_written=True) from error


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            response.close()
            return bytes(body[:MAX_BODY_BYTES])
    return bytes(body)


def error_for_status(answer: Answer) -> AdapterError:
    """Turn the status of a call that does not act into a typed error, where the maker documents nothing better."""
    status = answer.status
    if status == 401:
        return AdapterError("needs_reconnect", detail=f"HTTP {status}")
    if status == 403:
        return AdapterError("needs_consent", detail="HTTP 403")
    if status == 429:
        return AdapterError("rate_limited", detail="HTTP 429", retry_after_s=answer.retry_after_s() or 30.0)
    if status >= 500:
        return AdapterError("upstream_down", detail=f"HTTP {status}", retry_after_s=answer.retry_after_s())
    return AdapterError("upstream_error", detail=f"HTTP {status}")
