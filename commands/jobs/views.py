"""Pages of jobs: the list, one job with its progress and results; undo, stop, retry. New ones are in draft_views."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from commands.jobs.access import get_job, get_membership_for, jobs_of, running_jobs_of
from commands.jobs.asking import ask_first
from commands.jobs.cards import JobRow, ProgressCard, filter_words_of, job_row, progress_card, title_of_job, who_of
from commands.jobs.errors import JobError
from commands.jobs.export import export_csv
from commands.jobs.forms import problem_of, refusal_of
from commands.jobs.items import SEARCH_MAX_LENGTH, list_items
from commands.jobs.labels import outcome_label
from commands.jobs.looks import book_look
from commands.jobs.models import Job, Outcome
from commands.jobs.pages import counts_of, page_of
from commands.jobs.progress import Progress, job_progress
from commands.jobs.services import plan_retry, retry_failed, stop_job, undo_job
from fleet.adapters.rules import InvalidParameter
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import must_confirm

RESULTS_POLL_S = 3.0
# More at once would hide the list; the others stand in the list of jobs, without a bar.
RUNNING_SHOWN = 3


@require_GET
@login_required
@never_cache
def list_jobs(request: HttpRequest) -> HttpResponse:
    """Show what runs, and what is over, newest first."""
    membership = get_current_membership(request, to=Permission.VIEW)
    running, past, next_cursor = page_of(jobs_of(membership), request.GET.get("cursor", ""))
    counts = counts_of(past)
    context = {
        "running": _cards(running[:RUNNING_SHOWN], membership),
        "more": [job_row(job) for job in running[RUNNING_SHOWN:]],
        "rows": [(job_row(job), counts[job.id]) for job in past],
        "next_cursor": next_cursor,
        "can_command": membership.may(Permission.COMMAND),
    }
    return render(request, "jobs/list.html", context)


@require_GET
@login_required
@never_cache
def show_running(request: HttpRequest) -> HttpResponse:
    """Show the jobs that run, small, for the head of other pages."""
    membership = get_current_membership(request, to=Permission.VIEW)
    running = list(running_jobs_of(membership)[:RUNNING_SHOWN])
    return render(request, "jobs/_running.html", {"running": _cards(running, membership)})


def _cards(jobs: list[Job], membership: Membership) -> list[tuple[JobRow, ProgressCard]]:
    return [(job_row(job), progress_card(job_progress(job.id), membership)) for job in jobs]


@require_GET
@login_required
@never_cache
def show_job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, membership = get_job(request.user, job_id)  # type: ignore[arg-type]
    return _render_job(request, job, membership)


@require_GET
@login_required
@never_cache
def show_progress(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Show the progress alone. Costs who asks and, once a second however many ask, the counts."""
    progress, membership = _get_progress(request, job_id)
    return render(request, "jobs/_progress.html", _progress_context(request, progress, membership))


def _get_progress(request: HttpRequest, job_id: UUID) -> tuple[Progress, Membership]:
    try:
        progress = job_progress(job_id)
    except Job.DoesNotExist as error:
        raise Http404 from error
    return progress, get_membership_for(request.user, progress.job, to=Permission.VIEW)  # type: ignore[arg-type]


@require_GET
@login_required
@never_cache
def show_results(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, _ = get_job(request.user, job_id)  # type: ignore[arg-type]
    return render(request, "jobs/_results.html", _results_context(request, job))


@require_GET
@login_required
@never_cache
def download_results(request: HttpRequest, job_id: UUID) -> StreamingHttpResponse:
    job, _ = get_job(request.user, job_id)  # type: ignore[arg-type]
    answer = StreamingHttpResponse(export_csv(job), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{job.kind}-{job.created_at:%Y%m%d-%H%M}.csv"'
    return answer


@require_POST
@login_required
def undo(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, membership = get_job(request.user, job_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    return _act(request, job, membership, lambda: undo_job(job_id=job.id, actor=membership.user.actor))


@require_POST
@login_required
def stop(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, membership = get_job(request.user, job_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    return _act(request, job, membership, lambda: stop_job(job_id=job.id, actor=membership.user.actor))


def _act(request: HttpRequest, job: Job, membership: Membership, verb: Any) -> HttpResponse:
    """Do it and show the job; when it is too late, the page says where the job stands."""
    try:
        verb()
    except JobError as error:
        job, membership = get_job(request.user, job.id)  # type: ignore[arg-type]
        return _render_job(request, job, membership, status=409, problem=refusal_of(error))
    job_progress(job.id, is_fresh=True)
    return redirect(job)


@require_POST
@login_required
@never_cache
@sensitive_post_parameters("password")
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Start a new job for those that failed; a risky one is asked about first, as every risky job is."""
    job, membership = get_job(request.user, job_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    plan = plan_retry(job)
    if (job.order().asks or must_confirm(membership, job.kind)) and plan.count and not job.is_active:
        back = job.get_absolute_url()
        asked = ask_first(
            request, membership, kind=job.kind, count=plan.count, needs_number=plan.needs_number, back=back
        )
        if asked is not None:
            return asked
    try:
        again = retry_failed(job=job, membership=membership, confirmed_count=plan.count)
    except JobError as error:
        return _render_job(request, job, membership, status=409, problem=refusal_of(error))
    except InvalidParameter as error:
        return _render_job(request, job, membership, status=422, problem=problem_of(error))
    return redirect(again)


def _render_job(
    request: HttpRequest, job: Job, membership: Membership, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    progress = job_progress(job.id, is_fresh=status != 200)
    context = _progress_context(request, progress, membership) | _results_context(request, progress.job)
    context |= {
        "title": title_of_job(job),
        "who": who_of(job),
        "filter_words": filter_words_of(job),
        "problem": problem,
    }
    return render(request, "jobs/detail.html", context, status=status)


def _progress_context(request: HttpRequest, progress: Progress, membership: Membership) -> dict[str, Any]:
    card = progress_card(progress, membership, poll_s=book_look(progress.job.id))
    # Asked for only once, when the job is over: by then nobody polls any more.
    may_retry = progress.is_over and membership.may(Permission.COMMAND)
    plan = plan_retry(progress.job) if may_retry else None
    return {"job": progress.job, "card": card, "outcome": _outcome(request), "plan": plan}


def _outcome(request: HttpRequest) -> str:
    outcome = request.GET.get("outcome", "")
    return outcome if outcome in Outcome.values else ""


def _results_context(request: HttpRequest, job: Job) -> dict[str, Any]:
    outcome, query = _outcome(request), request.GET.get("q", "").replace("\x00", "").strip()[:SEARCH_MAX_LENGTH]
    cursor = request.GET.get("cursor", "")
    rows, next_cursor = list_items(job=job, outcome=outcome, search=query, cursor=cursor)
    kept = {name: value for name, value in (("outcome", outcome), ("q", query)) if value}
    page = job.get_absolute_url()
    return {
        "job": job,
        "rows": [(row, outcome_label(row.outcome)) for row in rows],
        "outcome": outcome,
        "query": query,
        "next_url": f"{page}?{urlencode(kept | {'cursor': next_cursor})}#results" if next_cursor else "",
        "first_url": f"{page}?{urlencode(kept)}#results" if cursor else "",
        "refresh_url": f"{reverse('jobs:results', args=[job.id])}?{urlencode(kept | {'cursor': cursor})}",
        # A later page stands still, so that nothing moves under the eyes.
        "poll_s": RESULTS_POLL_S if job.is_active and not cursor else None,
        "at": timezone.now(),
    }
