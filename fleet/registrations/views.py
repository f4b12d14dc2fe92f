"""Pages of registrations: which there are, setting one up, changing it, trying it out; and our public key."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from fleet.adapters.registry import get_adapter
from fleet.registrations import pages
from fleet.registrations.access import (
    Keeper,
    get_registration,
    keeper_of_installation,
    keeper_of_team,
    registrations_of,
)
from fleet.registrations.forms import RegistrationForm
from fleet.registrations.guide import is_reachable_by_makers, steps_for
from fleet.registrations.keys import PUBLIC_KEY, published_key
from fleet.registrations.services import (
    Refused,
    ask_for_test,
    change_app,
    register_app,
    remove_app,
    switch_app,
)
from fleet.registrations.words import NOT_REMOVED, REFUSALS
from fleet.teams import stepup
from fleet.vehicles.models import ProviderApp

View = Callable[..., HttpResponse]
# At which field a refusal stands.
PLACES = {"taken": "client_id", "in_use": "client_id"}


def page(*methods: str) -> Callable[[View], View]:
    """A page for somebody who is signed in, kept by no browser, whose fields are left out of reports of errors."""

    def decorate(view: View) -> View:
        shown = require_http_methods([*methods])(login_required(never_cache(view)))
        return sensitive_post_parameters()(shown)

    return decorate


# Lists ---------------------------------------------------------------------------------------------------------------


@page("GET", "HEAD")
def list_of_team(request: HttpRequest) -> HttpResponse:
    """Show the team's own registrations, and those of the installation that it uses as well."""
    keeper = keeper_of_team(request)
    shared = pages.rows_of(registrations_of(None).filter(is_enabled=True))
    return _list(request, keeper, shared=shared)


@page("GET", "HEAD")
def list_of_installation(request: HttpRequest) -> HttpResponse:
    """Show the registrations that every team uses."""
    return _list(request, keeper_of_installation(request.user))


def _list(request: HttpRequest, keeper: Keeper, *, shared: list[pages.Row] | None = None) -> HttpResponse:
    context = {
        "rows": pages.rows_of(registrations_of(keeper.team_id)),
        "shared": shared or [],
        "offers": pages.offers(),
        "is_of_team": keeper.team_id is not None,
        "new_route": "registrations:new" if keeper.team_id else "installation_providers:new",
    }
    return render(request, "registrations/list.html", context)


# Setting up ----------------------------------------------------------------------------------------------------------


@page("GET", "HEAD", "POST")
def new_of_team(request: HttpRequest, provider: str) -> HttpResponse:
    """Set up a registration of the team's own."""
    return _new(request, keeper_of_team(request), provider)


@page("GET", "HEAD", "POST")
def new_of_installation(request: HttpRequest, provider: str) -> HttpResponse:
    """Set up a registration for every team."""
    return _new(request, keeper_of_installation(request.user), provider)


def _new(request: HttpRequest, keeper: Keeper, provider: str) -> HttpResponse:
    if not pages.is_offered(provider):
        raise Http404
    manifest = get_adapter(provider).manifest
    form = RegistrationForm(request.POST if request.method == "POST" else None, manifest=manifest)
    confirm = stepup.ask(request)
    if form.is_valid() and (confirm := stepup.check(request)) is None:
        try:
            app = register_app(keeper=keeper, provider=provider, wanted=form.wanted())
        except Refused as refused:
            form.add_error(PLACES.get(refused.code), REFUSALS[refused.code])
        else:
            messages.success(request, _("%(name)s is set up. Now test it.") % {"name": app.name})
            return redirect("registrations:detail", app.id)
    context = _shared(keeper, provider) | {"form": form, "confirm": confirm}
    return render(request, "registrations/new.html", context, status=_status(form, confirm))


