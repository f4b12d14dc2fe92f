"""Pages about what a team's own cars can do: all kinds of them, and one kind with its reasons."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from compatibility.filters import BadFilter
from compatibility.my_fleet_page import make_kind_page, make_my_cars_page
from compatibility.shell import DASHBOARD
from fleet.teams.access import get_current_membership
from fleet.teams.roles import Permission


@require_safe
@login_required
@never_cache
def show_my_cars(request: HttpRequest) -> HttpResponse:
    """Show the cars that somebody may see, by kind. 400 and no rows for a filter that makes no sense."""
    membership = get_current_membership(request, to=Permission.VIEW)
    try:
        mine = make_my_cars_page(request.GET, membership, timezone.now())
    except BadFilter as error:
        return _refuse(request, error)
    return render(request, "compatibility/my_cars.html", {"mine": mine, "shell": DASHBOARD})


@require_safe
@login_required
@never_cache
def show_kind(request: HttpRequest, kind_key: str) -> HttpResponse:
    """Show the cars of one kind, and for each command who says whether they can."""
    membership = get_current_membership(request, to=Permission.VIEW)
    try:
        kind = make_kind_page(request.GET, membership, kind_key, timezone.now())
    except BadFilter as error:
        return _refuse(request, error)
    return render(request, "compatibility/my_cars_kind.html", {"kind": kind, "shell": DASHBOARD})


def _refuse(request: HttpRequest, error: BadFilter) -> HttpResponse:
    context = {"error": error, "clear": reverse("compatibility:my_cars"), "shell": DASHBOARD}
    return render(request, "compatibility/refused.html", context, status=400)
