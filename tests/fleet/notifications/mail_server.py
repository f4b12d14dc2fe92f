"""A mail server on a local port, real enough for smtplib: it takes letters, refuses them, or says nothing at all."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any


@dataclass
class MailServer:
    """refuses: answer to RCPT by address. is_silent: takes the connection and never speaks."""

    letters: list[Message] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False
    # What it takes without saying so: the connection breaks after the letter, before the answer.
    breaks_after_data: bool = False
    connections: int = 0
    port: int = 0

    @contextmanager
    def running(self) -> Iterator["MailServer"]:
        """Listen until the block ends; on the same port as the last time."""
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ConnectionError):
                    mail.serve(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        with Server(("127.0.0.1", self.port), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def serve(self, peer: Any) -> None:
        self.connections += 1
        if self.is_silent:
            peer.rfile.read()  # until the client gives up
            return
        self._say(peer, "220 here")
        while line := peer.rfile.readline():
            words = line.decode().strip()
            match words[:4].upper():
                case "DATA":
                    if not self._take(peer):
                        return
                case "QUIT":
                    self._say(peer, "221 bye")
                    return
                case "RCPT":
                    address = words.partition("<")[2].rstrip(">")
                    self._say(peer, self.refuses.get(address, "250 ok"))
                case _:
                    self._say(peer, "250 ok")

    def _take(self, peer: Any) -> bool:
        self._say(peer, "354 go on")
        lines = []
        while (line := peer.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        self.letters.append(message_from_bytes(b"".join(lines)))
        if self.breaks_after_data:
            peer.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say(peer, "250 taken")
        return True

    def _say(self, peer: Any, words: str) -> None:
        peer.wfile.write(f"{words}\r\n".encode())
