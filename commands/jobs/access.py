"""Finding jobs on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.jobs.models import ACTIVE, Job
from fleet.teams.access import get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_job(user: User | AnonymousUser, job_id: UUID, *, to: Permission = Permission.VIEW) -> tuple[Job, Membership]:
    """Return a job and the membership under which it is reached.

    Raises Http404 for a foreign job, PermissionDenied for too small a role.
    """
    job = Job.objects.select_related("user").filter(pk=job_id).first()
    if job is None:
        raise Http404
    return job, get_membership(user, job.team_id, to=to)


def jobs_of(membership: Membership) -> QuerySet[Job]:
    """Return the jobs that a membership may see, newest first."""
    jobs = Job.objects.filter(team_id=membership.team_id).select_related("user")
    return jobs.order_by("-created_at", "-id")


def running_jobs_of(membership: Membership) -> QuerySet[Job]:
    """Return the jobs that are not over yet, newest first."""
    return jobs_of(membership).filter(state__in=ACTIVE)