@page("GET", "HEAD", "POST")
def edit_registration(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Show a registration, what a test found, and what the provider counts; change it when it is sent."""
    app, keeper = get_registration(request.user, registration_id)
    manifest = get_adapter(app.provider).manifest
    data = request.POST if request.method == "POST" else None
    form = RegistrationForm(data, manifest=manifest, app=app, set_at=pages.set_at(app))
    confirm = stepup.ask(request)
    if form.is_valid() and (confirm := stepup.check(request)) is None:
        try:
            change_app(keeper=keeper, app=app, wanted=form.wanted())
        except Refused as refused:
            form.add_error(PLACES.get(refused.code), REFUSALS[refused.code])
        else:
            messages.success(request, _("Saved."))
            return redirect("registrations:detail", app.id)
    context = _shared(keeper, app.provider) | _of(app) | {"form": form, "confirm": confirm}
    return render(request, "registrations/detail.html", context, status=_status(form, confirm))


def _status(form: RegistrationForm, confirm: stepup.ConfirmForm | None) -> int:
    if not form.is_bound:
        return 200
    return 422 if form.errors or confirm is None else confirm.status


def _shared(keeper: Keeper, provider: str) -> dict[str, Any]:
    manifest = get_adapter(provider).manifest
    return {
        "manifest": manifest,
        "steps": steps_for(provider, register_url=manifest.register_url),
        "limits": pages.limit_lines(manifest),
        "is_of_team": keeper.team_id is not None,
        "list_url": reverse(pages.back_to(keeper.team_id)),
        "is_unreachable": provider != "simulator" and not is_reachable_by_makers(),
    }


def _of(app: ProviderApp) -> dict[str, Any]:
    return {
        "app": app,
        "test": pages.latest_test(app),
        "has_key": PUBLIC_KEY in app.options,
    }


# Trying out ----------------------------------------------------------------------------------------------------------


@page("GET", "HEAD")
def show_test(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Show what a test found; the page of a registration asks while a worker is at it."""
    app, _keeper = get_registration(request.user, registration_id)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("registrations:detail", app.id)
    return render(request, "registrations/_test.html", _of(app))


@page("POST")
def start_test(request: HttpRequest, registration_id: UUID) -> HttpResponse:
    """Let a worker try a registration out."""
    app, keeper = get_registration(request.user, registration_id)
    ask_for_test(keeper=keeper, app=app)
    return redirect(f"{reverse('registrations:detail', args=[app.id])}#test")


def confirmed(view: View) -> View:
    """Lead away to confirm who it is, where that was too long ago, and then back to the page of the registration."""

    @wraps(view)
    def asking(request: HttpRequest, registration_id: UUID) -> HttpResponse:
        app, keeper = get_registration(request.user, registration_id)
        if not stepup.is_recent(request):
            back = urlencode({"next": reverse("registrations:detail", args=[app.id])})
            return redirect(f"{reverse('account_reauthenticate')}?{back}")
        return view(request, app, keeper)

    return asking


@page("POST")
@confirmed
def send_key(request: HttpRequest, app: ProviderApp, keeper: Keeper) -> HttpResponse:
    """Let a worker register our public key with the provider, and try the registration out."""
    if PUBLIC_KEY not in app.options:
        raise Http404
    ask_for_test(keeper=keeper, app=app, sends_key=True)
    return redirect(f"{reverse('registrations:detail', args=[app.id])}#test")


# Switching and removing ----------------------------------------------------------------------------------------------


@page("POST")
@confirmed
def switch(request: HttpRequest, app: ProviderApp, keeper: Keeper) -> HttpResponse:
    """Switch a registration on or off."""
    is_on = request.POST.get("to") == "on"
    switch_app(keeper=keeper, app=app, is_on=is_on)
    messages.success(request, _("It is switched on.") if is_on else _("It is switched off."))
    return redirect("registrations:detail", app.id)


@page("GET", "HEAD", "POST")
@confirmed
def remove(request: HttpRequest, app: ProviderApp, keeper: Keeper) -> HttpResponse:
    """Ask whether a registration is to be removed; remove it when that is sent."""
    context = _shared(keeper, app.provider) | {"app": app}
    if request.method != "POST":
        return render(request, "registrations/remove.html", context)
    try:
        remove_app(keeper=keeper, app=app)
    except Refused:
        return render(request, "registrations/remove.html", context | {"refused": NOT_REMOVED}, status=409)
    messages.success(request, _("%(name)s is removed.") % {"name": app.name})
    return redirect(pages.back_to(keeper.team_id))


# For everybody -------------------------------------------------------------------------------------------------------


@require_safe
@cache_control(public=True, max_age=3600)
def tesla_public_key(request: HttpRequest) -> HttpResponse:
    """Show the public half of our key for Tesla's cars, where Tesla looks for it."""
    pem = published_key("tesla")
    if not pem:
        raise Http404
    return HttpResponse(pem, content_type="text/plain; charset=utf-8")
