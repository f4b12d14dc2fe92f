"""What each process of one machine is told by its environment; secrets are made once and kept in the home folder."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.run import databases
from fleet.run.errors import RunError
from fleet.run.home import Home
from fleet.run.postgres import PostgresServer
from fleet.run.valkey import ValkeyServer

ROOT = Path(__file__).resolve().parents[2]
CLIENT_ID = "fleetwell"
CALLBACK_PATH = "/connect/callback/"
DEMO_EMAIL = "demo@fleetwell.example"
# Without letters and digits that look alike: a person types it.
PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105 - the alphabet, not a password


@dataclass(frozen=True)
class Addresses:
    """Where a person and the processes find each other."""

    port: int
    simulator_port: int
    url: str

    @property
    def simulator_url(self) -> str:
        return f"http://127.0.0.1:{self.simulator_port}"


def read_addresses(environment: Mapping[str, str]) -> Addresses:
    port = _port(environment, "FLEETWELL_PORT", 8000)
    simulator_port = _port(environment, "FLEETWELL_SIMULATOR_PORT", 8001)
    if port == simulator_port:
        raise RunError(f"FLEETWELL_PORT and FLEETWELL_SIMULATOR_PORT are both {port}: choose another for one of them.")
    return Addresses(port, simulator_port, environment.get("FLEETWELL_URL") or f"http://localhost:{port}")


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise RunError(f"{name} is {text!r}: it must be a number from 1 to 65535.")
    return int(text)


@dataclass(frozen=True)
class Secrets:
    """Made at the first start; one that the environment gives is taken instead."""

    secret_key: str
    key_ring: str
    simulator_client: str
    demo_password: str


def keep_secrets(home: Home, environment: Mapping[str, str]) -> Secrets:
    def kept(name: str, file: str, text: str) -> str:
        return environment.get(name) or home.keep(file, lambda: text)

    return Secrets(
        secret_key=kept("FLEETWELL_SECRET_KEY", "secret-key", secrets.token_urlsafe(50)),
        key_ring=kept("FLEETWELL_KEY_RING", "key-ring", "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()),
        simulator_client=kept("FLEETWELL_SIMULATOR_CLIENT_SECRET", "simulator-secret", secrets.token_urlsafe(24)),
        demo_password=kept("FLEETWELL_DEMO_PASSWORD", "demo-password", make_password()),
    )


def make_password() -> str:
    return "-".join("".join(secrets.choice(PASSWORD_LETTERS) for _ in range(5)) for _ in range(3))


def application_environment(
    *, home: Home, addresses: Addresses, kept: Secrets, postgres: PostgresServer, valkey: ValkeyServer
) -> dict[str, str]:
    """For web, workers and beat: the database as the application's role, which owns nothing."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "fleet.settings",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(home.folder / "tmp"),
        "CELERY_SKIP_CHECKS": "1",  # Django's checks are for developers (make check) and slow down every worker's start
        "DATABASE_URL": postgres.url(databases.DATABASE, user=databases.APP),
        "CELERY_BROKER_URL": valkey.url,
        "FLEETWELL_DEMO": "1",
        "FLEETWELL_VAR": str(home.folder),
        "FLEETWELL_PORT": str(addresses.port),
        "FLEETWELL_URL": addresses.url,
        "FLEETWELL_SECRET_KEY": kept.secret_key,
        "FLEETWELL_KEY_RING": kept.key_ring,
        "FLEETWELL_STATIC_ROOT": str(home.folder / "static"),
        "FLEETWELL_MAIL_DIR": str(home.folder / "mail"),
        "FLEETWELL_SIMULATOR_URL": addresses.simulator_url,
        "FLEETWELL_SIMULATOR_CLIENT_ID": CLIENT_ID,
        "FLEETWELL_SIMULATOR_CLIENT_SECRET": kept.simulator_client,
    }


def owner_environment(application: Mapping[str, str], postgres: PostgresServer) -> dict[str, str]:
    """For migrations, and for nothing else."""
    return {**application, "DATABASE_URL": postgres.url(databases.DATABASE, user=databases.OWNER)}


def demo_environment(application: Mapping[str, str], kept: Secrets) -> dict[str, str]:
    """For the command that loads the demo fleet."""
    return {**application, "FLEETWELL_DEMO_EMAIL": DEMO_EMAIL, "FLEETWELL_DEMO_PASSWORD": kept.demo_password}


def simulator_environment(kept: Secrets) -> dict[str, str]:
    """The simulator is a stranger: it gets its own client's secret and none of ours."""
    strangers = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLEETWELL_", "DATABASE_", "CELERY_", "DJANGO_"))
    }
    return {**strangers, "PYTHONUNBUFFERED": "1", "SIMULATOR_CLIENT_SECRET": kept.simulator_client}
