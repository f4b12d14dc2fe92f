"""Pages about the end of things: how long history is kept, ending a team, and opening it again."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fleet.keeping.closing import ring_stop
from fleet.keeping.counting import count_history, count_of_team
from fleet.keeping.forms import CloseForm, RetentionForm
from fleet.keeping.words import rows_that_go
from fleet.teams import stepup
from fleet.teams.access import get_current_membership
from fleet.teams.deletion import NotAllowed, close_team, is_closing, reopen_team
from fleet.teams.models import Membership
from fleet.teams.retention import change_retention, retention_of
from fleet.teams.roles import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_retention(request: HttpRequest) -> HttpResponse:
    """Say how long what is over is kept. To keep less is asked twice, with what would go, and who it is."""
    membership = get_current_membership(request, to=Permission.TEAM)
    before = retention_of(membership.team)
    if request.method != "POST":
        return render(request, "keeping/retention.html", {"form": RetentionForm(initial=vars(before))})
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return render(request, "keeping/retention.html", {"form": form}, status=422)
    if form.wanted.is_shorter_than(before):
        if "confirm" not in request.POST:
            return _ask_twice(request, membership, form, stepup.ask(request))
        if (refused := stepup.check(request)) is not None:
            return _ask_twice(request, membership, form, refused, status=refused.status)
    if change_retention(membership=membership, wanted=form.wanted):
        messages.success(request, _("Saved. What is older goes within the day."))
    return redirect("keeping:retention")


def _ask_twice(
    request: HttpRequest,
    membership: Membership,
    form: RetentionForm,
    confirm: stepup.ConfirmForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    counts = count_history(membership.team_id, **vars(form.wanted))
    context = {"form": form, "rows": rows_that_go(counts), "confirm": confirm}
    return render(request, "keeping/less.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def close(request: HttpRequest) -> HttpResponse:
    """Show what ending the team means, or when it ends; close it when its name is typed."""
    membership = get_current_membership(request, to=Permission.DELETE)
    if is_closing(membership.team) or request.method != "POST":
        return _show_end(request, membership)
    form = CloseForm(request.POST, team=membership.team)
    if not form.is_valid():
        return _show_end(request, membership, form, status=422)
    if (refused := stepup.check(request)) is not None:
        return _show_end(request, membership, form, refused, status=refused.status)
    try:
        close_team(membership=membership)
    except NotAllowed:
        return redirect("vehicles:list")
    ring_stop(membership.team_id)
    return redirect("keeping:close")


@require_POST
@login_required
def reopen(request: HttpRequest) -> HttpResponse:
    """Open a closed team again."""
    membership = get_current_membership(request, to=Permission.DELETE)
    if is_closing(membership.team):
        if (refused := stepup.check(request)) is not None:
            return _show_end(request, membership, confirm=refused, status=refused.status)
        try:
            reopen_team(membership=membership)
        except NotAllowed:
            return redirect("vehicles:list")
        messages.success(request, _("The team is open again. What was stopped stays stopped."))
    return redirect("teams:settings")


def _show_end(
    request: HttpRequest,
    membership: Membership,
    form: CloseForm | None = None,
    confirm: stepup.ConfirmForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"confirm": confirm or stepup.ask(request)}
    if is_closing(membership.team):
        return render(request, "keeping/closed.html", context, status=status)
    context["form"] = form or CloseForm(team=membership.team)
    context |= {"counts": count_of_team(membership.team_id), "grace_days": settings.TEAM_GRACE_DAYS}
    return render(request, "keeping/close.html", context, status=status)
