"""Pages of vehicles: the list, one vehicle, its state. What is sent to a car lives in commands."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.access import find_link, get_vehicle, vehicles_of
from fleet.vehicles.models import Consent, Vehicle
from fleet.vehicles.readings import link_status, readings_of, rows_of
from fleet.vehicles.tasks import read_link

PAGE_SIZE = 50
QUERY_MAX_LENGTH = 100


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_vehicles(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.VIEW)
    query = request.GET.get("q", "").replace("\x00", "").strip()[:QUERY_MAX_LENGTH]
    vehicles = vehicles_of(membership)
    if query:
        vehicles = vehicles.filter(
            Q(plate__icontains=query)
            | Q(name__icontains=query)
            | Q(vin__icontains=query)
            | Q(make__icontains=query)
            | Q(model__icontains=query)
        )
    page = Paginator(vehicles, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "rows": rows_of(page.object_list),
        "page": page,
        "count": page.paginator.count,
        "query": query,
        "can_connect": membership.may(Permission.CONNECT),
    }
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "vehicles/list.html#rows" if is_part else "vehicles/list.html", context)


@require_GET
@login_required
@never_cache
def show_vehicle(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    vehicle, membership = get_vehicle(request.user, vehicle_id)  # type: ignore[arg-type]
    return render(request, "vehicles/detail.html", _context(vehicle, membership))


@require_GET
@login_required
@never_cache
def show_state(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    vehicle, membership = get_vehicle(request.user, vehicle_id)  # type: ignore[arg-type]
    return render(request, "vehicles/_state.html", _context(vehicle, membership))


@require_POST
@login_required
def refresh(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    """Ask for a car's last values now. A worker does it; the page hears of it by itself."""
    vehicle, membership = get_vehicle(request.user, vehicle_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    link = find_link(vehicle)
    if link is not None and link.is_live:
        read_link.delay(str(link.id), with_capabilities=True)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "vehicles/_state.html", _context(vehicle, membership) | {"is_refreshing": True})
    return redirect(vehicle)


def _context(vehicle: Vehicle, membership: Membership) -> dict[str, object]:
    link = find_link(vehicle)
    return {
        "vehicle": vehicle,
        "state": readings_of(vehicle),
        "link": link,
        "link_status": link_status(link),
        "consents": Consent.objects.filter(link=link, withdrawn_at__isnull=True).order_by("scope"),
        "can_refresh": membership.may(Permission.COMMAND) and link is not None and link.is_live,
    }
