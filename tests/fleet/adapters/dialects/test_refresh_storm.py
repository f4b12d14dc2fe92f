"""Rotating refresh tokens of Tesla and Volvo: eight workers, killed at any moment, lost replies; all stay logged in."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from fleet.events.models import Event
from fleet.run.processes import wait_until
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.tokens import get_access_token
from tests.factories import make_team
from tests.fleet.adapters.dialects.benches import TeslaBench, VolvoBench
from tests.fleet.vehicles.test_refresh_storm import Storm
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

REFRESHES = int(os.environ.get("REFRESH_STORM", "160"))
WORKERS, LOGINS_EACH, KILL_EVERY = 8, 6, 40
KILLS = REFRESHES // KILL_EVERY
WITHIN_S = 150.0


@pytest.mark.timeout(WITHIN_S * 2)
def test_storm_when_workers_of_two_makers_are_killed_and_replies_are_lost_then_nobody_is_logged_out(
    committed_db: CommittedDatabase, simulator: Simulator, tmp_path: Path
) -> None:
    team = make_team()
    joined = [one for bench in (TeslaBench, VolvoBench) for one in _join_logins(bench(simulator), team)]
    accounts = [str(one.link.connection.account_id) for one in joined]
    # Tesla's own grace is a day; Volvo ends the older token at once, and without any grace nothing could heal a kill.
    simulator.behaviour(refresh_grace_s=60)
    before = simulator.token_counts()
    storm = Storm(tmp_path, accounts)
    try:
        for _ in range(WORKERS):
            storm.start_one()
        end = time.monotonic() + WITHIN_S
        while (storm.count() < REFRESHES or storm.kills < KILLS) and time.monotonic() < end:
            wait_until(partial(storm.has_done, storm.count() + KILL_EVERY), within_s=WITHIN_S)
            simulator.behaviour(refresh_grace_s=60, lose_reply=1, scope="all")
            storm.kill_one()
            storm.start_one()
    finally:
        storm.end()

    counts = simulator.token_counts()
    assert (storm.count() >= REFRESHES, storm.kills >= KILLS) == (True, True)
    assert storm.count(b"!") == 0, [log.read_text()[:300] for log in tmp_path.glob("*.log") if log.stat().st_size]
    assert counts["reuses"] == before["reuses"]
    assert counts["rotations"] - before["rotations"] >= REFRESHES / 10
    for account in ProviderAccount.objects.filter(id__in=accounts):
        assert get_access_token(account.id, refused_version=account.token_version)
    assert set(ProviderAccount.objects.values_list("status", "refresh_started_at")) == {("active", None)}
    assert not Event.objects.filter(kind="connection.needs_owner").exists()


def _join_logins(bench: TeslaBench | VolvoBench, team: object) -> list:
    return [bench.join_one(team) for _ in range(LOGINS_EACH)]
