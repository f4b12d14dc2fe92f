"""The benchmark's watchers read the progress of a job as a browser does, as long as the page is made as they think."""

from django.test import Client
from django.urls import reverse

from benchmarks.engine.watching import PART
from commands.jobs.services import create_job, undo_job
from fleet.adapters.commands import Lock
from fleet.teams.models import Membership
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.models import VehicleLink


def test_progress_when_a_job_runs_tells_the_watcher_where_and_when_to_look_again(
    membership: Membership, link: VehicleLink, client: Client
) -> None:
    client.force_login(membership.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    job = create_job(membership=membership, cars=VehicleFilter(ids=(link.vehicle_id,)), order=Lock())

    found = PART.search(client.get(job.get_absolute_url()).content.decode())

    assert found is not None
    assert (found[1], int(found[2]) > 0) == (reverse("jobs:progress", args=[job.pk]), True)


def test_progress_when_a_job_is_over_tells_the_watcher_to_stop(
    membership: Membership, link: VehicleLink, client: Client
) -> None:
    client.force_login(membership.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    job = create_job(membership=membership, cars=VehicleFilter(ids=(link.vehicle_id,)), order=Lock())
    undo_job(job_id=job.pk, actor=membership.user.actor)

    text = client.get(reverse("jobs:progress", args=[job.pk])).content.decode()

    assert (PART.search(text), "data-final" in text) == (None, True)
