"""The toxic proxy: what each trouble does to a connection, seen from both of its ends."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.run.environment import ROOT
from fleet.run.processes import kill_group, start_process, wait_until
from tests.chaos.proxy import ProxyControl
from tests.chaos.records import Departure, read_lines
from tests.chaos.rig import free_ports, is_open
from tests.chaos.toxics import Toxic

GIVE_UP_S = 20.0
ID = "0b8e8a3e-5a5e-4d0f-9d0d-2f3f1f0c9a11"
REQUEST = f"POST /commands HTTP/1.1\r\nHost: maker\r\nX-Request-Id: {ID}\r\n\r\n".encode()


class Upstream:
    """A server that keeps what it heard and answers each connection's first bytes with `answer`."""

    def __init__(self) -> None:
        self.answer = b"an answer of thirty bytes ......"
        self.heard = b""
        self.ends: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hear, args=(accepted,), daemon=True).start()

    def _hear(self, accepted: socket.socket) -> None:
        with accepted:
            is_first = True
            try:
                while data := accepted.recv(65_536):
                    self.heard += data
                    if is_first:
                        accepted.sendall(self.answer)
                    is_first = False
                self.ends.append("end")
            except OSError:
                self.ends.append("reset")

    def close(self) -> None:
        self._listener.close()


class Rig:
    """A proxy of its own, in front of an upstream of its own."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.upstream = upstream
        self.port, control = free_ports(2)
        self.departures = folder / "departures.jsonl"
        listeners = {"maker": {"port": self.port, "to": upstream.port, "watch": True}}
        config = folder / "proxy.json"
        config.write_text(json.dumps({"control": control, "departures": str(self.departures), "listeners": listeners}))
        command = [sys.executable, "-m", "tests.chaos.proxy", str(config)]
        self.process = start_process(command, log=folder / "proxy.log", cwd=ROOT)
        assert wait_until(lambda: is_open(control) and is_open(self.port), within_s=30)
        # Asking whether it is open went through to the upstream as well.
        assert wait_until(lambda: bool(upstream.ends), within_s=30)
        upstream.ends.clear()
        self.control = ProxyControl(control)

    def suffer(self, toxic: Toxic | None) -> None:
        self.control.suffer("maker", toxic)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=GIVE_UP_S)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        return client

    def ask(self) -> tuple[bytes, str]:
        """Send a request over a new connection; what came back and how it ended."""
        try:
            with self.connect() as client:
                client.sendall(REQUEST)
                return hear(client, len(self.upstream.answer))
        except ConnectionResetError:  # before we spoke
            return b"", "reset"


def hear(client: socket.socket, wanted: int) -> tuple[bytes, str]:
    heard = b""
    try:
        while len(heard) < wanted:
            data = client.recv(65_536)
            if not data:
                return heard, "end"
            heard += data
    except ConnectionResetError:
        return heard, "reset"
    return heard, "open"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@pytest.fixture
def rig(tmp_path: Path, upstream: Upstream) -> Iterator[Rig]:
    made = Rig(tmp_path, upstream)
    yield made
    made.control.close()
    kill_group(made.process)


def eventually(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, within_s=GIVE_UP_S)


def test_proxy_when_nothing_is_wrong_then_passes_all_and_notes_the_departure(rig: Rig, upstream: Upstream) -> None:
    before = time.time()

    assert rig.ask() == (upstream.answer, "open")

    assert upstream.heard == REQUEST
    (departure,) = read_lines(rig.departures, Departure)
    assert departure.request_id == ID
    assert before <= departure.at <= time.time()


def test_proxy_when_a_request_id_comes_in_pieces_then_notes_it_once(rig: Rig, upstream: Upstream) -> None:
    with rig.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(REQUEST), 9):
            client.sendall(REQUEST[start : start + 9])
            # One piece at a time must have arrived, or the kernel joins them.
            eventually(lambda end=start + 9: len(upstream.heard) >= min(end, len(REQUEST)))

    assert [departure.request_id for departure in read_lines(rig.departures, Departure)] == [ID]


def test_delay_then_comes_whole_and_late(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("delay", seconds=0.2))
    began = time.monotonic()

    assert rig.ask() == (upstream.answer, "open")
    assert time.monotonic() - began >= 0.4


def test_slice_then_comes_whole(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("slice", size=1))

    with rig.connect() as client:
        client.sendall(REQUEST)
        eventually(lambda: upstream.heard == REQUEST)
        assert hear(client, len(upstream.answer)) == (upstream.answer, "open")


def test_stall_then_nothing_passes_until_it_ends(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("stall"))
    with rig.connect() as client:
        client.sendall(REQUEST)
        eventually(lambda: len(read_lines(rig.departures, Departure)) == 1)
        assert upstream.heard == b""

        rig.suffer(None)

        assert hear(client, len(upstream.answer)) == (upstream.answer, "open")


def test_stall_when_the_client_gives_up_then_what_was_held_back_never_arrives(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("stall"))
    with rig.connect() as client:
        client.sendall(REQUEST)
        eventually(lambda: len(read_lines(rig.departures, Departure)) == 1)
    eventually(lambda: upstream.ends == ["reset"])

    rig.suffer(None)

    assert rig.ask() == (upstream.answer, "open")
    assert upstream.heard == REQUEST  # the second one alone


def test_reset_then_open_and_new_connections_are_reset(rig: Rig, upstream: Upstream) -> None:
    with rig.connect() as client:
        client.sendall(REQUEST)
        assert hear(client, len(upstream.answer)) == (upstream.answer, "open")

        rig.suffer(Toxic("reset"))

        assert hear(client, 1) == (b"", "reset")
    assert rig.ask() == (b"", "reset")


def test_cut_then_the_answer_ends_in_the_middle(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("cut", size=7))

    heard, end = rig.ask()

    # A reset may overtake the bytes before it.
    assert (upstream.answer[:7].startswith(heard), len(heard) <= 7, end) == (True, True, "reset")


def test_half_close_then_the_client_sees_the_end_and_may_still_speak(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("half_close", size=7))
    with rig.connect() as client:
        client.sendall(REQUEST)

        assert hear(client, len(upstream.answer)) == (upstream.answer[:7], "end")

        client.sendall(b"still here")
        eventually(lambda: upstream.heard == REQUEST + b"still here")


def test_drop_answer_then_it_was_heard_and_nothing_comes_back(rig: Rig, upstream: Upstream) -> None:
    rig.suffer(Toxic("drop_answer", seconds=0.1))

    assert rig.ask() == (b"", "reset")
    assert upstream.heard == REQUEST
