"""Keeping and forgetting filters of the list; what they narrow lives in filters, the list itself in views."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.adapters.rules import InvalidParameter
from fleet.teams.access import get_current_membership
from fleet.teams.roles import Permission
from fleet.vehicles.filter_words import error_of
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.saved_filters import find_saved_filter, forget_filter, save_filter
from fleet.vehicles.views import render_list


@require_POST
@login_required
def keep_filter(request: HttpRequest) -> HttpResponse:
    """Save the filter of the address under the name that was typed; the list comes back with it."""
    membership = get_current_membership(request, to=Permission.COMMAND)
    try:
        cars = VehicleFilter.from_query(request.GET)
        save_filter(membership=membership, name=request.POST.get("name", ""), cars=cars)
    except InvalidParameter as error:
        return render_list(request, membership, name_error=error_of(error))
    query = cars.query()
    return redirect(reverse("vehicles:list") + (f"?{query}" if query else ""))


@require_POST
@login_required
def drop_filter(request: HttpRequest, filter_id: UUID) -> HttpResponse:
    """Forget a saved filter, unless something still goes by it."""
    membership = get_current_membership(request, to=Permission.VIEW)
    saved = find_saved_filter(membership, filter_id)
    if saved is None:
        raise Http404
    membership = get_current_membership(request, to=Permission.COMMAND)
    if not forget_filter(membership=membership, saved=saved):
        messages.warning(request, _("A schedule still goes by “%(name)s”, so it stays.") % {"name": saved.name})
    return redirect("vehicles:list")
