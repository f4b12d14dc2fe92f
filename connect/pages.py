"""What the pages of connect show, made from rows: lines, rows and ways out. No rights, no changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from connect.forms import ReviewForm
from connect.models import ShareLink, Visit
from connect.scopes import scope_lines
from connect.services import link_secret
from connect.words import WAYS_OUT, Next, describe_way_out
from fleet.adapters.base import RemoteVehicle
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import VehicleLink
from fleet.vehicles.readings import rows_of
from fleet.vehicles.sealing import CannotUnseal
from fleet.vehicles.vin import clean_vin

# For so long the last page asks again whether the car has said something; it may be asleep.
FIRST_VALUE_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True)
class NextStep:
    label: str
    url: str


@dataclass(frozen=True)
class NamedBrand:
    name: str
    url: str = ""


@dataclass(frozen=True)
class CarLine:
    """One car as its owner sees it before deciding."""

    id: str
    make: str
    model: str
    year: int | None
    plate: str
    vin: str
    is_chosen: bool
    is_joined: bool


def car_lines(
    cars: Iterable[RemoteVehicle], *, joined: Collection[str], chosen: Collection[str], may_change: bool
) -> list[CarLine]:
    """Return the cars of a maker's list; those that are shared already can be chosen only when may_change."""
    return [
        CarLine(
            id=car.provider_vehicle_id,
            make=car.make,
            model=car.model,
            year=car.year,
            plate=car.license_plate or "",
            vin=clean_vin(car.vin) or _("VIN unknown"),
            is_chosen=car.provider_vehicle_id in chosen,
            is_joined=car.provider_vehicle_id in joined and not may_change,
        )
        for car in cars
    ]


def review_context(
    visit: Visit,
    form: ReviewForm,
    *,
    cars: list[RemoteVehicle],
    joined: Collection[str],
    usable: frozenset[str],
    may_change: bool,
) -> dict[str, Any]:
    """Return what the owner decides on. Optional things start switched off; needed ones that the maker withheld are
    named, because the team will not get them.
    """
    link = visit.link
    if form.is_bound:
        chosen, switched_on = form["cars"].value(), form["scopes"].value()
    else:
        chosen, switched_on = joined if may_change else [], []
        if len(cars) == 1:
            chosen = [cars[0].provider_vehicle_id]
    needed = set(link.scopes_needed)
    return {
        "step": 3,
        "asker": link.team,
        "brand": NamedBrand(visit.brand_name),
        "cars": car_lines(cars, joined=joined, chosen=chosen, may_change=may_change),
        "scopes": scope_lines(needed=needed & usable, optional=usable & set(link.scopes_optional), chosen=switched_on),
        "missing": scope_lines(needed=needed - usable),
        "form": form,
        "back_url": brand_page_url(visit),
        "decline_url": reverse("connect:decline", args=[visit.id]),
    }


def done_context(visit: Visit) -> dict[str, Any] | None:
    """Return what is shared now through a finished pass, or None when it has ended since."""
    links = VehicleLink.objects.filter(connection=visit.connection, ended_at__isnull=True)
    live = list(links.select_related("vehicle", "connection").order_by("vehicle__make", "vehicle__model", "id"))
    if not live:
        return None
    cars = rows_of(link.vehicle for link in live)
    allowed = allowed_scopes(live[0])  # one decision for all cars of a pass
    is_young = visit.finished_at is not None and timezone.now() - visit.finished_at < FIRST_VALUE_WITHIN
    waits = is_young and any(row.state.is_empty for row in cars)
    return {
        "step": 4,
        "asker": visit.link.team,
        "brand": NamedBrand(visit.brand_name),
        "cars": cars,
        "scopes": scope_lines(needed=allowed),
        "missing": scope_lines(needed=set(visit.link.scopes_needed) - allowed),
        "poll_url": reverse("connect:done", args=[visit.id]) if waits else "",
    }


def show_way_out(
    request: HttpRequest, code: str, *, visit: Visit | None = None, link: ShareLink | None = None, secret: str = ""
) -> HttpResponse:
    """Answer with the page of one way out. secret: of the link, when the address of this request holds it."""
    link = link or (visit.link if visit else None)
    context = describe_way_out(code, asker=link.team.name if link else "", brand=visit.brand_name if visit else "")
    context["next_step"] = _next_step(code, visit, secret)
    return render(request, "connect/out.html", context, status=WAYS_OUT[code].status)


def _next_step(code: str, visit: Visit | None, secret: str) -> NextStep | None:
    step = WAYS_OUT[code].next
    if step is Next.CHANGE and visit is not None:
        return NextStep(_("Change what is shared"), reverse("connect:review", args=[visit.id]) + "?change=1")
    if step is Next.AGAIN and (secret := secret or _secret_of(visit)):
        return NextStep(_("Start again"), reverse("connect:start", args=[secret]))
    return None


def brand_page_url(visit: Visit) -> str:
    """Return the address of the page where this pass chose its brand; "" when it can't be told any more."""
    secret = _secret_of(visit)
    return reverse("connect:brand", args=[secret]) if secret else ""


def _secret_of(visit: Visit | None) -> str:
    try:
        return link_secret(visit) if visit is not None else ""
    except CannotUnseal:
        return ""
