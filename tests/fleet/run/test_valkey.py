"""Valkey under our launcher: it keeps what was queued, and never outlives us."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.run.errors import RunError
from fleet.run.processes import IS_LINUX
from fleet.run.valkey import ValkeyServer
from tests.fleet.run.programs import close, is_gone, python, read_numbers, wait_gone

STARTS_AND_WAITS = """
import sys, signal
from pathlib import Path
from fleet.run.valkey import ValkeyServer
folder = Path(sys.argv[1])
server = ValkeyServer(folder / "data", sockets=folder, log=folder / "valkey.log")
server.start()
print(server.process.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def server(folder: Path) -> Iterator[ValkeyServer]:
    server = make_server(folder)
    yield server
    server.stop()


def make_server(folder: Path) -> ValkeyServer:
    sockets = folder / "sockets"
    sockets.mkdir(mode=0o700, exist_ok=True)
    return ValkeyServer(folder / "data", sockets=sockets, log=folder / "valkey.log")


def test_start_when_started_again_then_what_was_queued_is_there(folder: Path, server: ValkeyServer) -> None:
    server.start()
    server.command("RPUSH", "queue", "bell")
    server.stop()
    again = make_server(folder)

    again.start()

    assert again.command("LRANGE", "queue", "0", "-1") == b"*1\r\n$4\r\nbell\r\n"
    again.stop()


def test_stop_when_called_twice_then_nothing_is_left(server: ValkeyServer) -> None:
    server.start()
    pid = server.process.pid

    server.stop()
    server.stop()

    assert is_gone(pid)
    assert not server.socket_folder.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.skipif(not IS_LINUX, reason="there is no parent-death signal")
def test_server_when_its_parent_dies_then_it_goes_too(folder: Path, how: signal.Signals) -> None:
    parent = python(STARTS_AND_WAITS, folder)
    pids = read_numbers(parent)

    parent.send_signal(how)

    assert wait_gone(pids) == []
    close(parent)


def test_start_when_its_file_is_broken_then_the_end_of_its_log_is_shown(folder: Path, server: ValkeyServer) -> None:
    broken = folder / "data" / "appendonlydir"
    broken.mkdir(parents=True)
    (broken / "appendonly.aof.manifest").write_text("nonsense\n", encoding="ascii")

    with pytest.raises(RunError, match=r"(?s)Valkey did not start.*manifest"):
        server.start()
