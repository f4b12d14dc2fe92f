"""A maker made of bare sockets: what it counts was counted on the wire and not by code of ours."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PATIENCE_S = 15.0


@dataclass(frozen=True)
class Request:
    """One request as it came in. connection: on which one; number: the how manieth on it, from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    number: int

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Heard:
    """One connection: bytes that came, and how it ended: "eof", "reset", "ours", or "" while it is open."""

    received: int = 0
    ended: str = ""


Reaction = Callable[[socket.socket, Request], bool]


@dataclass
class RawServer:
    """Listens on a port of its own; `react` answers a request and says whether to go on with the connection."""

    react: Reaction
    requests: list[Request] = field(default_factory=list)
    connections: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.connected = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(PATIENCE_S)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def acting(self) -> list[Request]:
        """The requests that may act on a car: a command, by whatever method and however often it was sent."""
        return [
            request for request in self.requests if request.path.endswith("/commands") or b'"command"' in request.body
        ]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE_S)
            self._open.append(connection)
            heard = Heard()
            self.connections.append(heard)
            self.connected.set()
            thread = threading.Thread(target=self._talk, args=(connection, heard, len(self.connections) - 1))
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket, heard: Heard, which: int) -> None:
        with connection:
            number = 0
            try:
                while True:
                    number += 1
                    request = self._read(connection, heard, which, number)
                    if request is None:
                        heard.ended = "eof"
                        return
                    self.requests.append(request)
                    if not self.react(connection, request):
                        heard.ended = "ours"
                        return
            except ConnectionResetError:
                heard.ended = "reset"
            except OSError:
                heard.ended = heard.ended or "ours"

    def _read(self, connection: socket.socket, heard: Heard, which: int, number: int) -> Request | None:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += self._receive(connection, heard)
            if not raw:
                return None
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", "0")):
            body += self._receive(connection, heard)
        method, path, _ = first.split(" ")
        return Request(method, path, headers, body, which, number)

    @staticmethod
    def _receive(connection: socket.socket, heard: Heard) -> bytes:
        chunk = connection.recv(65_536)
        heard.received += len(chunk)
        return chunk


# Reactions ------------------------------------------------------------------------------------------------------------


def say(connection: socket.socket, status: int, body: bytes | Mapping[str, Any], **headers: str) -> bool:
    """Answer as a maker should; the connection stays open."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(raw)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + raw)
    return True


def hang_up(connection: socket.socket, request: Request) -> bool:
    return False


def reset_after_first_byte(connection: socket.socket, request: Request) -> bool:
    connection.sendall(b"H")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    return False


def answer_half(connection: socket.socket, request: Request) -> bool:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result":"do')
    return False


def never_answer(connection: socket.socket, request: Request) -> bool:
    """Keep the request until the other side gives up: an end of file, or a reset, which is raised."""
    return connection.recv(1) != b""


def redirect(connection: socket.socket, request: Request) -> bool:
    return say(connection, 307, b"", Location="/elsewhere/commands")


def fail_503(connection: socket.socket, request: Request) -> bool:
    return say(connection, 503, b"<h1>Service Unavailable</h1>")
