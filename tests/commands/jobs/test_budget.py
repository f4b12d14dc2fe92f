"""A job at a maker that counts calls: never one too many, foretold, and what does not fit is not sent."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from commands.dispatch.reconcile import reconcile_due
from commands.jobs.models import Job
from commands.jobs.preview import preview_job
from commands.models import Command
from commands.services import sweep_commands
from fleet.adapters.commands import FlashLights, Lock
from fleet.budgets.services import save_budget
from fleet.run.processes import wait_until
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import ProviderApp
from tests.commands.jobs.rig import counts, ends, feed, make_car, over, start, work
from tests.commands.rig import carry
from tests.factories import make_simulator_app

CLIENT = "counting-maker"


@pytest.fixture
def app(committed_db, simulator) -> ProviderApp:
    """A maker of its own, at which only this test's calls are counted."""
    simulator.register_client(client_id=CLIENT)
    simulator._ask("PUT", "/_control/quota", {"client": CLIENT})
    return make_simulator_app(CLIENT)


@pytest.fixture
def cars(membership, simulator, app):
    return [make_car(membership, simulator, n, app=app) for n in range(1, 7)]


def limit(simulator, app: ProviderApp, calls: int, window_s: int) -> None:
    """The maker's own quota, and ours that mirrors it."""
    simulator._ask("PUT", "/_control/quota", {"client": CLIENT, "limit": calls, "window_s": window_s})
    save_budget(app_id=app.id, resource="calls", limit=calls, window_s=window_s, actor="system:test")


def quota(simulator) -> dict[str, Any]:
    clients = simulator._ask("GET", "/_control/quota")["clients"]
    return next(client for client in clients if client["client"] == CLIENT)


def grow_old(as_owner) -> None:
    """What is known of the cars is too old to send upon."""
    as_owner.execute("UPDATE vehicles_vehiclesignal SET received_at = now() - interval '10 minutes'")


def test_job_when_the_quota_does_not_suffice_before_the_deadline_then_the_rest_is_not_sent_for_it(
    membership, cars, app, simulator, as_owner
):
    limit(simulator, app, 13, 3600)
    grow_old(as_owner)
    until = timezone.now() + timedelta(minutes=10)

    preview = preview_job(membership=membership, cars=VehicleFilter(), order=FlashLights(), deadline=until)
    job = work(start(membership, FlashLights(), deadline=until))

    assert (preview.carried, preview.not_carried, preview.providers[0].limit) == (4, 2, "budget")
    assert over(job) == ("done", "")
    assert ends(job) == [*[("confirmed", "")] * 4, *[("not_sent", "budget")] * 2]
    assert (quota(simulator)["allowed"], quota(simulator)["violations"]) == (12, 0)
    assert job.finished_at < until - timedelta(minutes=5)


def test_job_when_the_quota_may_refill_before_the_deadline_then_the_rest_waits_until_it(
    membership, cars, app, simulator, as_owner
):
    limit(simulator, app, 4, 3600)
    grow_old(as_owner)
    job = start(membership, FlashLights(), deadline=timezone.now() + timedelta(hours=2))
    for _ in range(3):
        feed()
        carry()
    before = (counts(job), Job.objects.get(pk=job.pk).held)

    as_owner.execute("UPDATE jobs_job SET deadline = clock_timestamp() + interval '1 s'")

    assert before == ({"waiting": 5, "confirmed": 1}, {str(app.id): "budget"})
    assert over(work(job)) == ("done", "")
    assert ends(job) == [("confirmed", ""), *[("not_sent", "budget")] * 5]


def test_job_when_the_effect_is_looked_at_then_the_looks_are_kept_free(membership, cars, app, simulator, as_owner):
    limit(simulator, app, 7, 3600)
    grow_old(as_owner)

    job = start(membership, Lock())
    fed = [feed(), feed()]

    # Three calls each: a look before, the send, a look after.
    assert fed == [2, None]
    assert counts(job) == {"waiting": 4, "running": 2}


def test_job_when_cars_are_known_well_enough_then_a_look_at_the_effect_is_kept_free_for_each(
    membership, cars, app, simulator, as_owner
):
    limit(simulator, app, 7, 3600)
    as_owner.execute("UPDATE vehicles_vehiclesignal SET received_at = now() + interval '5 minutes'")

    preview = preview_job(membership=membership, cars=VehicleFilter(), order=Lock())
    start(membership, Lock())
    fed = [feed(), feed()]

    # Two calls each: the send and a look after; the seventh call is of no use.
    assert (preview.carried, fed) == (6, [3, None])


def test_job_when_the_quota_refills_in_time_then_it_waits_for_it_without_one_call_too_many(
    membership, cars, app, simulator, as_owner
):
    limit(simulator, app, 6, 6)
    grow_old(as_owner)

    preview = preview_job(membership=membership, cars=VehicleFilter(), order=FlashLights())
    job = start(membership, FlashLights())

    def is_over() -> bool:
        """What beat and a dispatcher do all the time."""
        feed()
        carry()
        asyncio.run(reconcile_due())
        return over(job) == ("done", "")

    assert wait_until(is_over, within_s=100), counts(job)
    job.refresh_from_db()
    took_s = (job.finished_at - job.started_at).total_seconds()

    assert ends(job) == [("confirmed", "")] * 6
    assert (preview.carried, preview.not_carried) == (6, 0)
    assert (quota(simulator)["allowed"], quota(simulator)["violations"]) == (18, 0)
    # Three windows' worth of calls: two refills must pass, whatever the machine's load.
    assert preview.providers[0].budget_s == pytest.approx(2 * 6.7, rel=0.1)
    assert took_s >= 2 * 6


def test_job_when_a_command_ran_out_of_quota_unsent_then_its_car_gets_another(
    membership, cars, app, simulator, as_owner
):
    limit(simulator, app, 12, 3600)
    grow_old(as_owner)
    job = start(membership, FlashLights(), cars=VehicleFilter(ids=(cars[0].vehicle_id,)))
    feed()
    save_budget(app_id=app.id, resource="calls", limit=1, window_s=3600, actor="system:test")
    carry()
    as_owner.execute("UPDATE commands_command SET deadline = clock_timestamp() WHERE state = 'queued'")
    sweep_commands()
    lost = list(Command.objects.values_list("state", "error_code", "attempts"))
    save_budget(app_id=app.id, resource="calls", limit=12, window_s=3600, actor="system:test")

    assert lost == [("expired", "quota_exhausted", 0)]
    assert over(work(job)) == ("done", "")
    assert ends(job) == [("confirmed", "")]
    assert list(Command.objects.order_by("accepted_at").values_list("idempotency_key", "state")) == [
        (f"job:{job.id}:1", "expired"),
        (f"job:{job.id}:1:1", "confirmed"),
    ]
