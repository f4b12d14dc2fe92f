"""Removing what is over and older than its team wishes: short transactions, each with the event that tells of it.

What is final is removed by functions of the database alone (migrations 0002): they read the limit from the team's row.
A run that dies has removed what its events say, and the next goes on; nothing is remembered in between.
"""

import logging
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import Q

from fleet.events.models import PersonalValue
from fleet.events.services import acting_as, record
from fleet.keeping.locks import alone_at
from fleet.teams.models import Team

logger = logging.getLogger(__name__)

ACTOR = "system:keeping"
PLACE = "fleetwell:remove-history"
BATCH = 500
Position = tuple[datetime, UUID]
BEGINNING: Position = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))

# In this order: what points at others goes first.
REMOVERS = {
    "schedule_runs": "remove_old_runs",
    "jobs": "remove_old_jobs",
    "timed": "remove_old_timed",
    "alerts": "remove_old_alerts",
}
COMMANDS = "SELECT removed, last_at, last_id FROM remove_old_commands(%s, %s, %s, %s)"
# What the application may remove itself. A car that reports renews its values; who reads them now is not waited for.
READINGS = """
DELETE FROM vehicles_vehiclesignal WHERE id IN (
    SELECT id FROM vehicles_vehiclesignal WHERE team_id = %(team)s AND received_at < history_cutoff(%(team)s)
    LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
INVITATIONS = """
DELETE FROM teams_invitation WHERE id IN (
    SELECT id FROM teams_invitation WHERE team_id = %(team)s AND created_at < history_cutoff(%(team)s)
        AND coalesce(accepted_at, revoked_at, expires_at) < history_cutoff(%(team)s)
    LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
# How often cars were read: hour by hour for their owners, and so for every team alike.
READ_COUNTS = """
DELETE FROM vehicles_readcount WHERE id IN (
    SELECT id FROM vehicles_readcount WHERE hour_at < now() - %(age)s LIMIT %(most)s)
"""
READ_COUNTS_KEPT = timedelta(days=90)
OWN = {"readings": READINGS, "invitations": INVITATIONS}


def remove_history(*, within_s: float = 60.0, most: int = BATCH) -> Counter[str]:
    """Remove what is due of all teams, for a bounded time; return how many rows of each kind went. One at a time."""
    removed: Counter[str] = Counter()
    until = time.monotonic() + within_s
    with alone_at(PLACE) as is_mine:
        removed["read_counts"] = _remove_read_counts(until=until, most=most) if is_mine else 0
        wishing = Q(keep_history_days__isnull=False) | Q(keep_names_days__isnull=False)
        teams = Team.objects.filter(wishing).order_by("id").values_list("id", "keep_names_days")
        for team_id, names_days in list(teams) if is_mine else []:
            try:
                removed += _remove_of(team_id, names_days, until=until, most=most)
            except DatabaseError as error:
                # One team's trouble is not the others'.
                logger.warning("removing history of team %s: %s", team_id, type(error).__name__)
            if time.monotonic() >= until:
                break
    return removed


def _remove_read_counts(*, until: float, most: int) -> int:
    removed = gone = 0
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(READ_COUNTS, {"age": READ_COUNTS_KEPT, "most": most})
            gone = cursor.rowcount
        removed += gone
        if gone < most:
            break
    return removed


def _remove_of(team_id: UUID, names_days: int | None, *, until: float, most: int) -> Counter[str]:
    removed: Counter[str] = Counter()
    # First all else: what points at a command keeps it.
    is_rest_gone, position = False, None
    while time.monotonic() < until:
        batch, position = remove_batch(team_id, position, most=most)
        removed += batch
        if not is_rest_gone and not batch:
            is_rest_gone, position = True, BEGINNING
        elif is_rest_gone and position is None:
            break
    if names_days is not None:
        removed["names"] += shred_old_names(team_id, names_days)
    return removed


def remove_batch(team_id: UUID, after: Position | None, *, most: int) -> tuple[Counter[str], Position | None]:
    """Remove at most so many rows of each kind in one transaction; return how many, and the last command looked at.

    after: the last command that the batch before has looked at; None leaves commands alone. Those that something
    still needs are passed over. An event tells of what went.
    """
    removed: Counter[str] = Counter()
    with acting_as(ACTOR), connection.cursor() as cursor:
        for name, function in REMOVERS.items():
            cursor.execute(f"SELECT {function}(%s, %s)", [team_id, most])
            removed[name] = cursor.fetchone()[0]
        for name, statement in OWN.items():
            cursor.execute(statement, {"team": team_id, "most": most})
            removed[name] = cursor.rowcount
        last = None
        if after is not None:
            cursor.execute(COMMANDS, [team_id, most, *after])
            removed["commands"], *last_one = cursor.fetchone()
            last = (last_one[0], last_one[1]) if last_one[0] is not None else None
        removed = +removed  # without the zeros
        if removed:
            record("team.history_removed", actor=ACTOR, team_id=team_id, subject=f"team:{team_id}", data=dict(removed))
    return removed, last


def shred_old_names(team_id: UUID, days: int | None) -> int:
    """Shred the values of a team's log that are older than so many days, or all; the chain stays as it is."""
    old = PersonalValue.objects.filter(team_id=team_id)
    if days is not None:
        old = old.filter(kept_at__lt=datetime.now(UTC) - timedelta(days=max(days, 30)))
    with acting_as(ACTOR):
        number, _ = old.delete()
        if number:
            record("personal.shredded", actor=ACTOR, team_id=team_id, data={"values": number})
    return number
