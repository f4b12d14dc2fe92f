"""The test run's own PostgreSQL and Valkey: addresses known at once, processes started when first needed."""

import atexit
import base64
import json
import os
import random
import shutil
import socket
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from fleet.run import databases
from fleet.run.postgres import PostgresServer
from fleet.run.valkey import ValkeyServer

TEMPLATE = "fleetwell_template"
FACTS = "fleetwell_facts"
ROLLED_BACK = "fleetwell_test"
# A crash of the machine may cost us a test run and no more, so nothing waits for the disk.
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # its workers would keep the template busy while it is copied
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
}
ENOUGH_BYTES = 3 * 2**30


class Servers:
    """Everything outside the test process that the tests of one run share."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fleetwell-test-", dir=quick_folder()))
        self._postgres = PostgresServer(
            self.folder, sockets=self._folder("pg"), log=self.folder / "postgresql.log", settings=QUICK
        )
        self._valkey = ValkeyServer(
            self.folder / "valkey", sockets=self._folder("vk"), log=self.folder / "valkey.log", keep=False
        )
        self.simulator_port = free_port()
        self.identity_port = free_port()
        (self.folder / "static").mkdir()  # whitenoise warns about an absent one
        self.process_id = os.getpid()

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        return folder

    def environment(self) -> dict[str, str]:
        """What Django's settings of the test process, and every process that a test starts, are told."""
        return {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": self.url(ROLLED_BACK),
            "CELERY_BROKER_URL": self._valkey.url,
            "FLEETWELL_SECRET_KEY": "only-for-tests-" + "0" * 50,
            "FLEETWELL_KEY_RING": "k1:" + base64.b64encode(b"only-for-tests-only-for-tests-00").decode("ascii"),
            "FLEETWELL_DB_POOL": "6",
            "FLEETWELL_EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
            "FLEETWELL_MAIL_DIR": str(self.folder / "mail"),
            "FLEETWELL_STATIC_ROOT": str(self.folder / "static"),
            "FLEETWELL_VAR": str(self.folder),
            "FLEETWELL_SIMULATOR_URL": f"http://127.0.0.1:{self.simulator_port}",
            "FLEETWELL_SIMULATOR_CLIENT_ID": "fleetwell-test",
            "FLEETWELL_SIMULATOR_CLIENT_SECRET": "only-for-tests",
            "FLEETWELL_OIDC": json.dumps(self.identity_providers()),
        }

    def identity_providers(self) -> list[dict[str, Any]]:
        """Two providers at the server of tests/infrastructure/identity.py; people of the second's domain need it."""
        url = f"http://127.0.0.1:{self.identity_port}"
        known = {"client_id": "fleetwell-test", "client_secret": "secret-of-the-client"}
        return [
            {"id": "acme", "name": "Acme ID", "server_url": f"{url}/acme", "domains": ["acme.example"], **known},
            {
                "id": "harbour",
                "name": "Harbour",
                "server_url": f"{url}/harbour",
                "domains": ["harbour.example"],
                "required": True,
                "second_factor": True,
                **known,
            },
        ]

    def url(self, database: str, *, user: str = databases.APP) -> str:
        """Known before the server runs; connecting needs `postgres` first."""
        return self._postgres.url(database, user=user)

    @cached_property
    def postgres(self) -> PostgresServer:
        """The running server, with the roles in it."""
        self._postgres.start()
        databases.create_roles(self._postgres.url())
        return self._postgres

    @cached_property
    def broker(self) -> ValkeyServer:
        self._valkey.start()
        return self._valkey

    def stop(self) -> None:
        """The end of the run; a process that a test forked must not end them."""
        if os.getpid() != self.process_id:
            return
        self._valkey.stop()
        self._postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def quick_folder() -> str | None:
    """A file system in memory where there is a roomy one: most tests copy a database, hundreds of small files."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of its own in it
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH_BYTES
    return str(memory) if has_room else None


def free_port() -> int:
    """A port that nobody listens on now, below those that the system gives to outgoing connections."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


# What the person who runs the tests may say; whatever else the shell says about a Fleetwell is not about this one.
KEPT = {"FLEETWELL_SKIP_BROWSER", "FLEETWELL_CHROMIUM"}
# Made on import, before Django reads its settings; no process starts here.
servers = Servers()
atexit.register(servers.stop)  # not pytest_unconfigure: that is not called when a conftest fails
for name in [name for name in os.environ if name.startswith("FLEETWELL_") and name not in KEPT]:
    del os.environ[name]
os.environ.update(servers.environment())
