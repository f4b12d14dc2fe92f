"""Answering badly on purpose: waiting, status codes, garbage, dying connections. Which fault is due is behaviours'."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from simulator.behaviours import Behaviour
from simulator.errors import ApiError
from simulator.world import World

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST instead of FIN
HANG_UP_CHECK_S = 2.0
Note = Callable[[str], None]


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=json.dumps(body, separators=(",", ":")).encode(),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def error_response(error: ApiError) -> web.Response:
    return json_response(error.to_wire(), status=error.status, headers=error.headers)


def gate(world: World, behaviour: Behaviour) -> None:
    """Raise the error of a cloud that does not even ask the car."""
    limit = behaviour.rate_limit
    if limit is not None and limit.countdown.take():
        raise ApiError(
            429, "rate_limited", headers={"Retry-After": _retry_after(limit.retry_after_s, as_date=limit.as_date)}
        )
    if behaviour.quota is not None:
        wait_s = behaviour.quota.take(world.now())
        if wait_s > 0:
            raise ApiError(429, "quota_exhausted", headers={"Retry-After": str(int(wait_s) + 1)})
    fault = behaviour.status_before
    if fault is not None and fault.countdown.take():
        raise ApiError(fault.status, "upstream")


class LateResponse(web.Response):
    """An answer whose head goes out at once, without a length, and whose body follows when `body_later` has it."""

    def __init__(self, *, status: int, body_later: Callable[[], Awaitable[bytes]]) -> None:
        super().__init__(status=status, content_type="application/json")
        self.body_later = body_later


async def deliver(
    request: web.Request,
    behaviour: Behaviour,
    response: web.Response,
    note: Note,
    *,
    word_error: Callable[[ApiError], web.Response] = error_response,
) -> web.StreamResponse:
    """Send the answer, or whatever the behaviour makes of it. `note` hears how it went before the answer leaves."""
    if behaviour.lose_reply is not None and behaviour.lose_reply.take():
        note("lost")
        return _close(request)
    if behaviour.reset_after_first_byte is not None and behaviour.reset_after_first_byte.take():
        note("reset")
        return await _reset_after_first_byte(request)
    if behaviour.hang is not None and behaviour.hang.take():
        note("hung")
        return await _wait_for_hang_up(request)
    fault = behaviour.status_after
    if fault is not None and fault.countdown.take():
        note(f"status_{fault.status}")
        return word_error(ApiError(fault.status, "upstream"))
    if behaviour.garbage is not None:
        note(behaviour.garbage)
        return await _garble(request, behaviour.garbage, response)
    if behaviour.slow_body_s > 0:
        note("sent")
        return await _drip(request, response, behaviour.slow_body_s)
    note("sent")
    return await finish(request, response)


async def finish(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Return the answer for the server to send; a late one is sent here, as its body comes."""
    if not isinstance(response, LateResponse):
        return response
    stream = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    await stream.write(await response.body_later())
    return stream


async def serve(
    request: web.Request,
    world: World,
    behaviour: Behaviour,
    act: Callable[[], web.Response],
    *,
    word_error: Callable[[ApiError], web.Response] = error_response,
) -> web.StreamResponse:
    """Answer a request that is no command, with faults if the behaviour's scope covers it."""
    if not behaviour.is_faulty_for(None):
        return act()
    try:
        if behaviour.latency_s is not None:
            await asyncio.sleep(behaviour.latency_s.sample_s(world.chance))
        gate(world, behaviour)
        response = act()
    except ApiError as error:
        return word_error(error)
    return await deliver(request, behaviour, response, lambda _reply: None, word_error=word_error)


def _retry_after(seconds: int, *, as_date: bool) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True) if as_date else str(seconds)


async def _wait_for_hang_up(request: web.Request) -> web.Response:
    # aiohttp tells a handler of a lost connection only by cancelling it, which would also stop a car that is acting.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - nothing to wait on
        await asyncio.sleep(HANG_UP_CHECK_S)
    return web.Response()


def _close(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _reset_after_first_byte(request: web.Request) -> web.Response:
    transport = request.transport
    if transport is not None and not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.write(b"HTTP/1.1 2")
        # The bytes must be on their way before the abort, which throws away what is still buffered.
        await asyncio.sleep(0.02)
        transport.abort()
    return web.Response()


async def _garble(request: web.Request, kind: str, response: web.Response) -> web.StreamResponse:
    if kind == "html":
        page = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
        return web.Response(body=page, status=200, content_type="text/html")
    if kind == "empty":
        return web.Response(body=b"", status=response.status, content_type="application/json")
    whole = await _whole(response)
    stream = _stream_like(response, len(whole))
    await stream.prepare(request)
    await stream.write(whole[: len(whole) // 2])
    return _close(request)


async def _drip(request: web.Request, response: web.Response, seconds: float) -> web.StreamResponse:
    whole = await _whole(response)
    stream = _stream_like(response, len(whole))
    await stream.prepare(request)
    for position in range(len(whole)):
        if request.transport is None:
            break
        await stream.write(whole[position : position + 1])
        await asyncio.sleep(seconds / len(whole))
    return stream


async def _whole(response: web.Response) -> bytes:
    if isinstance(response, LateResponse):
        return await response.body_later()
    return bytes(response.body)  # type: ignore[arg-type]


def _stream_like(response: web.Response, length: int) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    stream.content_length = length
    return stream
