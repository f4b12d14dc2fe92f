"""Real workers killed between the claim and the request: what was promised comes once, not never and not twice."""

from datetime import timedelta

import psycopg
from django.utils import timezone

from commands.jobs.models import Job
from commands.models import Command
from commands.programs.models import RunState, ScheduleRun
from commands.programs.running import run_due_schedules
from commands.programs.schedules import create_schedule
from commands.programs.tasks import run_schedules
from commands.programs.tasks import undo_due as undo_due_task
from commands.programs.timed import start_timed
from commands.programs.undo import undo_due
from fleet.adapters.commands import FlashLights, Unlock
from fleet.run.processes import wait_until
from tests.commands.programs.scheduling import wish
from tests.commands.rig import GIVE_UP_S, carry


def is_somebody_waiting(as_owner: psycopg.Connection) -> bool:
    """Say whether a worker stands before a lock, which is where the test wants to kill it."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    return as_owner.execute(waiting).fetchone()[0] > 0


def is_anybody_at_work(as_owner: psycopg.Connection) -> bool:
    """Say whether a transaction is open; the server sees only when it answers that its client is dead."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return as_owner.execute(f"{others} AND xact_start IS NOT NULL").fetchone()[0] > 0


def test_way_back_when_the_worker_is_killed_before_it_requested_then_another_requests_it_once(
    link, car, membership, let_pass, worker, as_owner, committed_db
):
    timed = start_timed(vehicle=link.vehicle, membership=membership, order=Unlock(), minutes=2)
    carry()
    let_pass(timed, minutes=3)
    killed = worker(queues="clock")
    with psycopg.connect(committed_db.owner_url) as holding:
        # The worker has begun its transaction, and now waits for the lane to request the way back.
        holding.execute("SELECT 1 FROM vehicles_lane WHERE id = %s FOR UPDATE", [link.vehicle.lane_id])
        undo_due_task.delay()
        assert wait_until(lambda: is_somebody_waiting(as_owner), within_s=GIVE_UP_S)
        killed.kill9()
    assert wait_until(lambda: not is_anybody_at_work(as_owner), within_s=GIVE_UP_S)
    timed.refresh_from_db()
    after_kill = timed.state, Command.objects.filter(kind="lock").count()

    undo_due()
    undo_due()
    carry()
    undo_due()

    timed.refresh_from_db()
    assert after_kill == ("armed", 0)
    assert (timed.state, car.requests()) == ("done", ["unlock", "lock"])


def test_schedule_when_the_worker_is_killed_before_its_job_is_there_then_another_makes_it_once(
    link, membership, let_pass, worker, as_owner, committed_db
):
    due_at = timezone.now() + timedelta(minutes=30)
    schedule = create_schedule(wish=wish(FlashLights(), due_at), membership=membership)
    let_pass(schedule, minutes=31)
    killed = worker(queues="clock")
    with psycopg.connect(committed_db.owner_url) as holding:
        holding.execute("LOCK TABLE jobs_job IN SHARE ROW EXCLUSIVE MODE")
        run_schedules.delay()
        assert wait_until(lambda: is_somebody_waiting(as_owner), within_s=GIVE_UP_S)
        killed.kill9()
    assert wait_until(lambda: not is_anybody_at_work(as_owner), within_s=GIVE_UP_S)
    after_kill = list(ScheduleRun.objects.values_list("state", flat=True)), Job.objects.count()

    run_due_schedules()
    run_due_schedules()

    assert after_kill == ([RunState.DUE], 0)
    assert list(ScheduleRun.objects.values_list("state", flat=True)) == [RunState.STARTED]
    assert Job.objects.count() == 1
