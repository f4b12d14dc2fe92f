"""Pages of schedules: the list, one with its dry run and history, the form, and what one may do with it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commands.programs.access import get_schedule, schedules_of
from commands.programs.clock import database_now
from commands.programs.dryrun import plan_ahead, reach_of
from commands.programs.forms import ScheduleForm, initial_of
from commands.programs.models import Schedule
from commands.programs.pages import planned_rows, run_rows, schedule_rows, sign_of
from commands.programs.schedules import (
    Wish,
    change_schedule,
    create_schedule,
    draft,
    pause_schedule,
    remove_schedule,
    resume_schedule,
)
from commands.programs.words import HOLIDAYS, PAUSED_BY, problem_of, sentence_of
from fleet.adapters.commands import KINDS
from fleet.adapters.rules import InvalidParameter
from fleet.teams import stepup
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import must_confirm
from fleet.vehicles.saved_filters import saved_filters_of

MAX_ROWS = 200


@require_GET
@login_required
@never_cache
def list_schedules(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.VIEW)
    rows = schedule_rows(schedules_of(membership)[:MAX_ROWS], database_now())
    return render(request, "programs/list.html", {"rows": rows, "may_edit": membership.may(Permission.COMMAND)})


@require_GET
@login_required
@never_cache
def show_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    schedule, membership = get_schedule(request.user, schedule_id)
    context = _dry_run(schedule, membership) | {
        "schedule": schedule,
        "sign": sign_of(schedule),
        "paused_by": PAUSED_BY.get(schedule.reason, "") if schedule.state == Schedule.State.PAUSED else "",
        "runs": run_rows(schedule),
        "may_edit": membership.may(Permission.COMMAND),
    }
    return render(request, "programs/schedule.html", context)


def _dry_run(schedule: Schedule, membership: Membership) -> dict[str, Any]:
    """Return what a dry run shows; a selection that makes no sense is a problem, not a broken page."""
    try:
        reach = reach_of(schedule, membership)
        planned = planned_rows(plan_ahead(schedule))
    except InvalidParameter as error:
        return {"problem": problem_of(error.code, error.limits), "planned": [], "reach": None, "sentence": ""}
    return {
        "problem": "",
        "planned": planned,
        "reach": reach,
        "sentence": sentence_of(schedule, count=reach.total),
        "on_holiday": HOLIDAYS[schedule.on_holiday] if schedule.holiday_country or schedule.own_dates else "",
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("password")
def new_schedule(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.COMMAND)
    return _fill_in(request, membership, None)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("password")
def edit_schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    schedule, membership = get_schedule(request.user, schedule_id, to=Permission.COMMAND)
    return _fill_in(request, membership, schedule)


def _fill_in(request: HttpRequest, membership: Membership, schedule: Schedule | None) -> HttpResponse:
    """Show the form, or take it: "dry" shows what it would do, anything else saves it."""
    if request.method != "POST":
        initial = initial_of(schedule) if schedule else _blank(request)
        return _show_form(request, membership, _form(membership, initial=initial), schedule)
    form = _form(membership, data=request.POST)
    wish = form.make_wish()
    if wish is None:
        return _show_form(request, membership, form, schedule, status=422)
    if request.POST.get("do") == "dry":
        return _show_form(
            request, membership, form, schedule, dry_run=_dry_run(draft(wish, membership=membership), membership)
        )
    return _save(request, membership, schedule, form, wish)


def _save(
    request: HttpRequest, membership: Membership, schedule: Schedule | None, form: ScheduleForm, wish: Wish
) -> HttpResponse:
    # Last, since every wrong password counts: not while something else is wrong.
    unconfirmed = stepup.check(request) if must_confirm(membership, wish.order.kind) else None
    if unconfirmed is not None:
        return _show_form(request, membership, form, schedule, confirm=unconfirmed, status=unconfirmed.status)
    try:
        if schedule is None:
            schedule = create_schedule(wish=wish, membership=membership)
        else:
            schedule = change_schedule(schedule=schedule, wish=wish, membership=membership)
        if request.POST.get("do") == "resume":
            resume_schedule(schedule_id=schedule.id, membership=membership)
    except InvalidParameter as error:
        form.note(error)
        return _show_form(request, membership, form, schedule, status=422)
    messages.success(request, _("Saved: “%(name)s”.") % {"name": schedule.name})
    return redirect(schedule)


def _form(membership: Membership, **kwargs: Any) -> ScheduleForm:
    return ScheduleForm(filters=saved_filters_of(membership), team_zone=membership.team.time_zone, **kwargs)


def _blank(request: HttpRequest) -> dict[str, Any]:
    given = request.GET.get("filter", "")[:40]
    return {"starts_on": database_now().date().isoformat(), "at": "06:30", "saved_filter": given}


def _show_form(
    request: HttpRequest,
    membership: Membership,
    form: ScheduleForm,
    schedule: Schedule | None,
    *,
    confirm: stepup.ConfirmForm | None = None,
    dry_run: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    needs_count = bool(form.is_bound and "confirmed_count" in form.errors) or bool(form["confirmed_count"].value())
    context = {
        "form": form,
        "schedule": schedule,
        "confirm": confirm or stepup.ask(request),
        "risky": " ".join(sorted(kind for kind in KINDS if must_confirm(membership, kind))),
        "needs_count": needs_count,
        "dry": dry_run,
    }
    return render(request, "programs/form.html", context, status=status)


@require_POST
@login_required
def pause(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    schedule, membership = get_schedule(request.user, schedule_id, to=Permission.COMMAND)
    pause_schedule(schedule_id=schedule.id, actor=membership.user.actor)
    return redirect(schedule)


@require_POST
@login_required
def resume(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Let it go on in the name of whoever resumes it; a risky one is saved again, where the password is asked for."""
    schedule, membership = get_schedule(request.user, schedule_id, to=Permission.COMMAND)
    if must_confirm(membership, schedule.kind) and not stepup.is_recent(request):
        messages.warning(request, _("Please look at it, confirm that it is you, and resume it here."))
        return redirect("programs:edit", schedule.id)
    resume_schedule(schedule_id=schedule.id, membership=membership)
    return redirect(schedule)


@require_POST
@login_required
def remove(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    schedule, membership = get_schedule(request.user, schedule_id, to=Permission.COMMAND)
    if remove_schedule(schedule_id=schedule.id, actor=membership.user.actor):
        messages.success(request, _("Removed: “%(name)s”.") % {"name": schedule.name})
    return redirect("programs:list")
