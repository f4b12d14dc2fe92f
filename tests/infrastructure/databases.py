"""Databases to spend: one that every test rolls back, a fresh copy for each that commits. Nothing is ever flushed.

Append-only triggers refuse TRUNCATE and DELETE, so a test that commits gets a database of its own, copied from a
template that was migrated once. Tests connect as the application's role, so its rights and the triggers are real.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from psycopg.conninfo import conninfo_to_dict
from pytest_django import DjangoDbBlocker

from fleet.run import databases
from tests.infrastructure.canary import PLANTING, Canary, secrets_of_registrations
from tests.infrastructure.servers import FACTS, ROLLED_BACK, TEMPLATE, servers

numbers = itertools.count(1)


@dataclass(frozen=True)
class CommittedDatabase:
    """One test's own database: `url` as the application, `owner_url` as the owner of its tables."""

    name: str
    url: str
    owner_url: str


@pytest.fixture(scope="session")
def template_database(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> str:
    """The name of a database with every migration applied and nothing else in it; copy it, never connect to it."""
    databases.create_database(servers.postgres.url(), TEMPLATE)
    owner_url = servers.url(TEMPLATE, user=databases.OWNER)
    databases.close_public_schema(owner_url)
    with django_db_blocker.unblock(), beside_playwrights_loop(), default_connection_to(owner_url):
        call_command("migrate", verbosity=0, interactive=False)
    return TEMPLATE


@pytest.fixture(scope="session")
def facts_database(template_database: str, django_db_blocker: DjangoDbBlocker) -> str:
    """The name of a template that holds the product's own facts about cars too: larger, so it is copied seldom."""
    databases.create_database(servers.postgres.url(), FACTS, template=template_database)
    owner_url = servers.url(FACTS, user=databases.OWNER)
    with django_db_blocker.unblock(), beside_playwrights_loop(), default_connection_to(owner_url):
        call_command("load_compatibility", verbosity=0)
    return FACTS


@pytest.fixture(scope="session")
def django_db_setup(facts_database: str) -> None:
    """pytest-django's own would make a database as a superuser and empty it by flushing."""
    databases.create_database(servers.postgres.url(), ROLLED_BACK, template=facts_database)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse what flushes tables after the test: append-only ones do not let it."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        if {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ())) or (
            marker and (marker.args or marker.kwargs.keys() & {"transaction", "reset_sequences", "serialized_rollback"})
        ):
            raise pytest.UsageError(
                f"{item.nodeid}: use committed_db (a database of its own) or stack (a real server)."
            )


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest,
    template_database: str,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[CommittedDatabase]:
    """A fresh database for code that commits, uses several connections, threads or processes, or async psycopg.

    Django's default connection and its pool, settings.DATABASES and DATABASE_URL all name it for this test.
    The broker runs too and is empty, because a commit rings the doorbell. Facts about cars are in it only for a test
    that is marked with `facts`.
    """
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        pytest.fail("A test uses db (rolled back) or committed_db (a database of its own), not both.")
    servers.broker.command("FLUSHDB")
    if request.node.get_closest_marker("facts"):
        template_database = request.getfixturevalue("facts_database")
    with temporary_database(template_database) as database:
        monkeypatch.setenv("DATABASE_URL", database.url)
        with django_db_blocker.unblock(), default_connection_to(database.url):
            yield database
            if "simulator" in request.fixturenames and request.node.originalname not in PLANTING:
                keep_for_the_canary(request, database)


def keep_for_the_canary(request: pytest.FixtureRequest, database: CommittedDatabase) -> None:
    """Keep what a test wrote beside the pretend maker, whose secrets must not stand in it."""
    canary: Canary = request.getfixturevalue("canary")
    close_connections()  # whatever state the test left its own in
    canary.tell(*secrets_of_registrations())
    canary.keep_database(request.node.nodeid, database.owner_url)


@contextmanager
def temporary_database(template: str) -> Iterator[CommittedDatabase]:
    """A copy of the template, dropped at the end with whoever is still connected."""
    name = f"test_{next(numbers)}"
    databases.create_database(servers.postgres.url(), name, template=template)
    try:
        yield CommittedDatabase(name, servers.url(name), servers.url(name, user=databases.OWNER))
    finally:
        databases.drop_database(servers.postgres.url(), name)


@contextmanager
def default_connection_to(url: str) -> Iterator[None]:
    """Point Django's default connection, in every thread, at another database and back."""
    parts = conninfo_to_dict(url)
    # settings.DATABASES["default"] is this same object, and every thread's connection keeps a reference to it.
    wanted = {"NAME": parts["dbname"], "USER": parts["user"], "HOST": parts["host"]}
    settings = connections["default"].settings_dict
    before = {key: settings[key] for key in wanted}
    close_connections()
    settings.update(wanted)
    try:
        yield
    finally:
        close_connections()
        settings.update(before)


@contextmanager
def beside_playwrights_loop() -> Iterator[None]:
    """Let Django be used in the main thread although Playwright keeps a loop there; nothing of ours runs in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


def close_connections() -> None:
    connection = connections["default"]
    connection.close()
    connection.close_pool()


@pytest.fixture
def as_owner(committed_db: CommittedDatabase) -> Iterator[psycopg.Connection]:
    """A connection as the owner of the tables, for what the application may not do; commits at once."""
    with psycopg.connect(committed_db.owner_url, autocommit=True) as connection:
        yield connection
