"""A team with a car at the simulator; moving the clock is done by moving the rows, as if time had passed."""

from collections.abc import Callable

import psycopg
import pytest

from commands.programs.models import Schedule, TimedCommand
from fleet.run import databases
from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from tests.commands.programs.scheduling import Clock
from tests.commands.rig import Car, car_of
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase, close_connections
from tests.infrastructure.servers import servers
from tests.infrastructure.simulator import Simulator


@pytest.fixture
def membership(committed_db: CommittedDatabase) -> Membership:
    """The owner of a team, in a database of the test's own."""
    return make_team()


@pytest.fixture
def link(membership: Membership, simulator: Simulator) -> VehicleLink:
    """The team's car: electric, locked, online, charging up to 80 %, everything allowed."""
    state = {"locked": True, "plugged_in": True, "charging_state": "charging", "charge_limit_percent": 80}
    return join_simulated_car(membership, simulator, state=state)


@pytest.fixture
def car(link: VehicleLink, simulator: Simulator) -> Car:
    return car_of(link, simulator)


@pytest.fixture
def let_pass(as_owner: psycopg.Connection) -> Callable[..., None]:
    """let_pass(timed_or_schedule, minutes=…): as if so much time had passed since; the first command ages with it."""

    def pass_time(row: TimedCommand | Schedule, *, minutes: float) -> None:
        span = {"minutes": minutes, "id": row.pk}
        if isinstance(row, TimedCommand):
            as_owner.execute(
                "UPDATE programs_timedcommand SET due_at = due_at - make_interval(secs => 60 * %(minutes)s)"
                " WHERE id = %(id)s",
                span,
            )
            as_owner.execute("ALTER TABLE commands_command DISABLE TRIGGER USER")
            as_owner.execute(
                "UPDATE commands_command SET permitted_at = permitted_at - make_interval(secs => 60 * %(minutes)s),"
                " answered_at = answered_at - make_interval(secs => 60 * %(minutes)s)"
                " WHERE id = (SELECT first_id FROM programs_timedcommand WHERE id = %(id)s)",
                span,
            )
            as_owner.execute("ALTER TABLE commands_command ENABLE TRIGGER USER")
        else:
            as_owner.execute(
                "UPDATE programs_schedule SET look_at = now(), (starts_on, at) = (SELECT moved::date, moved::time"
                "  FROM (SELECT starts_on + at - make_interval(secs => 60 * %(minutes)s) AS moved) AS m),"
                " effective_from = effective_from - make_interval(secs => 60 * %(minutes)s),"
                " looked_at = looked_at - make_interval(secs => 60 * %(minutes)s) WHERE id = %(id)s",
                span,
            )

    return pass_time


@pytest.fixture
def clock(committed_db: CommittedDatabase, as_owner: psycopg.Connection) -> Clock:
    """The clock of this test's database, which can be turned; set it before anything else."""
    # Names of our own, as every test database has them.
    as_owner.execute(f"""
        CREATE SCHEMA turned;
        CREATE TABLE turned.clock AS SELECT pg_catalog.clock_timestamp() AS at;
        CREATE FUNCTION turned.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM turned.clock';
        GRANT USAGE ON SCHEMA turned TO {databases.APP};
        GRANT SELECT ON turned.clock TO {databases.APP};
    """)  # noqa: S608
    with psycopg.connect(servers.postgres.url(), autocommit=True) as server:
        server.execute(f"ALTER DATABASE {committed_db.name} SET search_path = turned, pg_catalog, public")
    close_connections()
    return Clock(as_owner)
