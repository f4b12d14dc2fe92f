"""What any maker's cloud may do to a request: the common faults (F34 to F45), made on the wire for every adapter."""

import gzip
import socket
import time
from collections.abc import Mapping
from typing import Any

from tests.fleet.adapters.raw_server import Reaction, Request, answer_half, hang_up, reset_after_first_byte, say

BAD_GATEWAY = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
BOMB = gzip.compress(b'{"a": "' + b"0" * (40 << 20) + b'"}')
DRIP_S = 0.05


def _says(status: int, body: bytes | Mapping[str, Any] = BAD_GATEWAY, **headers: str) -> Reaction:
    def react(connection: socket.socket, request: Request) -> bool:
        return say(connection, status, body, **headers)

    return react


def stay_silent(connection: socket.socket, request: Request) -> bool:
    """Accept the request and never answer: the other side has to give up."""
    return connection.recv(1) != b""


def drip(connection: socket.socket, request: Request) -> bool:
    """Answer a byte at a time, slower than anybody can wait."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(DRIP_S)


def never_end(connection: socket.socket, request: Request) -> bool:
    """Answer with a body that has no end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


# A maker who answers one of them in words of its own has a file of the same name beside its tests, and that is used.
FAULTS: Mapping[str, Reaction] = {
    # F34: turned away for now, and for how long.
    "rate_limited_in_seconds": _says(429, Retry_After="7"),
    "rate_limited_until_a_date": _says(429, Retry_After="Thu, 31 Dec 2099 23:59:59 GMT"),
    "rate_limited_in_nonsense": _says(429, Retry_After="soon"),
    "rate_limited_without_a_word": _says(429),
    # F35, F36: whether it was before or after the car acted cannot be told from here.
    "html_with_500": _says(500),
    "html_with_502": _says(502),
    "html_with_503": _says(503),
    "html_with_504": _says(504),
    "empty_with_503": _says(503, b""),
    # F37, F40: silence, a body that drips, a body without an end.
    "silence": stay_silent,
    "slow_body": drip,
    "endless_body": never_end,
    # F38, F36: the answer is lost on its way.
    "reply_lost": hang_up,
    "reset": reset_after_first_byte,
    "half_an_answer": answer_half,
    # F41: no sense in it.
    "html_with_200": _says(200),
    "empty": _says(200, b""),
    "truncated": _says(200, b'{"data": {"res'),
    "a_list": _says(200, b"[1, 2]"),
    "an_empty_object": _says(200, {}),
    "gzip_bomb": _says(200, BOMB, Content_Encoding="gzip"),
    # F42: not followed.
    "redirect": _says(307, b"", Location="https://elsewhere.example/commands"),
}
# Faults that are made of the maker's own good answer: every value is of another type, or it speaks of another car.
TWISTED = ("wrong_types", "another_cars_id")
# Nobody waits for these longer than the tests' own haste.
UNENDING = frozenset({"silence", "slow_body"})


def twisted(body: Any) -> Any:
    """Return the same answer with every value of a wrong type."""
    if isinstance(body, dict):
        return {name: twisted(value) for name, value in body.items()}
    return {"odd": [7]} if isinstance(body, list) else [{"odd": None}]
