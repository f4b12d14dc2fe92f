"""All of Fleetwell as real processes, once for the run, for tests that drive a browser or speak HTTP to it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from fleet import settings as product
from fleet.run import children, databases
from fleet.run.environment import CALLBACK_PATH, Addresses
from fleet.run.home import Home
from fleet.run.machine import MANAGE
from fleet.run.supervisor import StopFlag, Supervisor
from tests.infrastructure.canary import LOUD, Canary, secrets_of_registrations
from tests.infrastructure.databases import beside_playwrights_loop, default_connection_to
from tests.infrastructure.exports import take_exports
from tests.infrastructure.servers import free_port, servers
from tests.infrastructure.simulator import CLIENT_SECRET, Simulator

DATABASE = "fleetwell_stack"
CLIENT_ID = "fleetwell-stack"


@dataclass(frozen=True)
class Stack:
    """Where the running product is, and the way to its database from the test's own process."""

    url: str
    simulator: Simulator
    env: dict[str, str]
    supervisor: Supervisor
    blocker: DjangoDbBlocker

    @contextmanager
    def orm(self) -> Iterator[None]:
        """Django's models of the test process against the product's database: commits, as a shell beside it would."""
        with (
            self.blocker.unblock(),
            beside_playwrights_loop(),
            override_settings(PASSWORD_HASHERS=product.PASSWORD_HASHERS),  # the product must know the hash
            default_connection_to(self.env["DATABASE_URL"]),
        ):
            yield


@pytest.fixture(scope="session")
def stack(
    facts_database: str, simulator: Simulator, django_db_blocker: DjangoDbBlocker, canary: Canary
) -> Iterator[Stack]:
    """Web, dispatcher, worker and beat with the product's own settings, a database of their own, ready to be used."""
    databases.create_database(servers.postgres.url(), DATABASE, template=facts_database)
    port = free_port()
    addresses = Addresses(port=port, simulator_port=servers.simulator_port, url=f"http://localhost:{port}")
    simulator.register_client(addresses.url + CALLBACK_PATH, client_id=CLIENT_ID)
    with Home(servers.folder / "stack") as home, ExitStack() as ending:
        env = {
            **os.environ,
            **servers.environment(),
            "DJANGO_SETTINGS_MODULE": "fleet.settings",
            "DATABASE_URL": servers.url(DATABASE),
            # The test process rings and empties another number of the same broker.
            "CELERY_BROKER_URL": servers.broker.url.replace("virtual_host=0", "virtual_host=1"),
            **LOUD,
            "FLEETWELL_DEMO": "1",
            "FLEETWELL_PORT": str(port),
            "FLEETWELL_URL": addresses.url,
            "FLEETWELL_VAR": str(home.folder),
            "FLEETWELL_STATIC_ROOT": str(home.folder / "static"),
            "FLEETWELL_MAIL_DIR": str(home.folder / "mail"),
            "FLEETWELL_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "FLEETWELL_SIMULATOR_CLIENT_ID": CLIENT_ID,
            "FLEETWELL_SIMULATOR_CLIENT_SECRET": CLIENT_SECRET,
        }
        supervisor = Supervisor(home, stop=StopFlag())
        ending.callback(supervisor.stop)
        collect = [*MANAGE, "collectstatic", "--no-input", "--verbosity", "0"]
        supervisor.run(collect, name="collectstatic", env=env, title="Collecting the static files")
        starting = [
            supervisor.start(child)
            for child in (
                children.web(addresses, env=env),
                children.dispatcher(env=env),
                children.clock(env=env),
                children.worker(env=env),
                children.beat(schedule=home.folder / "beat-schedule", env=env),
            )
        ]
        supervisor.wait_ready(starting, when_ready=lambda _: None)
        canary.listen(servers.broker)
        running = Stack(addresses.url, simulator, env, supervisor, django_db_blocker)
        yield running
        with running.orm():
            canary.tell(*secrets_of_registrations())
            for place, text in take_exports():
                canary.keep(place, text)
        canary.keep_database("database of the stack", servers.url(DATABASE, user=databases.OWNER))


@pytest.fixture(autouse=True)
def _stack_is_alive_after_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    running = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if running:
        running.supervisor.check()
