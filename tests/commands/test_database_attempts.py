"""What the database refuses around permits, and once a command is over."""

import pytest
from psycopg import errors

from fleet.adapters.commands import Lock
from tests.commands.rig import carry, press


@pytest.fixture
def over(link):
    """A command that was carried to its end."""
    command = press(link, Lock())
    carry()
    command.refresh_from_db()
    assert command.is_final
    return command


@pytest.mark.parametrize(
    "change",
    [
        "evidence = 'vehicle_ack'",
        "error_reason = 'door_open'",
        "observed_at = now()",
        "finished_at = now()",
        "origin = 'api'",
        "idempotency_key = 'another'",
        "user_id = NULL",
    ],
)
def test_command_that_is_over_when_somebody_changes_what_is_known_of_it_then_it_is_refused(as_owner, over, change):
    as_owner.execute("SELECT set_config('fleetwell.actor', 'system:test', false)")

    with pytest.raises(errors.CheckViolation):
        as_owner.execute(f"UPDATE commands_command SET {change} WHERE id = %s", [over.id])  # noqa: S608


@pytest.mark.parametrize("column", ["n = 2", "fence = 0", "permitted_at = now()"])
def test_attempt_when_somebody_rewrites_it_then_it_is_refused(as_owner, over, column):
    with pytest.raises(errors.CheckViolation, match="only its outcome"):
        as_owner.execute(f"UPDATE commands_commandattempt SET {column} WHERE command_id = %s", [over.id])  # noqa: S608


def test_attempt_when_written_without_a_permit_then_it_is_refused(as_owner, over):

    with pytest.raises(errors.CheckViolation, match="attempt without a permit"):
        as_owner.execute(
            "INSERT INTO commands_commandattempt (team_id, command_id, n, fence) VALUES (%s, %s, 2, 999999)",
            [over.team_id, over.id],
        )
