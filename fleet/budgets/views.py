"""Pages of budgets: what is left at each maker, changing a limit of one's own, and the parts that other pages load."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from fleet.adapters.commands import KINDS
from fleet.budgets import words
from fleet.budgets.access import apps_of, get_budget, get_car, link_of, reach_of
from fleet.budgets.cards import (
    USUAL_KIND,
    app_cards,
    lines_of_link,
    notices_of,
    notices_of_link,
    press_line,
    wake_rows,
)
from fleet.budgets.forms import BudgetForm
from fleet.budgets.services import change_budget
from fleet.teams.access import get_current_membership
from fleet.teams.roles import Permission


@require_GET
@login_required
@never_cache
def list_budgets(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.VIEW)
    reach = reach_of(membership)
    context = {"cards": app_cards(reach, membership), "wakes": wake_rows(reach)}
    return render(request, "budgets/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_budget(request: HttpRequest, budget_id: UUID) -> HttpResponse:
    """Change the limit, the reserve and the price of a budget of the team's own application."""
    budget, _membership = get_budget(request.user, budget_id)  # type: ignore[arg-type]
    title = words.TITLES[budget.resource, budget.per]
    form = BudgetForm(request.POST if request.method == "POST" else None, instance=budget)
    if form.is_valid():
        change_budget(budget=form.instance, actor=request.user.actor)  # type: ignore[union-attr]
        messages.success(request, _("The budget was changed."))
        return redirect("budgets:list")
    context = {"form": form, "title": title, "window": words.window(budget.window_s), "app": budget.app}
    return render(request, "budgets/form.html", context, status=422 if form.is_bound else 200)


@require_GET
@login_required
@never_cache
def show_notices(request: HttpRequest) -> HttpResponse:
    """Show why commands of the team wait; a part of pages that list its cars."""
    membership = get_current_membership(request, to=Permission.VIEW)
    return render(request, "budgets/_notices.html", {"notices": notices_of(apps_of(membership))})


@require_GET
@login_required
@never_cache
def show_notices_of(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    """Show why commands to one car wait; a part of its page."""
    vehicle = get_car(request.user, vehicle_id)  # type: ignore[arg-type]
    link = link_of(vehicle)
    notices = notices_of_link(vehicle, link, lines_of_link(vehicle, link)) if link is not None else []
    return render(request, "budgets/_notices.html", {"notices": notices, "vehicle": vehicle})


@require_GET
@login_required
@never_cache
def show_press_line(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    """Show what a press on one car costs, and what is left; a part of its page."""
    vehicle = get_car(request.user, vehicle_id)  # type: ignore[arg-type]
    kind = request.GET.get("kind", "")
    link = link_of(vehicle)
    line = None
    if link is not None:
        lines = lines_of_link(vehicle, link)
        line = press_line(vehicle, link, lines, kind=kind if kind in KINDS else USUAL_KIND)
    return render(request, "budgets/_press.html", {"line": line, "vehicle": vehicle})
