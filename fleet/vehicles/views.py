"""Pages of vehicles: the list, one vehicle, its state. What is sent to a car lives in commands."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from fleet.countries import COUNTRIES
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.access import find_link, get_vehicle, vehicles_of
from fleet.vehicles.consent import private_until
from fleet.vehicles.filter_bar import make_filter_bar
from fleet.vehicles.models import Consent, Vehicle
from fleet.vehicles.providers import manifest_of
from fleet.vehicles.readings import link_status, readings_of, rows_of
from fleet.vehicles.saved_filters import NAME_MAX_LENGTH
from fleet.vehicles.tasks import read_link

PAGE_SIZE = 50


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_vehicles(request: HttpRequest) -> HttpResponse:
    """Show the team's cars, as narrowed by the address. A filter that makes no sense shows no cars, and says why."""
    return render_list(request, get_current_membership(request, to=Permission.VIEW))


def render_list(request: HttpRequest, membership: Membership, *, name_error: str = "") -> HttpResponse:
    """Render the list; name_error: why the filter could not be saved under the name that was typed."""
    everything = vehicles_of(membership)
    bar = make_filter_bar(request.GET, membership, everything)
    found = everything.none() if bar.errors else bar.chosen.apply(everything)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "bar": bar,
        "rows": rows_of(page.object_list),
        "page": page,
        "count": page.paginator.count,
        "total": everything.count() if not bar.chosen.is_empty or bar.errors else page.paginator.count,
        "can_connect": membership.may(Permission.CONNECT),
        "can_command": membership.may(Permission.COMMAND),
        "name_error": name_error,
        "typed_name": request.POST.get("name", "")[:NAME_MAX_LENGTH],
    }
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "vehicles/list.html#list" if is_part else "vehicles/list.html"
    answer = render(request, template, context, status=422 if bar.errors or name_error else 200)
    if is_part and not bar.errors:
        # Without the fields that narrow nothing.
        answer["HX-Push-Url"] = bar.address
    return answer


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
        read_link.delay(str(link.id), with_capabilities=True, asked_by=membership.user.actor)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "vehicles/_state.html", _context(vehicle, membership) | {"is_refreshing": True})
    return redirect(vehicle)


def _context(vehicle: Vehicle, membership: Membership) -> dict[str, object]:
    link = find_link(vehicle)
    consents = Consent.objects.filter(team_id=vehicle.team_id, link=link, withdrawn_at__isnull=True)
    hidden_until = private_until(link, timezone.now())
    return {
        "vehicle": vehicle,
        "state": readings_of(vehicle),
        "link": link,
        "provider": link and (link.connection.account.app.name or manifest_of(link.connection.account.app).name),
        "link_status": link_status(link),
        "consents": consents.order_by("scope"),
        "country": COUNTRIES.get(vehicle.country or vehicle.team.country, ""),
        "private_until": hidden_until and f"{hidden_until.astimezone(membership.team.zone):%H:%M}",
        "can_refresh": membership.may(Permission.COMMAND) and link is not None and link.is_live,
    }
