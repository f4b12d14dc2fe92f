"""Pages of timed commands: what waits on a car, starting one, taking its way back at once, or leaving it out."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from commands.programs.access import get_timed
from commands.programs.clock import database_now
from commands.programs.forms import TimedForm
from commands.programs.models import TimedCommand
from commands.programs.timed import NoWayBack, TimedOver, drop_way_back, start_timed, undo_now
from commands.programs.timed_pages import timed_context
from commands.programs.wayback import PROGRAMS, NothingToRestore
from commands.programs.words import NOTHING_TO_RESTORE, TIMED_SENTENCES, TIMED_TITLES, problem_of
from commands.services import CommandError
from fleet.adapters.rules import InvalidParameter
from fleet.teams import stepup
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.teams.stepup import must_confirm
from fleet.teams.zones import find_zone
from fleet.vehicles.access import get_vehicle
from fleet.vehicles.models import Vehicle
from fleet.vehicles.readings import readings_of

TOKEN_MAX_LENGTH = 64


@require_GET
@login_required
@never_cache
def show_timed(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    """Show what waits on a car and what can be started: as a part of its page, or as a page of its own."""
    vehicle, membership = get_vehicle(request.user, vehicle_id)
    return _show(request, vehicle, membership)


def _show(
    request: HttpRequest, vehicle: Vehicle, membership: Membership, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    context = timed_context(vehicle, membership, database_now()) | {"problem": problem}
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "programs/_timed.html" if is_part else "programs/timed.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@sensitive_post_parameters("password")
def start(request: HttpRequest, vehicle_id: UUID, kind: str) -> HttpResponse:
    """Ask how long, and start. Answers 422 with the error at its field, 409 with the reason."""
    vehicle, membership = get_vehicle(request.user, vehicle_id, to=Permission.COMMAND)
    if kind not in PROGRAMS:
        raise Http404
    zone = _zone_of(vehicle)
    if request.method != "POST":
        return _ask(request, vehicle, membership, TimedForm(kind, zone, initial=_initial(kind, vehicle, zone)))
    form = TimedForm(kind, zone, request.POST)
    if not form.is_valid():
        return _ask(request, vehicle, membership, form, status=422)
    # Last, since every wrong password counts: not while something else is wrong.
    unconfirmed = stepup.check(request) if must_confirm(membership, kind) else None
    if unconfirmed is not None:
        return _ask(request, vehicle, membership, form, confirm=unconfirmed, status=unconfirmed.status)
    return _start(request, vehicle, membership, form)


def _start(request: HttpRequest, vehicle: Vehicle, membership: Membership, form: TimedForm) -> HttpResponse:
    token = request.POST.get("token", "")
    key = f"timed:{token}" if 0 < len(token) <= TOKEN_MAX_LENGTH and token.isprintable() else None
    try:
        start_timed(
            vehicle=vehicle,
            membership=membership,
            order=form.make_order(),
            minutes=form.cleaned_data.get("minutes"),
            until=form.until(database_now()),
            idempotency_key=key,
        )
    except InvalidParameter as error:
        form.note(error)
        return _ask(request, vehicle, membership, form, status=422)
    except NothingToRestore as error:
        return _ask(request, vehicle, membership, form, problem=str(NOTHING_TO_RESTORE[error.code]), status=409)
    except NoWayBack as error:
        words = _("The way back is not possible: %(why)s.") % {"why": problem_of(error.code)}
        return _ask(request, vehicle, membership, form, problem=words, status=409)
    except CommandError as error:
        return _ask(request, vehicle, membership, form, problem=problem_of(error.code), status=409)
    return redirect(vehicle)


def _ask(
    request: HttpRequest,
    vehicle: Vehicle,
    membership: Membership,
    form: TimedForm,
    *,
    confirm: stepup.ConfirmForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "vehicle": vehicle,
        "form": form,
        "kind": form.kind,
        "title": TIMED_TITLES[form.kind],
        "sentence": TIMED_SENTENCES[form.kind],
        "confirm": (confirm or stepup.ask(request)) if must_confirm(membership, form.kind) else None,
        "problem": problem,
        "token": secrets.token_urlsafe(16),
    }
    return render(request, "programs/start.html", context, status=status)


def _initial(kind: str, vehicle: Vehicle, zone: ZoneInfo) -> dict[str, Any]:
    later = database_now().astimezone(zone) + timedelta(hours=2)
    limit = readings_of(vehicle).value("charge_limit_percent")
    return {
        "limit_percent": 100 if limit is None or limit < 100 else 80,
        "until": later.replace(minute=0).strftime("%H:%M") if PROGRAMS[kind].until == "time" else None,
    }


def _zone_of(vehicle: Vehicle) -> ZoneInfo:
    return find_zone(vehicle.time_zone, vehicle.team.time_zone, settings.TIME_ZONE)


@require_POST
@login_required
@never_cache
def undo_at_once(request: HttpRequest, timed_id: UUID) -> HttpResponse:
    timed, membership = get_timed(request.user, timed_id, to=Permission.COMMAND)
    try:
        undo_now(timed_id=timed.id, membership=membership)
    except TimedOver:
        return _answer(request, timed, membership, problem=_("It is on its way already, or over."))
    return _answer(request, timed, membership)


@require_POST
@login_required
@never_cache
def keep(request: HttpRequest, timed_id: UUID) -> HttpResponse:
    timed, membership = get_timed(request.user, timed_id, to=Permission.COMMAND)
    try:
        drop_way_back(timed_id=timed.id, actor=membership.user.actor)
    except TimedOver:
        return _answer(request, timed, membership, problem=_("It is on its way already, or over."))
    return _answer(request, timed, membership)


def _answer(request: HttpRequest, timed: TimedCommand, membership: Membership, *, problem: str = "") -> HttpResponse:
    vehicle, _membership = get_vehicle(request.user, timed.vehicle_id)
    if request.htmx:  # type: ignore[attr-defined]
        return _show(request, vehicle, membership, problem=problem, status=409 if problem else 200)
    if problem:
        messages.warning(request, problem)
    return redirect(vehicle)
