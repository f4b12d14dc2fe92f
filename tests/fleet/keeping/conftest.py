"""A team with a car and something of everything that a team can have; and time that passes for all of it."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from commands.alerts.services import close_alert
from commands.jobs.models import Job
from commands.models import Command, CommandAttempt
from commands.programs.models import ScheduleRun, TimedCommand
from fleet.adapters.commands import Command as Order
from fleet.adapters.commands import FlashLights, Lock
from fleet.events import personal
from fleet.events.services import acting_as
from fleet.members.invitations import invite_by_link, revoke
from fleet.teams.grants import Grant
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.commands.alerts.rows import bring, make_alert
from tests.commands.jobs.rig import feed, start
from tests.commands.programs.scheduling import make_schedule, make_timed
from tests.commands.rig import press
from tests.factories import join_simulated_car, make_team
from tests.fleet.events.conftest import superuser  # noqa: F401 - a fixture
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator

# Every time that tells how old something is.
TIMES = {
    "commands_command": ("accepted_at", "ready_at", "deadline", "permitted_at", "answered_at", "finished_at"),
    "commands_commandattempt": ("permitted_at", "finished_at"),
    "events_event": ("at",),
    "events_personalvalue": ("kept_at",),
    "jobs_job": ("created_at", "started_at", "finished_at", "deadline"),
    "programs_schedulerun": ("due_at", "created_at"),
    "programs_timedcommand": ("due_at", "created_at", "requested_at", "finished_at"),
    "alerts_alert": ("created_at", "closed_at"),
    "teams_invitation": ("created_at", "expires_at", "accepted_at", "revoked_at"),
    "vehicles_vehiclesignal": ("observed_at", "received_at"),
}
fences = itertools.count(1_000)
Pass = Callable[[int], None]


@pytest.fixture
def owner(committed_db: CommittedDatabase) -> Membership:
    return make_team("Nordlicht")


@pytest.fixture
def link(owner: Membership, simulator: Simulator) -> VehicleLink:
    return join_simulated_car(owner, simulator, state={"locked": True})


@pytest.fixture
def days_pass(superuser: psycopg.Connection) -> Pass:  # noqa: F811
    """Let days pass for all that there is; only who owns the machine can. Before the log is sealed."""

    def passing(days: int) -> None:
        for table, columns in TIMES.items():
            moved = ", ".join(f"{name} = {name} - make_interval(days => {days})" for name in columns)
            superuser.execute(f"UPDATE {table} SET {moved}")  # noqa: S608

    return passing


def finish(link: VehicleLink, order: Order | None = None, **options: Any) -> Command:
    """A command that left, with its attempt, and failed."""
    command = bring(press(link, order or FlashLights(), **options), "sending", fence=next(fences))
    with acting_as("system:test"):
        CommandAttempt.objects.create(team_id=command.team_id, command=command, n=1, fence=command.fence)
        Command.objects.filter(pk=command.pk).update(state="failed", finished_at=timezone.now())
    command.refresh_from_db()
    return command


def finish_job(owner: Membership, *, cause: str = "") -> Job:
    """A job over all cars of which every command was confirmed."""
    job = start(owner, Lock(), cause=cause)
    feed()
    for command in Command.objects.filter(cause=f"job:{job.id}"):
        bring(command, "confirmed", evidence="vehicle_ack")
    feed()
    job.refresh_from_db()
    assert not job.is_active
    return job


def make_history(owner: Membership, link: VehicleLink) -> None:
    """One of everything that can be over, over."""
    finish(link)
    job = finish_job(owner)
    schedule = make_schedule(owner)
    now = timezone.now()
    local = {"zone": "UTC", "local_on": now.date(), "local_at": now.time()}
    ScheduleRun.objects.create(
        team=owner.team, schedule=schedule, due_at=now - timedelta(days=2), state="started", job=job, **local
    )
    timed = make_timed(link, owner)
    bring(timed.first, "cancelled")
    TimedCommand.objects.filter(pk=timed.pk).update(state="dropped", reason="kept", finished_at=now)
    alert = make_alert(link, key=f"test:{timed.id}")
    close_alert(alert=alert, user=owner.user, note="Looked at it.")
    invitation, _ = invite_by_link(membership=owner, grant=Grant(Role.VIEWER))
    revoke(membership=owner, invitation=invitation)
    with acting_as(owner.user.actor), transaction.atomic():
        personal.keep("ada@example.com", team_id=owner.team_id)
