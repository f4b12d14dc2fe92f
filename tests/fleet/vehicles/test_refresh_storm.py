"""Many processes that refresh the same logins, and are killed at any moment: no owner is ever logged out.

A larger one, as often as is wished: REFRESH_STORM=10000 make test ARGS=tests/fleet/vehicles/test_refresh_storm.py
"""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from fleet.events.models import Event
from fleet.run.environment import ROOT
from fleet.run.processes import kill_group, start_process, stop_process, wait_until
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.tokens import get_access_token
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

REFRESHES = int(os.environ.get("REFRESH_STORM", "400"))
LOGINS, WORKERS = (500, 8) if REFRESHES >= 10_000 else (25, 4)
# A killed one takes seconds to be replaced; some are always at work.
KILL_EVERY = max(REFRESHES // 100, 40)
WITHIN_S = 100 + REFRESHES / 20


class Storm:
    """The workers, their tallies, and how many of them were killed."""

    def __init__(self, folder: Path, accounts: list[str]) -> None:
        self.folder, self.accounts = folder, accounts
        self.workers: list[subprocess.Popen[bytes]] = []
        self.started = self.kills = 0

    def start_one(self) -> None:
        self.started += 1
        command = [sys.executable, "-m", "tests.fleet.vehicles.refresher", str(self.folder / f"{self.started}.tally")]
        environment = os.environ | {"FLEETWELL_DB_POOL": "2"}
        log = self.folder / f"{self.started}.log"
        self.workers.append(start_process([*command, *self.accounts], log=log, cwd=ROOT, env=environment))

    def kill_one(self) -> None:
        """Kill the one that has worked longest: others have only just begun."""
        kill_group(self.workers.pop(0))
        self.kills += 1

    def count(self, sign: bytes = b".") -> int:
        return sum(tally.read_bytes().count(sign) for tally in self.folder.glob("*.tally"))

    def has_done(self, number: int) -> bool:
        return self.count() >= number

    def end(self) -> None:
        """Ask all to end after what they are at."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            stop_process(worker, within_s=30)


@pytest.mark.timeout(WITHIN_S * 2)
@pytest.mark.parametrize("are_killed", [False, True], ids=["all live", "some are killed"])
def test_storm_when_many_refresh_the_same_logins_then_nobody_is_logged_out(
    committed_db: CommittedDatabase, simulator: Simulator, tmp_path: Path, are_killed: bool
) -> None:
    team = make_team()
    links = [join_simulated_car(team, simulator, learn=False) for _ in range(LOGINS)]
    accounts = [str(link.connection.account_id) for link in links]
    if are_killed:  # a maker without any grace leaves nothing to heal with
        simulator.behaviour(refresh_grace_s=60)
    before = simulator.token_counts()
    storm = Storm(tmp_path, accounts)
    try:
        for _ in range(WORKERS):
            storm.start_one()
        end = time.monotonic() + WITHIN_S
        while storm.count() < REFRESHES and time.monotonic() < end:
            wait_until(partial(storm.has_done, min(storm.count() + KILL_EVERY, REFRESHES)), within_s=WITHIN_S)
            if are_killed:
                storm.kill_one()
                storm.start_one()
    finally:
        storm.end()

    counts = simulator.token_counts()
    assert storm.count() >= REFRESHES
    assert storm.count(b"!") == 0, [log.read_text()[:300] for log in tmp_path.glob("*.log") if log.stat().st_size]
    assert counts["reuses"] == before["reuses"]
    assert counts["rotations"] - before["rotations"] >= REFRESHES / 10
    assert storm.kills > 0 or not are_killed
    for account in ProviderAccount.objects.filter(id__in=accounts):
        assert get_access_token(account.id, refused_version=account.token_version)
    assert set(ProviderAccount.objects.values_list("status", "refresh_started_at")) == {("active", None)}
    assert not Event.objects.filter(kind="connection.needs_owner").exists()
