"""Pages of a job that is not there yet: choose the command, its values and the pace, see the preview, start."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from commands.jobs.asking import ask_first
from commands.jobs.drafts import Draft, read_draft
from commands.jobs.errors import JobError
from commands.jobs.forms import problem_of, refusal_of
from commands.jobs.models import Job
from commands.jobs.questions import can_be_job, tile_groups
from commands.jobs.services import create_job, needs_number
from commands.words import LABELS
from fleet.adapters.commands import KINDS
from fleet.adapters.rules import InvalidParameter
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import must_confirm
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.filter_words import error_of, words_of
from fleet.vehicles.filters import VehicleFilter

# A form sent twice is one job; two forms are two.
REPEATED_WITHIN = timedelta(hours=24)


@require_GET
@login_required
@never_cache
def choose_command(request: HttpRequest) -> HttpResponse:
    """Show the commands that can go to the vehicles of the address's filter."""
    membership = get_current_membership(request, to=Permission.COMMAND)
    selection = _read_selection(request, membership)
    suffix = f"?{selection['query']}" if selection["query"] else ""
    urls = {kind: reverse("jobs:draft", args=[kind]) + suffix for kind in KINDS if can_be_job(kind)}
    context = selection | {"groups": tile_groups(urls)}
    return render(request, "jobs/choose.html", context, status=422 if selection["problem"] else 200)


def _read_selection(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """Return the filter of the address, in words, with the number of cars; or what is wrong with it."""
    try:
        cars = VehicleFilter.from_query(request.GET)
    except InvalidParameter as error:
        return {"cars": None, "problem": error_of(error), "filter_words": [], "query": "", "count": 0}
    count = cars.apply(vehicles_of(membership)).count()
    return {"cars": cars, "problem": "", "filter_words": words_of(cars), "query": cars.query(), "count": count}


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
@vary_on_headers("HX-Request")
@sensitive_post_parameters("password")
def draft_job(request: HttpRequest, kind: str) -> HttpResponse:
    """Show a job's values, options and preview; start it when asked to, after the question if it is risky."""
    membership = get_current_membership(request, to=Permission.COMMAND)
    selection = _read_selection(request, membership)
    if not can_be_job(kind) or selection["cars"] is None:
        return redirect(f"{reverse('jobs:new')}?{request.GET.urlencode()}")
    draft = read_draft(request, membership, selection["cars"], kind)
    if request.method == "POST" and request.POST.get("step") == "start" and draft.can_start:
        return _start(request, membership, draft, selection)
    return _render_draft(request, draft, selection)


def _start(request: HttpRequest, membership: Membership, draft: Draft, selection: dict[str, Any]) -> HttpResponse:
    eligible, confirmed_count = draft.preview.eligible, None
    if draft.order.asks or must_confirm(membership, draft.kind):
        is_many = needs_number(draft.order, eligible)
        back = request.get_full_path()
        asked = ask_first(
            request, membership, kind=draft.kind, count=eligible, needs_number=is_many, back=back, hidden=draft.hidden()
        )
        if asked is not None:
            return asked
        confirmed_count = eligible if is_many else None
    try:
        return redirect(_create_once(membership, draft, confirmed_count))
    except InvalidParameter as error:
        # Between the preview and now a car came or went: shown anew, with the number as it is.
        problem = "" if draft.options.note(error) or draft.note(error) else problem_of(error)
        return _render_draft(request, draft, selection | {"problem": problem}, status=422)
    except JobError as error:
        return _render_draft(request, draft, selection | {"problem": refusal_of(error)}, status=409)


def _create_once(membership: Membership, draft: Draft, confirmed_count: int | None) -> Job:
    """Create the job, or return the one that this very form created already: a double click starts one."""
    cause = f"form:{draft.token}"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{membership.id}:{cause}"])
        since = timezone.now() - REPEATED_WITHIN
        ours = Job.objects.filter(team_id=membership.team_id, authority_id=membership.authority_id)
        known = ours.filter(cause=cause, created_at__gt=since).first()
        return known or create_job(
            membership=membership,
            cars=draft.cars,
            order=draft.order,
            pace_per_min=draft.options.cleaned_data["pace_per_min"],
            stop_share_percent=draft.options.cleaned_data["stop_share_percent"],
            deadline=draft.options.deadline(),
            confirmed_count=confirmed_count,
            expected_s=draft.preview.expected_s,
            cause=cause,
        )


def _render_draft(
    request: HttpRequest, draft: Draft, selection: dict[str, Any], *, status: int | None = None
) -> HttpResponse:
    context = selection | {"draft": draft, "kind": draft.kind, "title": LABELS[draft.kind]}
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "jobs/_draft.html" if is_part else "jobs/draft.html"
    return render(request, template, context, status=status or (422 if draft.is_refused else 200))
