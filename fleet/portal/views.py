"""An owner's own pages: what they share, what was done with it, and how to change or end it. No account is needed."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from connect.access import note_miss
from connect.portal_keys import ask_for_letters, find_key, revoke_keys
from connect.scopes import SCOPES
from fleet.files import stream_file
from fleet.portal.access import Guest, for_owners, get_live_link, let_in, let_out, live_links_of
from fleet.portal.export import parts_of
from fleet.portal.forgetting import forget_owner
from fleet.portal.forms import AskForm, HoursForm
from fleet.portal.log import page_of
from fleet.portal.pages import frame, home_context
from fleet.portal.services import NotAsked, note_export, stop_sharing, switch_scope
from fleet.portal.words import WAYS_OUT
from fleet.vehicles.consent import set_private_hours
from fleet.vehicles.models import Owner


def show_way_out(request: HttpRequest, code: str = "away", form: AskForm | None = None) -> HttpResponse:
    """Answer with why a page does not open, and a way to a new link."""
    way_out = WAYS_OUT[code]
    context = {"out": way_out, "form": (form or AskForm()) if way_out.asks_for_address else None}
    return render(request, "portal/out.html", context, status=way_out.status)


@require_safe
@never_cache
def open_pages(request: HttpRequest, secret: str) -> HttpResponse:
    """Let a browser in by a key and go on at an address without it. The key is neither used up nor changed."""
    key = find_key(secret)
    if key is None:
        is_calm = note_miss(request.META.get("REMOTE_ADDR", ""))
        answer = show_way_out(request, "unknown" if is_calm else "too_many_tries")
    else:
        answer = redirect("portal:home")
        let_in(request, answer, key)
        _speak(request, answer, key.owner)
    # The secret stands in this address.
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _speak(request: HttpRequest, answer: HttpResponse, owner: Owner) -> None:
    """Begin in the owner's language where this browser has not chosen one, and nobody is signed in who would mind."""
    is_free = settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and not request.user.is_authenticated
    if is_free and owner.language in dict(settings.LANGUAGES):
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, owner.language, samesite="Lax")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask_again(request: HttpRequest) -> HttpResponse:
    """Have a new link sent to an address; the answer is the same whether we know it or not."""
    form = AskForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return render(request, "portal/again.html", {"form": form})
    if not note_miss(request.META.get("REMOTE_ADDR", "")):
        return show_way_out(request, "too_many_tries")
    if not form.is_valid():
        return render(request, "portal/again.html", {"form": form}, status=422)
    ask_for_letters(form.cleaned_data["email"])
    return render(request, "portal/sent.html", {"address": form.cleaned_data["email"]})


@require_safe
@never_cache
@for_owners(show_way_out)
def home(request: HttpRequest, guest: Guest) -> HttpResponse:
    return render(request, "portal/home.html", home_context(guest))


@require_POST
@for_owners(show_way_out)
def set_scope(request: HttpRequest, guest: Guest, car_id: UUID, scope: str) -> HttpResponse:
    """Switch one permission on one car; on=1 gives it, anything else takes it back."""
    link = get_live_link(guest.owner, car_id)
    is_on = request.POST.get("on") == "1"
    try:
        switch_scope(link=link, scope=scope, is_on=is_on, actor=guest.actor)
    except NotAsked:
        messages.warning(request, _("That cannot be allowed now. Nothing was changed."))
    else:
        if scope in SCOPES:
            words = _("Allowed: %(what)s.") if is_on else _("Taken back: %(what)s. Nothing of it is sent any more.")
            messages.success(request, words % {"what": SCOPES[scope].title})
    return redirect("portal:home")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_owners(show_way_out)
def stop(request: HttpRequest, guest: Guest, car_id: UUID | None = None) -> HttpResponse:
    """Ask once, then stop sharing one car, or all of them."""
    links = [get_live_link(guest.owner, car_id)] if car_id else list(live_links_of(guest.owner))
    if request.method != "POST":
        context = {"cars": [link.vehicle for link in links], "is_one": car_id is not None}
        return render(request, "portal/stop.html", frame(guest) | context)
    stop_sharing(links=links, actor=guest.actor)
    messages.success(request, _("It is not shared any more."))
    return redirect("portal:home")


@require_GET
@never_cache
@for_owners(show_way_out)
def show_log(request: HttpRequest, guest: Guest) -> HttpResponse:
    entries, next_cursor = page_of(guest.owner, request.GET.get("cursor", ""))
    context = {"entries": entries, "next_cursor": next_cursor, "is_first": "cursor" not in request.GET}
    return render(request, "portal/log.html", frame(guest) | context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_owners(show_way_out)
def private_hours(request: HttpRequest, guest: Guest) -> HttpResponse:
    owner = guest.owner
    data = request.POST if request.method == "POST" else None
    zone = owner.private_time_zone or owner.team.zone.key
    form = HoursForm(data, windows=owner.private_hours, zone=zone)
    if form.is_valid():
        set_private_hours(
            owner=owner, windows=form.windows, time_zone=form.cleaned_data["time_zone"], actor=guest.actor
        )
        messages.success(
            request, _("Your private hours are kept.") if form.windows else _("You have no private hours.")
        )
        return redirect("portal:home")
    context = frame(guest) | {"form": form}
    return render(request, "portal/hours.html", context, status=422 if form.is_bound else 200)


@require_POST
@never_cache
@for_owners(show_way_out)
def export(request: HttpRequest, guest: Guest) -> HttpResponseBase:
    """Send everything that is kept of an owner as one file; the team's log says so before the first byte is sent."""
    note_export(guest.owner, actor=guest.actor)
    name = f"fleetwell-{timezone.localtime():%Y-%m-%d}.json"
    return stream_file(request, parts_of(guest.owner), name=name, content_type="application/json")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_owners(show_way_out)
def forget(request: HttpRequest, guest: Guest) -> HttpResponse:
    """Ask once, then end everything and forget the owner."""
    if request.method != "POST":
        cars = [link.vehicle for link in live_links_of(guest.owner)]
        return render(request, "portal/forget.html", frame(guest) | {"cars": cars})
    forget_owner(guest.owner, actor=guest.actor)
    answer = redirect("portal:forgotten")
    let_out(request, answer)
    return answer


@require_safe
@never_cache
def forgotten(request: HttpRequest) -> HttpResponse:
    """Say what is gone, what is kept, and why; it names nobody."""
    return render(request, "portal/forgotten.html")


@require_POST
@for_owners(show_way_out)
def revoke_links(request: HttpRequest, guest: Guest) -> HttpResponse:
    """Take every link to these pages back, this browser's too, and have a new one sent where an address is known."""
    email = guest.owner.email
    revoke_keys(guest.owner)
    if email:
        ask_for_letters(email)
    answer = render(request, "portal/revoked.html", {"address": email})
    let_out(request, answer)
    return answer


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Close these pages in this browser; the link opens them again."""
    answer = redirect("portal:again")
    let_out(request, answer)
    return answer
