"""`python -m fleet.run` as a person meets it: its lines, its sentences, its exit codes, and nothing left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fleet.run.environment import ROOT
from fleet.run.processes import IS_LINUX
from tests.fleet.run.programs import wait_gone
from tests.infrastructure.servers import free_port

READY_WITHIN_S = 90.0
COMMAND = [sys.executable, "-m", "fleet.run"]


class Installation:
    """One folder and one pair of ports, started and stopped by a test."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        strangers = {
            name: value for name, value in os.environ.items() if not name.startswith(("FLEETWELL_", "DJANGO_"))
        }
        self.env = {
            **strangers,
            "FLEETWELL_VAR": str(folder / "var"),
            "FLEETWELL_PORT": str(self.port),
            "FLEETWELL_SIMULATOR_PORT": str(free_port()),
            "TMPDIR": str(folder),
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> list[str]:
        """Start it and return the lines that it printed until it was ready."""
        self.process = subprocess.Popen(
            COMMAND, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                return lines
        pytest.fail("It ended before it was ready:\n" + "\n".join(lines))

    def run(self, env: Mapping[str, str] | None = None, command: list[str] = COMMAND) -> tuple[int, str]:
        """Run it to its end; the exit code and what it said on stderr."""
        answer = subprocess.run(
            command, cwd=ROOT, env={**self.env, **(env or {})}, capture_output=True, text=True, check=False, timeout=60
        )
        return answer.returncode, answer.stderr.strip()

    def stop(self, how: signal.Signals) -> tuple[int, str, float]:
        """Signal it; its exit code, its last words and the seconds that it took."""
        assert self.process
        asked_at = time.monotonic()
        self.process.send_signal(how)
        words, _ = self.process.communicate(timeout=30)
        return self.process.returncode, words.strip(), time.monotonic() - asked_at

    def processes(self) -> list[int]:
        """Every process that this installation started, found by its folder or its port in the command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"FLEETWELL_VAR={self.folder}/var".encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:  # it ended while we looked
                continue
        return [pid for pid in found if not self.process or pid != self.process.pid]


@pytest.fixture
def installation(folder: Path) -> Iterator[Installation]:
    installation = Installation(folder)
    yield installation
    if installation.process and installation.process.poll() is None:
        installation.process.terminate()
        installation.process.communicate(timeout=30)


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.skipif(not IS_LINUX, reason="looks at processes in /proc")
@pytest.mark.timeout(600)
def test_run_through_three_starts_a_kill_a_death_and_a_stop(installation: Installation) -> None:
    """One long story, because each start costs seconds, and the first, which makes the demo fleet, twice as many.

    First start, second instance, kill -9, second start, the end of a child, third start, stop.
    """
    first = installation.start()
    pids = installation.processes()
    second_instance = installation.run(
        {"FLEETWELL_PORT": str(free_port()), "FLEETWELL_SIMULATOR_PORT": str(free_port())}
    )
    page = get(f"http://127.0.0.1:{installation.port}/accounts/login/")

    assert f"http://localhost:{installation.port}" in "\n".join(first)
    sign_in = next(line for line in first if line.startswith("Sign in: "))
    assert sign_in.startswith("Sign in: demo@fleetwell.example / ")
    assert len(pids) >= 8  # servers, web and its worker, two workers and theirs, beat
    assert second_instance[0] == 1
    assert "Fleetwell already runs from" in second_instance[1]
    assert page[0] == 200

    killed = installation.stop(signal.SIGKILL)

    assert killed[0] == -signal.SIGKILL
    assert wait_gone(pids) == []

    second = installation.start()
    pids = installation.processes()

    assert sign_in in second
    assert not any(line.startswith("Demo fleet") for line in second)

    web = next(pid for pid in pids if b"fleet.run.web" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(web, signal.SIGKILL)
    words, _ = installation.process.communicate(timeout=30)

    assert installation.process.returncode == 1
    assert "Web server ended unexpectedly, by signal SIGKILL. The end of " in words
    assert wait_gone(pids) == []

    third = installation.start()
    pids = installation.processes()

    assert sign_in in third

    code, words, took_s = installation.stop(signal.SIGTERM)

    assert (code, words.splitlines()[-1]) == (0, "Stopped.")
    assert took_s < 5
    assert wait_gone(pids) == []
    assert [path.name for path in installation.folder.iterdir()] == ["var"]


@pytest.mark.parametrize("name", ["FLEETWELL_PORT", "FLEETWELL_SIMULATOR_PORT"])
def test_run_when_a_port_is_busy_then_a_sentence(installation: Installation, name: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        answer = installation.run({name: str(port)})

    assert answer == (1, f"Port {port} is in use by another program: set {name} to another one.")
    assert installation.processes() == []


def test_run_when_the_folder_is_not_writable_then_a_sentence(installation: Installation, folder: Path) -> None:
    blocker = folder / "var"
    blocker.touch()

    code, words = installation.run()

    assert (code, len(words.splitlines())) == (1, 1)
    assert str(blocker) in words


def test_run_when_the_port_is_nonsense_then_a_sentence(installation: Installation) -> None:
    assert installation.run({"FLEETWELL_PORT": "http"}) == (
        1,
        "FLEETWELL_PORT is 'http': it must be a number from 1 to 65535.",
    )


@pytest.mark.parametrize("size", ["64k", "20m"])
def test_run_when_the_disk_is_full_then_a_sentence_and_nothing_left(
    installation: Installation, folder: Path, size: str
) -> None:
    """A real full disk, a small tmpfs in a namespace of our own: 64k hold the secrets, 20m not all of PostgreSQL."""
    (folder / "var").mkdir()
    mount = f'mount -t tmpfs -o size={size},mode=0711 none "$FLEETWELL_VAR" && exec "$@"'
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or installation.run(command=[*namespace, mount, "sh", "true"])[0] != 0:
        pytest.skip("this system lets us mount no file system of our own")

    answer = installation.run(command=[*namespace, mount, "sh", *COMMAND])

    assert answer == (
        1,
        f"The disk that holds {folder}/var is full: free some space, or set FLEETWELL_VAR to another folder.",
    )
    assert installation.processes() == []


def test_run_when_asked_for_help_then_the_environment_is_explained(installation: Installation) -> None:
    answer = subprocess.run(
        [*COMMAND, "--help"], cwd=ROOT, env=installation.env, capture_output=True, text=True, check=True
    )

    for name in ("FLEETWELL_PORT", "FLEETWELL_SIMULATOR_PORT", "FLEETWELL_URL", "FLEETWELL_VAR"):
        assert name in answer.stdout
    assert not (installation.folder / "var").exists()
