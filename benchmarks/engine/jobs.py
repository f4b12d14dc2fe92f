"""Real jobs: made by a service, fed by a worker, and watched by people with the page open.

Import it after Django is set up, that is, while a rig is open.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Count

from benchmarks.engine.rig import Rig
from benchmarks.engine.seeding import Fleet
from commands.jobs.models import Job
from commands.jobs.services import create_job
from fleet.adapters.commands import SetChargeLimit
from fleet.run.environment import ROOT
from fleet.run.processes import wait_until
from fleet.vehicles.filters import VehicleFilter

OVER_WITHIN_S = 600.0
# Another value each time, so that no job repeats the one before.
limits = cycle((80, 70))


@dataclass
class Watching:
    """Clients that wait for a page to look at; `result` says afterwards how often they looked and how long it took."""

    process: subprocess.Popen[str]
    result: dict[str, Any] = field(default_factory=dict)

    def look_at(self, path: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()


def run_job(rig: Rig, fleet: Fleet, number: int, *, watched_by: Watching | None = None) -> float:
    """Start a job over so many cars, wait for its end and return the seconds from its start to its end."""
    cars = VehicleFilter() if number == len(fleet.cars) else VehicleFilter(ids=_ids(fleet, number))
    job = create_job(membership=fleet.membership, cars=cars, order=SetChargeLimit(next(limits)))
    if watched_by is not None:
        watched_by.look_at(job.get_absolute_url())

    def is_over() -> bool:
        rig.supervisor.check()
        job.refresh_from_db()
        return not job.is_active

    if not wait_until(is_over, within_s=OVER_WITHIN_S):
        raise SystemExit(f"the job was not over within {OVER_WITHIN_S:.0f} s; see {rig.home.folder}/log")
    outcomes = dict(Job.objects.filter(pk=job.pk).values_list("items__outcome").annotate(n=Count("items")))
    if outcomes != {"confirmed": number} or job.started_at is None or job.finished_at is None:
        raise SystemExit(f"not a valid run: {outcomes}")
    return (job.finished_at - job.started_at).total_seconds()


def _ids(fleet: Fleet, number: int) -> tuple[Any, ...]:
    return tuple(car.vehicle_id for car in fleet.cars[:number])


@contextmanager
def watching(fleet: Fleet, url: str, watchers: int) -> Iterator[Watching]:
    """Keep so many clients ready, signed in as the team's owner, until the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.engine.watching"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    seen = Watching(process)
    assert process.stdin is not None
    given = {"url": url, "watchers": watchers, "cookies": {settings.SESSION_COOKIE_NAME: _sign_in(fleet)}}
    process.stdin.write(json.dumps(given) + "\n")
    try:
        yield seen
    finally:
        output, _ = process.communicate(timeout=60)
    seen.result = json.loads(output)


def _sign_in(fleet: Fleet) -> str:
    user = fleet.membership.user
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
