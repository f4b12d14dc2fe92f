"""The one outgoing HTTP client for makers: time limits, no retries, no redirects, and "did a byte leave?"."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
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

Permit = Callable[[], Awaitable[None]]


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
    """A permit that can be used once, and remembers whether bytes may have left."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self.is_used = False
        self.is_released = False

    async def use(self) -> None:
        if self.is_used:
            raise PermitUsedTwice
        self.is_used = True
        await self._permit()
        self.is_released = True


_acting: ContextVar[OnePermit | None] = ContextVar("acting", default=None)


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


class Http:
    """Calls to one maker's cloud. Open it once per event loop: `async with Http() as http`."""

    def __init__(self, *, connections: int = 0) -> None:
        self._connections = connections
        self._reading: aiohttp.ClientSession | None = None
        self._acting: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        jar: AbstractCookieJar = aiohttp.DummyCookieJar()
        self._reading = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections), cookie_jar=jar, trust_env=False
        )
        # Always a fresh connection for what may act: a pooled one can be stale, and then nobody knows whether the
        # request was read before it died.
        self._acting = aiohttp.ClientSession(
            connector=_ActingConnector(limit=self._connections, force_close=True, socket_factory=_make_aborting_socket),
            cookie_jar=jar,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._reading, self._acting):
            if session is not None:
                await session.close()

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
        """Make a call that does not act on a car (token, list, read, wake). Raises NoAnswer."""
        data = aiohttp.FormData(dict(form)) if form is not None else None
        return await self._exchange(
            _opened(self._reading), method, url, headers=headers, json_body=json_body, data=data, timeout_s=timeout_s
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

        Raises PermitRefused and NotWritten (nothing left), NoAnswer (its `was_written` says whether bytes may have),
        PermitUsedTwice when this permit was used before. Never sends again by itself.
        """
        token = _acting.set(permit)
        try:
            return await self._exchange(
                _opened(self._acting), method, url, headers=headers, json_body=json_body, data=None, timeout_s=timeout_s
            )
        except NoAnswer as error:
            raise NoAnswer(error.detail, was_written=permit.is_released) from error
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


def _opened(session: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    if session is None:
        raise RuntimeError("open the client first: async with Http() as http")
    return session


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
