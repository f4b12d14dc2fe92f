"""An application of the simulator's with budgets, and the clock of a budget turned by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from fleet.vehicles.models import ProviderApp
from tests.factories import make_simulator_app
from tests.infrastructure.databases import CommittedDatabase

TAKE = "SELECT budget_take(%s, %s, %s, %s, %s, %s)"
Taker = Callable[..., float | None]


@pytest.fixture
def app(committed_db: CommittedDatabase) -> ProviderApp:
    return make_simulator_app()


@pytest.fixture
def database(committed_db: CommittedDatabase) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the application; commits at once."""
    with psycopg.connect(committed_db.url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def take(database: psycopg.Connection[Any], app: ProviderApp) -> Taker:
    """take(n, resource="calls", urgent=False, account=None, lane=None): what the database answers."""

    def ask(n: int = 1, *, resource: str = "calls", urgent: bool = False, account: Any = None, lane: Any = None) -> Any:
        return database.execute(TAKE, [app.id, account, lane, resource, n, urgent]).fetchone()[0]  # type: ignore[index]

    return ask


def let_pass(database: psycopg.Connection[Any], sub_windows: int) -> None:
    """Let time pass for every budget: as if what was taken had been taken so many sub-windows earlier."""
    database.execute("UPDATE budgets_budgetuse SET slot = slot - %s", [sub_windows])


def uses(database: psycopg.Connection[Any]) -> dict[Any, int]:
    """How much of every budget is counted, by its key."""
    return dict(database.execute("SELECT key, budget_sum(slots) FROM budgets_budgetuse").fetchall())
