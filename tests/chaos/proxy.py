"""The toxic TCP proxy: `python -m tests.chaos.proxy CONFIG`, a process of its own between ours and what they talk to.

CONFIG is a JSON file: {"control": PORT, "departures": FILE, "listeners": {NAME: {"port", "to", "watch"}}}, `to` a TCP
port or a unix socket. The control port takes JSON lines {"listener", "toxic"}. A listener that is watched notes when
each request, known by its X-Request-Id, left the client.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import uvloop

from tests.chaos.toxics import Toxic

CHUNK = 65_536
REQUEST_ID = re.compile(rb"x-request-id: ?([0-9a-f-]{36})\r", re.IGNORECASE)
LONGEST_HEADER = 128
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close sends RST instead of FIN


@dataclass
class Listener:
    """One port and where it leads; what ails it now."""

    name: str
    to: int | str
    departures: TextIO | None = None
    toxic: Toxic | None = None
    connections: set[Connection] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def suffer(self, toxic: Toxic | None) -> None:
        """Begin a trouble, or end it."""
        self.toxic = toxic
        self.changed.set()
        self.changed = asyncio.Event()
        if toxic is not None and toxic.kind == "reset":
            for connection in list(self.connections):
                connection.reset()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        if self.toxic is not None and self.toxic.kind == "reset":
            _reset(writer)
            return
        try:
            opened = asyncio.open_unix_connection(self.to) if isinstance(self.to, str) else _open(self.to)
            far_reader, far_writer = await opened
        except OSError:
            _reset(writer)
            return
        connection = Connection(self, writer, far_writer)
        self.connections.add(connection)
        try:
            await asyncio.gather(
                connection.pump(reader, far_writer, is_answer=False),
                connection.pump(far_reader, writer, is_answer=True),
            )
        finally:
            self.connections.discard(connection)
            connection.reset()


async def _open(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX and not transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


class Connection:
    """A client's connection and ours behind it. Bytes are read at once, always: so a client that gives up is noticed
    at once, and what is still held back for it is thrown away, as its kernel's RST would have it."""

    def __init__(self, listener: Listener, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._listener = listener
        self._near = near
        self._far = far
        self._is_over = False
        self._answered = 0

    def reset(self) -> None:
        """End both sides at once; what was held back is lost."""
        self._is_over = True
        _reset(self._near)
        _reset(self._far)

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        """Carry one direction: read at once, pass on when the trouble allows."""
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(self._pass_on(held, writer, is_answer=is_answer))
        tail = b""
        try:
            while chunk := await reader.read(CHUNK):
                if not is_answer and self._listener.departures is not None:
                    tail = self._note(tail + chunk)
                held.put_nowait((time.monotonic(), chunk))
            held.put_nowait((time.monotonic(), b""))
            await passing
        except (OSError, RuntimeError):  # the second is uvloop's word for a transport that is gone
            passing.cancel()
            self.reset()

    async def _pass_on(
        self, held: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        try:
            while True:
                read_at, chunk = await held.get()
                if not chunk:
                    if not writer.transport.is_closing():
                        writer.write_eof()
                    return
                for piece in await self._spoil(read_at, chunk, writer, is_answer=is_answer):
                    if self._is_over:
                        return
                    writer.write(piece)
                    await writer.drain()
        except (OSError, RuntimeError):
            self.reset()

    async def _spoil(
        self, read_at: float, chunk: bytes, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> list[bytes]:
        while (toxic := self._listener.toxic) is not None and toxic.kind == "stall":
            await self._listener.changed.wait()
        if toxic is None or self._is_over:
            return [chunk]
        match toxic.kind:
            case "delay":
                late_s = toxic.seconds + toxic.jitter * (hash(chunk) % 100) / 100
                await asyncio.sleep(max(0.0, read_at + late_s - time.monotonic()))
            case "slice":
                # A large chunk in single bytes would take for ever: the first hundred pieces are enough to hurt.
                end = min(len(chunk), toxic.size * 100)
                pieces = [chunk[start : start + toxic.size] for start in range(0, end, toxic.size)]
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                return [chunk[end:]] if end < len(chunk) else []
            case "cut" | "half_close" if is_answer:
                return await self._cut(chunk, toxic)
            case "drop_answer" if is_answer:
                await asyncio.sleep(toxic.seconds)
                self.reset()
                return []
        return [chunk]

    async def _cut(self, chunk: bytes, toxic: Toxic) -> list[bytes]:
        self._answered += len(chunk)
        if self._answered < toxic.size:
            return [chunk]
        left = chunk[: max(0, len(chunk) - (self._answered - toxic.size))]
        if self._near.transport.is_closing():
            return []
        self._near.write(left)
        await self._near.drain()
        if toxic.kind == "cut":
            self.reset()
        else:
            self._near.write_eof()
        return []

    def _note(self, seen: bytes) -> bytes:
        assert self._listener.departures is not None
        end = 0
        for found in REQUEST_ID.finditer(seen):
            end = found.end()
            line = {"request_id": found[1].decode(), "at": time.time()}
            self._listener.departures.write(json.dumps(line) + "\n")
            self._listener.departures.flush()
        return seen[max(end, len(seen) - LONGEST_HEADER) :]


async def serve(config: dict[str, Any], departures: TextIO) -> None:
    """Listen until the process is ended."""
    listeners: dict[str, Listener] = {}
    servers = []
    for name, wanted in config["listeners"].items():
        listeners[name] = listener = Listener(name, wanted["to"], departures if wanted.get("watch") else None)
        # The names keep the servers alive: the loop itself does not.
        servers.append(await asyncio.start_server(listener.accept, "127.0.0.1", wanted["port"], backlog=512))

    async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            order = json.loads(line)
            listeners[order["listener"]].suffer(Toxic(**order["toxic"]) if order["toxic"] else None)
            writer.write(b"done\n")

    servers.append(await asyncio.start_server(control, "127.0.0.1", config["control"]))
    await servers[-1].serve_forever()


def main(config: dict[str, Any]) -> None:
    with Path(config["departures"]).open("a", encoding="utf-8") as departures:
        uvloop.run(serve(config, departures))


class ProxyControl:
    """The rig's end of the control port."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._answers = self._socket.makefile("r")

    def suffer(self, listener: str, toxic: Toxic | None) -> None:
        """Begin a trouble on a listener, or end it with None; in force when this returns."""
        order = {"listener": listener, "toxic": None if toxic is None else vars(toxic)}
        self._socket.sendall(json.dumps(order).encode() + b"\n")
        self._answers.readline()

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
