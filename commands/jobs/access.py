"""Finding jobs on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from commands.jobs.models import ACTIVE, Job
from fleet.teams.access import get_in_teams, get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


def get_job(user: User | AnonymousUser, job_id: UUID, *, to: Permission = Permission.VIEW) -> tuple[Job, Membership]:
    """Return a job and the membership under which it is reached.

    Raises Http404 for a foreign job, and for another person's where the membership is for some vehicles only;
    PermissionDenied for too small a role.
    """
    job, membership = get_in_teams(Job.objects.select_related("user"), user, job_id, to=to)
    return job, _check_reach(membership, job)


def get_membership_for(user: User | AnonymousUser, job: Job, *, to: Permission) -> Membership:
    """Return the membership under which a job is reached; errors as get_job."""
    return _check_reach(get_membership(user, job.team_id, to=to), job)


def _check_reach(membership: Membership, job: Job) -> Membership:
    if not membership.reaches_all and job.authority_id != membership.authority_id:
        raise Http404
    return membership


def jobs_of(membership: Membership) -> QuerySet[Job]:
    """Return the jobs that a membership may see, newest first: their own, where they reach some vehicles only."""
    jobs = Job.objects.filter(team_id=membership.team_id).select_related("user")
    if not membership.reaches_all:
        jobs = jobs.filter(authority_id=membership.authority_id)
    return jobs.order_by("-created_at", "-id")


def running_jobs_of(membership: Membership) -> QuerySet[Job]:
    """Return the jobs that are not over yet, newest first."""
    return jobs_of(membership).filter(state__in=ACTIVE)
