"""Refuses every connection to another machine. Python loads this when it starts, in each process that a test starts.

A card names makers' real addresses; a registration without its own would speak to them. psycopg's connections are made
outside of Python and are not seen here: they are those of the run's own servers.
"""

import ipaddress
import socket
from typing import Any


class LeftThisMachine(AssertionError):
    """Somebody tried to speak to another machine. No OSError: that would pass for a maker that is down."""


def is_on_this_machine(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    try:
        host = ipaddress.ip_address(address[0])
    except ValueError:
        return address[0] in ("", "localhost")
    return host.is_loopback or host.is_unspecified


def guard() -> None:
    """Let sockets of this process connect to this machine alone."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse(sock: socket.socket, address: Any) -> None:
        if not is_on_this_machine(sock.family, address):
            raise LeftThisMachine(f"a test wanted to connect to {address!r}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse(self, address)
        return connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse(self, address)
        return connect_ex(self, address)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign, assignment]


if not hasattr(socket, "fleetwell_guarded"):
    socket.fleetwell_guarded = True  # type: ignore[attr-defined]
    guard()
