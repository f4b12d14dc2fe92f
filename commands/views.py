"""Pages of commands: the buttons of a car, a press, one command, the team's history."""

import dataclasses
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from commands.access import commands_of, get_command
from commands.availability import check_availability
from commands.cards import card_of, log_row
from commands.forms import CommandForm, has_form, make_form
from commands.history import entries_of, page_of
from commands.models import Command
from commands.panel import Panel, make_panel
from commands.services import CommandError, TooLate, cancel_command, request_command
from commands.words import NOT_OFFERED
from fleet.adapters.commands import KINDS, make_command
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter
from fleet.teams import stepup
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.access import find_link, get_vehicle
from fleet.vehicles.models import Vehicle

TOKEN_MAX_LENGTH = 64
LATEST = 6


@require_GET
@login_required
@never_cache
def show_panel(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    vehicle, membership = get_vehicle(request.user, vehicle_id)  # type: ignore[arg-type]
    return _render_panel(request, _panel(request, vehicle, membership))


@require_POST
@login_required
@never_cache
@sensitive_post_parameters("password", "pin")
def press(request: HttpRequest, vehicle_id: UUID, kind: str) -> HttpResponse:
    """Accept one command. Answers with the panel; 422 with the error at its field, 409 with the reason."""
    vehicle, membership = get_vehicle(request.user, vehicle_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    if kind not in KINDS:
        raise Http404
    form = _bind_form(request, vehicle, membership, kind)
    if KINDS[kind].asks and request.POST.get("confirm") != "1":
        offer = _panel(request, vehicle, membership).offer(kind)
        if not offer.reason_code:
            return render(request, "commands/confirm.html", {"vehicle": vehicle, "offer": offer})
    order = form.make_order() if form is not None else make_command(kind, {})
    if order is None:
        return _render_refused(request, vehicle, membership, kind, form)
    # Last, since every wrong password counts: not while something else is wrong.
    if stepup.must_confirm(membership, kind):
        unconfirmed = stepup.check(request, auto_id=f"{kind}-%s")
        if unconfirmed is not None:
            return _render_refused(request, vehicle, membership, kind, form, unconfirmed)
    return _request(request, vehicle, membership, order, form)


def _bind_form(request: HttpRequest, vehicle: Vehicle, membership: Membership, kind: str) -> CommandForm | None:
    if not has_form(kind):
        return None
    available = check_availability(find_link(vehicle), membership, vehicle=vehicle)
    return make_form(kind, available[kind].ranges, data=request.POST)


def _request(
    request: HttpRequest, vehicle: Vehicle, membership: Membership, order: Order, form: CommandForm | None
) -> HttpResponse:
    token = request.POST.get("token", "")
    key = f"form:{token}" if 0 < len(token) <= TOKEN_MAX_LENGTH and token.isprintable() else None
    try:
        request_command(vehicle=vehicle, membership=membership, order=order, idempotency_key=key)
    except InvalidParameter as error:
        if form is not None:
            form.note(error)
        return _render_refused(request, vehicle, membership, order.kind, form)
    except CommandError as error:
        panel = _panel(request, vehicle, membership)
        return _render_panel(request, panel, status=409, problem=_problem(panel, order.kind, error))
    if request.htmx:  # type: ignore[attr-defined]
        return _render_panel(request, _panel(request, vehicle, membership))
    return redirect(vehicle)


def _problem(panel: Panel, kind: str, error: CommandError) -> str:
    """Return why a command was not accepted; a rule speaks for itself, if it still blocks."""
    offer = panel.offer(kind)
    if error.code == offer.reason_code == "rule":
        return offer.detail
    return str(NOT_OFFERED.get(error.code, _("This was sent already with other values.")))


def _panel(request: HttpRequest, vehicle: Vehicle, membership: Membership, **refused: Any) -> Panel:
    return make_panel(vehicle, membership, is_confirmed=stepup.is_recent(request), **refused)


def _render_refused(
    request: HttpRequest,
    vehicle: Vehicle,
    membership: Membership,
    kind: str,
    form: CommandForm | None,
    unconfirmed: stepup.ConfirmForm | None = None,
) -> HttpResponse:
    status = 422 if unconfirmed is None else unconfirmed.status
    forms = {kind: form} if form is not None else {}
    confirms = {kind: unconfirmed} if unconfirmed is not None else {}
    panel = _panel(request, vehicle, membership, forms=forms, confirms=confirms)
    offer = panel.offer(kind)
    if offer.dialog is not None and not offer.reason_code and not request.htmx:  # type: ignore[attr-defined]
        return render(request, "commands/confirm.html", {"vehicle": vehicle, "offer": offer}, status=status)
    return _render_panel(request, panel, status=status)


def _render_panel(request: HttpRequest, panel: Panel, *, status: int = 200, problem: str = "") -> HttpResponse:
    context = {name.name: getattr(panel, name.name) for name in dataclasses.fields(panel)} | {"problem": problem}
    is_part = request.htmx  # type: ignore[attr-defined]
    return render(request, "commands/_panel.html" if is_part else "commands/panel.html", context, status=status)


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def show_command(request: HttpRequest, command_id: UUID) -> HttpResponse:
    command, membership = get_command(request.user, command_id)  # type: ignore[arg-type]
    return _render_command(request, command, membership)


@require_POST
@login_required
@never_cache
def cancel(request: HttpRequest, command_id: UUID) -> HttpResponse:
    """Cancel a command that is not yet permitted; if it is too late, the answer shows where it stands."""
    command, membership = get_command(request.user, command_id, to=Permission.COMMAND)  # type: ignore[arg-type]
    status = 200
    try:
        cancel_command(command_id=command.id, actor=membership.user.actor)
    except TooLate:
        status = 409
    if not request.htmx and status == 200:  # type: ignore[attr-defined]
        return redirect(command)
    command, membership = get_command(request.user, command_id)  # type: ignore[arg-type]
    return _render_command(request, command, membership, status=status)


def _render_command(
    request: HttpRequest, command: Command, membership: Membership, *, status: int = 200
) -> HttpResponse:
    card = card_of(command, may_cancel=membership.may(Permission.COMMAND))
    context: dict[str, Any] = {name.name: getattr(card, name.name) for name in dataclasses.fields(card)}
    context["is_alone"] = request.GET.get("in") != "panel"
    if request.htmx and not request.htmx.history_restore_request:  # type: ignore[attr-defined]
        return render(request, "commands/_command.html", context, status=status)
    context |= {"vehicle": command.vehicle, "entries": entries_of(command)}
    return render(request, "commands/detail.html", context, status=status)


@require_GET
@login_required
@never_cache
def show_latest(request: HttpRequest, vehicle_id: UUID) -> HttpResponse:
    vehicle, membership = get_vehicle(request.user, vehicle_id)  # type: ignore[arg-type]
    return render(request, "commands/_latest.html", latest_context(vehicle, membership))


def latest_context(vehicle: Vehicle, membership: Membership) -> dict[str, Any]:
    """Return what templates/commands/_latest.html shows of a vehicle."""
    rows = commands_of(membership).filter(vehicle=vehicle)[:LATEST]
    return {"vehicle": vehicle, "commands": [log_row(command) for command in rows]}


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_commands(request: HttpRequest) -> HttpResponse:
    """Show the team's commands, or one vehicle's, newest first."""
    vehicle = None
    membership = get_current_membership(request, to=Permission.VIEW)
    raw_vehicle = request.GET.get("vehicle", "")
    if raw_vehicle:
        vehicle, membership = get_vehicle(request.user, _read_id(raw_vehicle))  # type: ignore[arg-type]
    commands = commands_of(membership)
    if vehicle is not None:
        commands = commands.filter(vehicle=vehicle)
    page, next_cursor = page_of(commands, request.GET.get("cursor", ""))
    context = {"rows": [log_row(command) for command in page], "next_cursor": next_cursor, "vehicle": vehicle}
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "commands/list.html#rows" if is_part else "commands/list.html", context)


def _read_id(raw: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError as error:
        raise Http404 from error
