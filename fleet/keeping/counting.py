"""How much would go: what a page says before somebody keeps less. Counted up to a number that says enough."""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

# Whoever removes so many wants no exact number, and counting a million would keep the page waiting.
ENOUGH = 100_000

COUNTS = {
    "commands": "SELECT 1 FROM commands_command WHERE team_id = %(team)s AND rank >= 0 AND accepted_at < %(before)s "
    "AND finished_at IS NOT NULL",
    "jobs": "SELECT 1 FROM jobs_job WHERE team_id = %(team)s AND created_at < %(before)s AND finished_at < %(before)s",
    "schedule_runs": "SELECT 1 FROM programs_schedulerun WHERE team_id = %(team)s AND due_at < %(before)s",
    "alerts": "SELECT 1 FROM alerts_alert WHERE team_id = %(team)s AND closed_at IS NOT NULL "
    "AND closed_at < %(before)s",
    "invitations": "SELECT 1 FROM teams_invitation WHERE team_id = %(team)s "
    "AND coalesce(accepted_at, revoked_at, expires_at) < %(before)s",
    "readings": "SELECT 1 FROM vehicles_vehiclesignal WHERE team_id = %(team)s AND received_at < %(before)s",
}
NAMES = "SELECT 1 FROM events_personalvalue WHERE team_id = %(team)s AND kept_at < %(before)s"

TEAM = """
SELECT (SELECT count(*) FROM vehicles_vehicle WHERE team_id = %(team)s AND removed_at IS NULL),
       (SELECT count(*) FROM teams_membership WHERE team_id = %(team)s AND ended_at IS NULL),
       (SELECT count(*) FROM programs_timedcommand WHERE team_id = %(team)s AND state IN ('armed', 'requested'))
"""


def count_history(team_id: UUID, *, history_days: int | None, names_days: int | None) -> dict[str, int]:
    """Return how many rows of each kind are older than so many days, without those of which there are none."""
    counts = {} if history_days is None else {name: _count(team_id, one, history_days) for name, one in COUNTS.items()}
    if names_days is not None:
        counts["names"] = _count(team_id, NAMES, names_days)
    return {name: number for name, number in counts.items() if number}


def count_of_team(team_id: UUID) -> dict[str, int]:
    """Return what somebody should know before they end a team: its cars, people, and cars that wait for a way back."""
    with connection.cursor() as cursor:
        cursor.execute(TEAM, {"team": team_id})
        return dict(zip(("vehicles", "members", "ways_back"), cursor.fetchone(), strict=True))


def _count(team_id: UUID, rows: str, days: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({rows} LIMIT {ENOUGH}) some_",  # noqa: S608 - statements of our own
            {"team": team_id, "before": timezone.now() - timedelta(days=days)},
        )
        return cursor.fetchone()[0]
