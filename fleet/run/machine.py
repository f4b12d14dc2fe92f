"""The order of one start: servers, tables, demo fleet, processes; and of its end. Prints plain progress."""

import hashlib
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from fleet.run import children, databases
from fleet.run.environment import (
    DEMO_EMAIL,
    ROOT,
    Addresses,
    application_environment,
    demo_environment,
    keep_secrets,
    owner_environment,
    read_addresses,
    simulator_environment,
)
from fleet.run.errors import RunError, from_log
from fleet.run.home import Home
from fleet.run.postgres import PostgresServer
from fleet.run.supervisor import Running, StopFlag, Supervisor
from fleet.run.valkey import ValkeyServer

# The second one takes its part once there is more to do than the first has taken.
DISPATCHERS = 2
MANAGE = [sys.executable, str(ROOT / "manage.py")]


class Machine:
    """One home, started as a whole and stopped as a whole; what is started is noted in `ending`, last in first out."""

    def __init__(self, home: Home, *, environment: Mapping[str, str], stop: StopFlag):
        self.home = home
        self.addresses = read_addresses(environment)
        self.kept = keep_secrets(home, environment)
        self.supervisor = Supervisor(home, stop=stop)
        self.postgres = PostgresServer(home.folder, sockets=home.make_socket_folder("pg"), log=home.log("postgresql"))
        self.valkey = ValkeyServer(
            home.folder / "valkey", sockets=home.make_socket_folder("vk"), log=home.log("valkey")
        )
        self.env = application_environment(
            home=home, addresses=self.addresses, kept=self.kept, postgres=self.postgres, valkey=self.valkey
        )
        self.ending = ExitStack()

    def start(self) -> None:
        require_free_ports(self.addresses)
        self._start_servers()
        simulator = self._start_simulator()
        self._prepare_database()
        self._collect_static()
        if not self.home.read("demo.loaded"):
            self._load_demo(simulator)
        self._start_processes(simulator)

    def stop(self) -> None:
        """Processes first, database last. Safe after a start that failed half-way."""
        self.ending.close()

    def _start_servers(self) -> None:
        # Registered before the start: one that fails half-way is cleaned up as well. The database ends last.
        self.ending.callback(self.postgres.stop)
        with step("PostgreSQL"):
            self.postgres.start()
            self.supervisor.watch_server("PostgreSQL", self.postgres.log, self.postgres.process)
        self.ending.callback(self.valkey.stop)
        with step("Valkey"):
            self.valkey.start()
            self.supervisor.watch_server("Valkey", self.valkey.log, self.valkey.process)
        self.ending.callback(self._stop_processes)

    def _stop_processes(self) -> None:
        for title in self.supervisor.stop():
            say(f"{title} did not stop in time and was killed.")

    def _start_simulator(self) -> Running:
        """Early, so that it comes up while the tables are made."""
        state = self.home.folder / "simulator"
        state.mkdir(mode=0o700, exist_ok=True)
        return self.supervisor.start(
            children.simulator(self.addresses, state=state, env=simulator_environment(self.kept))
        )

    def _prepare_database(self) -> None:
        try:
            self._create_database()
            fingerprint = tables_fingerprint()
            if databases.read_stamp(self.postgres.url(), databases.DATABASE) == fingerprint:
                return
            with step("Tables", ready="up to date"):
                command = [*MANAGE, "migrate", "--no-input", "--skip-checks"]
                env = owner_environment(self.env, self.postgres)
                self.supervisor.run(command, name="migrate", env=env, title="Bringing the tables up to date")
                command = [*MANAGE, "load_compatibility", "--skip-checks"]
                title = "Taking over what is known of cars"
                self.supervisor.run(command, name="load-compatibility", env=env, title=title)
            databases.write_stamp(self.postgres.url(), databases.DATABASE, fingerprint)
        except psycopg.Error as error:
            sentence = f"The database could not be made ready ({error})."
            raise from_log(sentence, log=self.postgres.log, folder=self.home.folder) from error

    def _create_database(self) -> None:
        admin_url = self.postgres.url()
        databases.create_roles(admin_url)
        if not databases.database_exists(admin_url, databases.DATABASE):
            databases.create_database(admin_url, databases.DATABASE)
        # Also after a start that ended between the two: it does no harm twice.
        databases.close_public_schema(self.postgres.url(databases.DATABASE, user=databases.OWNER))

    def _collect_static(self) -> None:
        fingerprint = static_fingerprint()
        if self.home.read("static.fingerprint") == fingerprint:
            return
        with step("Static files", ready="collected"):
            command = [*MANAGE, "collectstatic", "--no-input", "--clear"]
            self.supervisor.run(command, name="collectstatic", env=self.env, title="Collecting the static files")
        self.home.write("static.fingerprint", fingerprint)

    def _load_demo(self, simulator: Running) -> None:
        with step("Demo fleet", ready="loaded"):
            self.supervisor.wait_ready([simulator], when_ready=lambda _: None)
            env = demo_environment(self.env, self.kept)
            self.supervisor.run([*MANAGE, "load_demo"], name="load-demo", env=env, title="Loading the demo fleet")
        self.home.write("demo.loaded", DEMO_EMAIL)

    def _start_processes(self, simulator: Running) -> None:
        """All at once: what they spend their seconds on is loading code."""
        started_at = time.monotonic()
        starting = [
            self.supervisor.start(child)
            for child in (
                children.web(self.addresses, env=self.env),
                children.dispatcher(env=self.env, processes=int(self.env.get("FLEETWELL_DISPATCHERS", DISPATCHERS))),
                children.clock(env=self.env),
                children.worker(env=self.env),
                children.beat(schedule=self.home.folder / "beat-schedule", env=self.env),
            )
        ]
        self.supervisor.wait_ready(
            [simulator, *starting],
            when_ready=lambda ready: say_ready(ready.child.title, seconds=time.monotonic() - started_at),
        )


def require_free_ports(addresses: Addresses) -> None:
    for name, port in (("FLEETWELL_PORT", addresses.port), ("FLEETWELL_SIMULATOR_PORT", addresses.simulator_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except PermissionError as error:
                raise RunError(f"Port {port} is not open to ordinary users: set {name} to one above 1023.") from error
            except OSError as error:
                raise RunError(f"Port {port} is in use by another program: set {name} to another one.") from error


def tables_fingerprint() -> str:
    """Changes when a migration or a file of facts of ours, or a package that brings migrations, has changed: asking
    Django takes seconds.
    """
    seen = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    facts = [path for path in (ROOT / "compatibility").rglob("*") if path.suffix in {".csv", ".toml", ".py"}]
    for path in sorted([*ROOT.glob("[!.]*/**/migrations/*.py"), *facts]):
        seen.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return seen.hexdigest()


def static_fingerprint() -> str:
    """Changes when a file of ours or a package that brings some may have changed."""
    seen = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted((ROOT / "static").rglob("*")):
        if path.is_file():
            stat = path.stat()
            seen.update(f"{path.relative_to(ROOT)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return seen.hexdigest()


@contextmanager
def step(title: str, *, ready: str = "ready") -> Iterator[None]:
    started_at = time.monotonic()
    yield
    say_ready(title, seconds=time.monotonic() - started_at, ready=ready)


def say_ready(title: str, *, seconds: float, ready: str = "ready") -> None:
    say(f"{title + ' ':.<20} {ready} ({seconds:.1f} s)")


def say(sentence: str) -> None:
    print(sentence, flush=True)


def default_folder(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("FLEETWELL_VAR") or ROOT / "var")
