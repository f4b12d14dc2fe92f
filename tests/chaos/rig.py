"""Everything that a run needs, as processes with a folder of their own: servers, proxy, simulator, product, load."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from fleet.run import databases
from fleet.run.children import worker_command
from fleet.run.environment import ROOT
from fleet.run.postgres import PostgresServer
from fleet.run.processes import start_process, wait_until
from fleet.run.valkey import ValkeyServer
from tests.chaos.failpoints import Failpoints
from tests.chaos.maker import Maker
from tests.chaos.parts import Part, answers, logged
from tests.chaos.proxy import ProxyControl

PROVIDERS = ("provider-1", "provider-2", "provider-3")
LISTENERS = (*PROVIDERS, "database", "broker")
DISPATCHERS = ("dispatch-1", "dispatch-2")
PYTHON = sys.executable
STRANGE = ("FLEETWELL_", "DATABASE_", "CELERY_", "DJANGO_", "PG")
READY_WITHIN_S = 120.0


class Rig:
    """One run's machine. `parts` are what may be hurt; the load, the proxy and the simulator are not among them."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.ending = ExitStack()
        # Short names: a unix socket's path may have about 107 bytes.
        self.postgres = PostgresServer(folder / "pg", sockets=self._folder("s/pg"), log=self._log("postgresql"))
        self.valkey = ValkeyServer(folder / "vk", sockets=self._folder("s/vk"), log=self._log("valkey"), keep=False)
        self._folder("pg")
        self.ports = dict(zip(("web", "simulator", "control", *LISTENERS), free_ports(3 + len(LISTENERS)), strict=True))
        self.failpoints = Failpoints(folder / "failpoints")
        self.maker = Maker(self.ports["simulator"])
        self.departures = folder / "departures.jsonl"
        self.operations = folder / "operations.jsonl"
        self.parts: dict[str, Part] = {}

    def __enter__(self) -> Rig:
        try:
            self._start()
        except BaseException:
            self.ending.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.close()

    def _folder(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def _log(self, name: str) -> Path:
        return self._folder("log") / f"{name}.log"

    # Starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.ending.callback(self.postgres.stop)
        self.postgres.start()
        databases.create_roles(self.postgres.url())
        databases.create_database(self.postgres.url(), databases.DATABASE)
        databases.close_public_schema(self.postgres.url(databases.DATABASE, user=databases.OWNER))
        owner = {**self.environment(), "DATABASE_URL": self.postgres.url(databases.DATABASE, user=databases.OWNER)}
        self._run([PYTHON, "manage.py", "migrate", "--no-input", "--skip-checks"], "migrate", owner)
        self.ending.callback(self.valkey.stop)
        self.valkey.start()
        self._start_network()
        self.load = self._start_load()
        self._make_parts()
        for part in self.parts.values():
            self.ending.callback(part.stop)
            part.start()
        for part in self.parts.values():
            if not wait_until(part.is_ready, within_s=READY_WITHIN_S):
                raise RuntimeError(f"{part.name} did not become ready: see {part.log}")

    def _start_network(self) -> None:
        """The simulator, and the proxy in front of everything that dispatchers talk to."""
        simulator = self._part(
            "simulator", ["-m", "simulator", "--port", str(self.ports["simulator"])], strangers(), logged("ready")
        )
        simulator.start()
        upstream: dict[str, int | str] = dict.fromkeys(PROVIDERS, self.ports["simulator"])
        upstream["database"] = str(self.postgres.socket_folder / ".s.PGSQL.5432")
        upstream["broker"] = str(self.valkey.socket)
        listeners = {
            name: {"port": self.ports[name], "to": to, "watch": name in PROVIDERS} for name, to in upstream.items()
        }
        config = self.folder / "proxy.json"
        config.write_text(
            json.dumps({"control": self.ports["control"], "departures": str(self.departures), "listeners": listeners})
        )
        proxy = self._part("proxy", ["-m", "tests.chaos.proxy", str(config)], strangers(), lambda _: True)
        proxy.start()
        self.untouched_parts = [simulator, proxy]
        for part in self.untouched_parts:
            self.ending.callback(part.stop)
        if not wait_until(lambda: simulator.is_ready() and is_open(self.ports["control"]), within_s=30):
            raise RuntimeError("the simulator or the proxy did not start")
        self.proxy = ProxyControl(self.ports["control"])
        self.ending.callback(self.proxy.close)

    def _start_load(self) -> Part:
        config = self.folder / "load.json"
        config.write_text(
            json.dumps(
                {
                    "simulator_port": self.ports["simulator"],
                    "provider_urls": [f"http://127.0.0.1:{self.ports[name]}" for name in PROVIDERS],
                    "web_port": self.ports["web"],
                    "operations": str(self.operations),
                    "seed": self.seed,
                    "fleet": str(self.folder / "fleet.json"),
                    "go": str(self.folder / "go"),
                }
            )
        )
        load = self._part("load", ["-m", "tests.chaos.load", str(config)], self.environment(), lambda _: True)
        load.start()
        self.ending.callback(load.stop)
        made = self.folder / "fleet.json"
        if not wait_until(lambda: made.exists() or not load.is_alive, within_s=120) or not made.exists():
            raise RuntimeError(f"the load did not make its fleet: see {load.log}")
        self.fleet: dict[str, Any] = json.loads(made.read_text(encoding="utf-8"))
        return load

    def let_load_begin(self) -> None:
        (self.folder / "go").touch()

    def _make_parts(self) -> None:
        """What the product is made of here; dispatchers are two workers of one process each, to be killed singly."""
        worker = self.environment(
            DATABASE_URL=f"postgresql://{databases.APP}@127.0.0.1:{self.ports['database']}/{databases.DATABASE}",
            CELERY_BROKER_URL=f"redis://127.0.0.1:{self.ports['broker']}/0",
            FLEETWELL_FAILPOINTS=str(self.failpoints.folder),
            # The proxy speaks no TLS, and asking for it would be a round trip more.
            PGSSLMODE="disable",
            PGGSSENCMODE="disable",
        )
        page = self.environment(FLEETWELL_FAILPOINTS=str(self.failpoints.folder))
        beat = ["-m", "fleet.run.background", "beat", str(self.folder / "beat-schedule")]
        web = answers(f"http://127.0.0.1:{self.ports['web']}/healthz")
        made = [self._part("web", ["-m", "fleet.run.web", str(self.ports["web"])], page, web)]
        for name in DISPATCHERS:
            command = worker_command(name, queues="dispatch", processes=1)[1:]
            made.append(self._part(name, command, worker, logged(" ready.")))
        for name, processes in (("clock", 2), ("default", 1)):
            command = worker_command(name, queues=name, processes=processes)[1:]
            made.append(self._part(name, command, worker, logged(" ready.")))
        made.append(self._part("beat", beat, worker, logged("beat: Starting")))
        self.parts = {part.name: part for part in made}

    def _part(self, name: str, arguments: list[str], env: dict[str, str], is_up: Any) -> Part:
        return Part(name, [PYTHON, *arguments], env, self._log(name), is_up)

    def _run(self, command: list[str], name: str, env: dict[str, str]) -> None:
        if start_process(command, log=self._log(name), env=env, cwd=ROOT).wait() != 0:
            raise RuntimeError(f"{name} failed: see {self._log(name)}")

    def environment(self, **more: str) -> dict[str, str]:
        """The product's environment; what is not said otherwise goes past the proxy and has no failpoints."""
        ring = "k1:" + base64.b64encode(b"only-for-chaos-only-for-chaos-00").decode("ascii")
        return {
            **strangers(),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "CELERY_SKIP_CHECKS": "1",
            "TMPDIR": str(self._folder("tmp")),
            "DATABASE_URL": self.postgres.url(databases.DATABASE, user=databases.APP),
            "CELERY_BROKER_URL": self.valkey.url,
            "FLEETWELL_SECRET_KEY": self.__dict__.setdefault("_secret", secrets.token_urlsafe(50)),
            "FLEETWELL_KEY_RING": ring,
            "FLEETWELL_PORT": str(self.ports["web"]),
            "FLEETWELL_URL": f"http://localhost:{self.ports['web']}",
            "FLEETWELL_VAR": str(self.folder),
            "FLEETWELL_STATIC_ROOT": str(self._folder("static")),
            "FLEETWELL_MAIL_DIR": str(self.folder / "mail"),
            **more,
        }

    # Asking the database -------------------------------------------------------------------------------------------

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection as the superuser, past the proxy."""
        return psycopg.connect(self.postgres.url(databases.DATABASE), autocommit=True, connect_timeout=3)


def strangers() -> dict[str, str]:
    """The environment without anything that speaks of a Fleetwell."""
    return {name: value for name, value in os.environ.items() if not name.startswith(STRANGE)}


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now, below those that the system gives to outgoing connections."""
    found: list[int] = []
    while len(found) < number:
        port = random.randint(20_000, 31_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
