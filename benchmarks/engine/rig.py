"""The whole product for one benchmark, in a folder of its own: servers, tables, simulator, workers, no cars yet."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import django
import psycopg
from django.db import connections

from fleet.run import children, databases
from fleet.run.children import Child
from fleet.run.environment import (
    CALLBACK_PATH,
    CLIENT_ID,
    ROOT,
    Addresses,
    application_environment,
    keep_secrets,
    owner_environment,
    simulator_environment,
)
from fleet.run.errors import from_log
from fleet.run.home import Home
from fleet.run.machine import MANAGE
from fleet.run.postgres import PostgresServer
from fleet.run.processes import wait_until
from fleet.run.supervisor import Running, StopFlag, Supervisor
from fleet.run.valkey import ValkeyServer

READY_WITHIN_S = 60.0
RING_EVERY_S = 2.0


class Rig:
    """Servers with the product's own settings, two dispatchers, a worker and beat; `with open_rig() as rig`."""

    def __init__(self, home: Home, ending: ExitStack, settings: Mapping[str, str]) -> None:
        self.home = home
        self.addresses = Addresses(port=free_port(), simulator_port=free_port(), url="http://localhost")
        kept = keep_secrets(home, {})
        self.postgres = PostgresServer(
            home.folder, sockets=home.make_socket_folder("pg"), log=home.log("postgresql"), settings=settings
        )
        self.valkey = ValkeyServer(
            home.folder / "valkey", sockets=home.make_socket_folder("vk"), log=home.log("valkey")
        )
        self.supervisor = Supervisor(home, stop=StopFlag())
        self.client_secret = kept.simulator_client
        self.simulator_env = simulator_environment(kept)
        self.env = application_environment(
            home=home, addresses=self.addresses, kept=kept, postgres=self.postgres, valkey=self.valkey
        ) | {"FLEETWELL_DEMO": "0", "FLEETWELL_LOG_LEVEL": "WARNING"}
        ending.callback(self.postgres.stop)
        self.postgres.start()
        ending.callback(self.valkey.stop)
        self.valkey.start()
        ending.callback(self.supervisor.stop)
        self.simulator = self._start_simulator()
        self._make_tables()
        os.environ.update({name: value for name, value in self.env.items() if name != "TMPDIR"})
        django.setup()

    @property
    def simulator_url(self) -> str:
        return self.addresses.simulator_url

    def _start_simulator(self) -> Running:
        """Start one that keeps nothing: writing ten thousand cars to disk is not what is measured."""
        command = [sys.executable, "-m", "simulator", "--port", str(self.addresses.simulator_port)]
        command += ["--client-id", CLIENT_ID, "--redirect-uri", self.addresses.url + CALLBACK_PATH]
        is_ready = children.answers(f"{self.simulator_url}/healthz")
        return self.supervisor.start(Child("simulator", "Car simulator", command, self.simulator_env, is_ready))

    def _make_tables(self) -> None:
        admin_url = self.postgres.url()
        databases.create_roles(admin_url)
        databases.create_database(admin_url, databases.DATABASE)
        databases.close_public_schema(self.postgres.url(databases.DATABASE, user=databases.OWNER))
        command = [*MANAGE, "migrate", "--no-input", "--skip-checks"]
        env = owner_environment(self.env, self.postgres)
        self.supervisor.run(command, name="migrate", env=env, title="Making the tables")
        self.supervisor.wait_ready([self.simulator], when_ready=lambda _: None)

    def start_workers(self, *, dispatchers: int = 2) -> list[Running]:
        """Start every worker of the product and beat; the dispatch worker with so many processes, all awake."""
        starting = [
            self.supervisor.start(child)
            for child in (
                children.dispatcher(env=self.env, processes=dispatchers),
                children.clock(env=self.env),
                children.worker(env=self.env),
                children.beat(schedule=self.home.folder / "beat-schedule", env=self.env),
            )
        ]
        self.supervisor.wait_ready(starting, when_ready=lambda _: None)
        self.wake_dispatchers(dispatchers)
        return starting

    def wake_dispatchers(self, number: int) -> None:
        """Ring until so many dispatchers give signs of life; each ring wakes one pool process at most."""
        from commands.tasks import dispatch

        with self.admin() as connection:

            def awake() -> int:
                row = connection.execute("SELECT count(*) FROM commands_dispatcher").fetchone()
                return row[0] if row else 0

            rung_at = 0.0

            def all_are_awake() -> bool:
                nonlocal rung_at
                have = awake()
                # A ring may be lost, and on a busy machine a dispatcher takes its time.
                if have < number and time.monotonic() - rung_at > RING_EVERY_S:
                    dispatch.apply_async()
                    rung_at = time.monotonic()
                return have >= number

            if not wait_until(all_are_awake, within_s=READY_WITHIN_S):
                sentence = f"Only {awake()} of {number} dispatchers woke up."
                raise from_log(sentence, log=self.home.log("worker-dispatch"), folder=self.home.folder)

    def start_web(self) -> str:
        """Start the real web process and return its address."""
        command = [*MANAGE, "collectstatic", "--no-input", "--verbosity", "0"]
        self.supervisor.run(command, name="collectstatic", env=self.env, title="Collecting the static files")
        started = self.supervisor.start(children.web(self.addresses, env=self.env))
        self.supervisor.wait_ready([started], when_ready=lambda _: None)
        return f"http://localhost:{self.addresses.port}"

    def admin(self) -> psycopg.Connection[Any]:
        """Open a connection as the server's superuser, for seeding and for looking; commits at once."""
        return psycopg.connect(self.postgres.url(databases.DATABASE), autocommit=True)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the simulator's control API."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.simulator_url}/_control/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def behave(self, **fields: Any) -> None:
        """Tell all cars how to behave from now on, and nothing else."""
        self.control("DELETE", "behaviour")
        self.control("PUT", "behaviour", {"car": "*", **fields})


@contextmanager
def open_rig(settings: Mapping[str, str] | None = None) -> Iterator[Rig]:
    """Start servers, tables and simulator, and point Django of this process at them; all is gone afterwards.

    settings: for PostgreSQL, beyond the product's own; for looking into a run, not for figures.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fleetwell-bench-", ignore_cleanup_errors=True) as folder,
        Home(Path(folder)) as home,
        ExitStack() as ending,
    ):
        rig = Rig(home, ending, settings or {})
        yield rig
        connections["default"].close()
        connections["default"].close_pool()


def run_apart(module: str) -> None:
    """Run a benchmark's module as a program: Django and Celery read their settings once per process."""
    if code := subprocess.run([sys.executable, "-m", module], cwd=ROOT, check=False).returncode:
        raise SystemExit(code)


def free_port() -> int:
    """Find a port below those that the system gives to outgoing connections, of which there will be thousands."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
