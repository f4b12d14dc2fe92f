"""The page on which a team says where one of its cars is at home."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from fleet.teams.roles import Permission
from fleet.vehicles.access import get_vehicle
from fleet.vehicles.forms import CountryForm
from fleet.vehicles.services import set_country


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def change_country(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    vehicle, membership = get_vehicle(request.user, vehicle_id, to=Permission.CONNECT)
    form = CountryForm(
        request.POST if request.method == "POST" else None, team=vehicle.team, initial={"country": vehicle.country}
    )
    if form.is_valid():
        set_country(vehicle=vehicle, country=form.cleaned_data["country"], actor=membership.user.actor)
        return redirect(vehicle)
    context = {"form": form, "vehicle": vehicle}
    return render(request, "vehicles/country.html", context, status=422 if form.is_bound else 200)
