"""What a team's own runs have shown, and what the runs of all teams that share theirs have: made anew from commands.

A run is a command that reached its maker and has ended: confirmed, failed, unresolved, or refused by the maker or the
car. It counts for 90 days from its acceptance. No run: what expired, was cancelled, replaced or refused before a byte
left; and what could show nothing, because the car was so already or a later command spoke instead. A run counts where
the car is at home today, as the make and model that it is called today.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from compatibility.models import SharedMeasurement, TeamMeasurement
from fleet.teams.models import Team

PERIOD = timedelta(days=90)
# Runs also leave the 90 days while nobody sends anything.
AT_LEAST_EVERY = timedelta(days=1)
# What ended just before the last count may have been committed just after it.
OVERLAP_S = 120
# A command leaves within minutes and is looked for for a day: what was accepted before has ended before.
LONGEST_LIFE_S = 2 * 86_400
MOST_TEAMS_PER_ROUND = 500
# Fewer would speak of somebody's car; the table refuses them as well.
LEAST_CARS, LEAST_TEAMS = 5, 3

# rank >= 0 is always true; without it the planner may not take the index over a team's commands by time.
NEEDS_MEASURING = f"""
SELECT t.id FROM teams_team t CROSS JOIN LATERAL (
    SELECT max(m.measured_at) AS at FROM compatibility_teammeasurement m WHERE m.team_id = t.id
) measured
WHERE measured.at <= %(too_old)s OR EXISTS (
    SELECT 1 FROM commands_command c
    WHERE c.team_id = t.id AND c.rank >= 0 AND c.attempts >= 1
        AND c.accepted_at > greatest(%(since)s, measured.at - interval '{LONGEST_LIFE_S} s')
        AND c.finished_at > coalesce(measured.at - interval '{OVERLAP_S} s', '-infinity'))
ORDER BY measured.at NULLS FIRST LIMIT {MOST_TEAMS_PER_ROUND}
"""  # noqa: S608 - statements of our own

# A refusal of the maker or the car comes while we send, or as late word about what we did not know of.
IS_RUN = """
c.rank >= 0 AND c.accepted_at > %(since)s AND c.attempts >= 1 AND v.make <> '' AND (
    (c.state = 'confirmed' AND c.evidence <> 'already')
    OR c.state = 'failed'
    OR (c.state = 'unresolved' AND c.error_code <> 'overtaken')
    OR (c.state = 'refused' AND c.was IN ('sending', 'unknown') AND c.error_code <> 'not_written'))
"""
TOOK_S = "extract(epoch FROM c.finished_at - c.accepted_at)"
COLUMNS = """
provider, make, model, year, country, command, runs, confirmed, cars, median_s, p90_s, measured_at
"""
# A car is a lane: joined to two teams, or joined anew, it is still one.
MEASURED = f"""
p.provider, v.make, v.model, v.year, coalesce(nullif(v.country, ''), t.country) AS country, c.kind,
count(*), count(*) FILTER (WHERE c.state = 'confirmed'), count(DISTINCT c.lane_id),
percentile_cont(0.5) WITHIN GROUP (ORDER BY {TOOK_S}) FILTER (WHERE c.state = 'confirmed'),
percentile_cont(0.9) WITHIN GROUP (ORDER BY {TOOK_S}) FILTER (WHERE c.state = 'confirmed'),
%(now)s
"""
LAST_CONFIRMED_AT = "max(c.finished_at) FILTER (WHERE c.state = 'confirmed')"
# The hour of the last proof could be that of somebody's trip.
LAST_CONFIRMED_ON = f"date_trunc('day', {LAST_CONFIRMED_AT}, 'UTC')"
RUNS = """
commands_command c JOIN vehicles_vehicle v ON v.id = c.vehicle_id JOIN teams_team t ON t.id = c.team_id
JOIN vehicles_providerapp p ON p.id = c.app_id
"""
EACH_KIND_OF_CAR = "GROUP BY 1, 2, 3, 4, 5, 6"

OF_TEAM = f"""
INSERT INTO compatibility_teammeasurement ({COLUMNS}, last_confirmed_at, team_id)
SELECT {MEASURED}, {LAST_CONFIRMED_AT}, %(team)s FROM {RUNS}
WHERE c.team_id = %(team)s AND {IS_RUN} {EACH_KIND_OF_CAR}
"""  # noqa: S608 - as above
OF_THOSE_WHO_SHARE = f"""
INSERT INTO compatibility_sharedmeasurement ({COLUMNS}, last_confirmed_at, teams)
SELECT {MEASURED}, {LAST_CONFIRMED_ON}, count(DISTINCT c.team_id) FROM {RUNS}
WHERE t.shares_measurements AND t.delete_at IS NULL AND {IS_RUN} {EACH_KIND_OF_CAR}
HAVING count(DISTINCT c.lane_id) >= {LEAST_CARS} AND count(DISTINCT c.team_id) >= {LEAST_TEAMS}
"""  # noqa: S608 - as above
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('commands.measuring', 0))"


def measure_teams(now: datetime | None = None) -> int:
    """Measure the teams whose commands ended since they were measured last; then what all show together.

    Returns how many teams were measured. Idempotent, for worker processes only: it reads all runs of a team.
    """
    now = now or timezone.now()
    teams = _teams_to_measure(now)
    for team_id in teams:
        _measure_team(team_id, now)
    _measure_shared(now)
    return len(teams)


def _teams_to_measure(now: datetime) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(NEEDS_MEASURING, {"too_old": now - AT_LEAST_EVERY, "since": now - PERIOD})
        return [row[0] for row in cursor.fetchall()]


@transaction.atomic
def _measure_team(team_id: UUID, now: datetime) -> None:
    # Held until the end: two rounds at once would write each row twice, and an erased team has nothing to show.
    if not Team.objects.select_for_update(no_key=True).filter(pk=team_id).exists():
        return
    TeamMeasurement.objects.filter(team_id=team_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(OF_TEAM, {"team": team_id, "now": now, "since": now - PERIOD})


@transaction.atomic
def _measure_shared(now: datetime) -> None:
    """Make the shared rows anew, whole: a team that no longer shares is in none of them from now on."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        SharedMeasurement.objects.all().delete()
        cursor.execute(OF_THOSE_WHO_SHARE, {"now": now, "since": now - PERIOD})
