"""Pages of the owner's way through the flow. Only workers talk to makers: a page writes a row and waits for it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from connect.acceptance import Person, VisitOver, accept
from connect.access import find_latest_visit, get_visit, note_miss
from connect.brand_page import brand_context, read_country, said_country
from connect.brands import OfferedBrand, ask_for_brands, brands_for
from connect.browser import browser_hash, know_browser, speak
from connect.callback import CallbackRefused, receive_callback, ring
from connect.invitations import Invitation, find_invitation
from connect.models import Visit
from connect.owner_forms import CallbackForm, ReviewForm, WishForm
from connect.pages import NamedBrand, brand_page_url, framed, of_this_browser, show_way_out
from connect.portal_keys import ask_for_letter
from connect.returns import kept_return, remember_return
from connect.review import read_choice, review_context
from connect.services import decline, end_visit, open_visit, refuse, sign_in_address
from connect.start_page import start_context
from connect.vins import is_make_missing
from connect.wishes import keep_wish

MOST_WISHES_OF_A_BROWSER = 5
WISHES_KEY = "connect_wishes"


# Before the maker ------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def start(request: HttpRequest, secret: str) -> HttpResponse:
    """Who asks, and for what. Opened again within half an hour it goes on where the owner was."""
    invitation, refused = _open(request, secret)
    if invitation is None:
        return refused
    link = invitation.link
    if not remember_return(request, link):
        return show_way_out(request, "return_unknown", link=link)
    latest = find_latest_visit(request, link, recipient=invitation.recipient)
    if latest is not None and latest.step in {Visit.Step.EXCHANGING, Visit.Step.REVIEW} and not _is_late(latest):
        return redirect("connect:wait", latest.id)
    ask_for_brands()
    brands = brands_for(link)
    if invitation.vin and brands and is_make_missing(invitation.vin, brands):
        return show_way_out(request, "vin_not_offered", link=link, vin=invitation.vin)
    brand = brands[0] if len(link.brands) == 1 and brands else None
    context = start_context(link, brand_name=brand.name if brand else "") | {
        "step": 1,
        "continue_url": _go_url(secret, brand) if brand else reverse("connect:brand", args=[secret]),
        "refuse_url": reverse("connect:refuse", args=[secret]),
    }
    return render(request, "connect/start.html", context)


@require_POST
@never_cache
def refuse_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Say no before signing in: as easy as going on."""
    invitation, refused = _open(request, secret)
    if invitation is None:
        return refused
    if invitation.recipient is not None:
        refuse(recipient=invitation.recipient)
    return show_way_out(request, "refused", link=invitation.link, secret=secret)


@require_safe
@never_cache
def choose_brand(request: HttpRequest, secret: str) -> HttpResponse:
    invitation, refused = _open(request, secret)
    return _show_brands(request, invitation) if invitation else refused


@require_POST
@never_cache
def wish(request: HttpRequest, secret: str) -> HttpResponse:
    """Note a make that the owner did not find."""
    invitation, refused = _open(request, secret)
    if invitation is None:
        return refused
    form = WishForm(request.POST)
    if not form.is_valid():
        return _show_brands(request, invitation, form)
    wishes: list[str] = request.session.get(WISHES_KEY, [])
    brand, country = form.cleaned_data["brand"], form.cleaned_data["country"]
    told = f"{invitation.link.team_id} {brand.casefold()} {country}"
    if told not in wishes and len(wishes) < MOST_WISHES_OF_A_BROWSER:
        keep_wish(team=invitation.link.team, brand=brand, country=country)
        request.session[WISHES_KEY] = [*wishes, told]
    return redirect(reverse("connect:brand", args=[secret]) + "?noted=1")


def _show_brands(request: HttpRequest, invitation: Invitation, form: WishForm | None = None) -> HttpResponse:
    link = invitation.link
    country, said = read_country(request, link), said_country(request, link)
    context = framed(link.team, step=2) | brand_context(
        brands_for(link),
        query=request.GET.get("q", ""),
        country=country,
        needed=link.scopes_needed,
        url_of=lambda brand: _go_url(invitation.secret, brand, said),
    )
    context |= {
        "form": form or WishForm(initial={"country": country}),
        "is_noted": request.GET.get("noted") == "1",
        "wish_url": reverse("connect:wish", args=[invitation.secret]),
        "back_url": reverse("connect:start", args=[invitation.secret]),
    }
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    template = "connect/brand.html#choices" if is_part else "connect/brand.html"
    return render(request, template, context, status=422 if form else 200)


@require_safe
@never_cache
def go(request: HttpRequest, secret: str, brand_key: str) -> HttpResponse:
    """Leave for the maker's sign-in. A link and not a form: our policy would stop the redirect after a POST."""
    invitation, refused = _open(request, secret)
    if invitation is None:
        return refused
    link = invitation.link
    brand = next((brand for brand in brands_for(link) if brand.key == brand_key), None)
    if brand is None:
        return show_way_out(request, "brand_unknown", link=link, secret=secret)
    visit, address = open_visit(
        link=link,
        secret=secret,
        brand=brand,
        browser=know_browser(request),
        language=get_language() or "",
        recipient=invitation.recipient,
        return_to=kept_return(request, link),
        country=said_country(request, link),
    )
    if not address:
        ring(visit)
        return redirect("connect:wait", visit.id)
    return redirect(address)


def _open(request: HttpRequest, secret: str) -> tuple[Invitation, HttpResponse] | tuple[None, HttpResponse]:
    """Return what a secret opens, or None and the page that says why it does not. Speaks the link's language."""
    invitation = find_invitation(secret)
    if invitation is None:
        is_calm = note_miss(request.META.get("REMOTE_ADDR", ""))
        return None, show_way_out(request, "link_unknown" if is_calm else "too_many_tries")
    speak(request, invitation.language)
    if problem := invitation.problem(timezone.now()):
        return None, show_way_out(request, problem, link=invitation.link)
    return invitation, HttpResponse()


def _go_url(secret: str, brand: OfferedBrand, country: str = "") -> str:
    return reverse("connect:go", args=[secret, brand.key]) + (f"?country={country}" if country else "")


# Back from the maker ---------------------------------------------------------------------------------------------


@require_safe
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Take the maker's answer. Whatever else stands in the address (where to redirect, descriptions) is not read."""
    form = CallbackForm(request.GET)
    # The page repeats its address for the language switch, but not a code, nor ten kilobytes of somebody's making.
    request.META["QUERY_STRING"] = ""
    if not form.is_valid():
        code = "wrong_state" if "state" in form.errors else "bad_callback"
        return show_way_out(request, code, visit=find_latest_visit(request))
    try:
        visit = receive_callback(browser=browser_hash(request), **form.cleaned_data)
    except CallbackRefused as refused:
        return show_way_out(request, refused.code, visit=find_latest_visit(request))
    return redirect("connect:wait", visit.id)


@require_safe
@never_cache
@of_this_browser
def wait(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Wait for the worker, then go where the pass has come to: the sign-in, the decision, the end, or a way out."""
    visit = _visit(request, visit_id)
    if not visit.is_finished and _is_late(visit):
        end_visit(visit, failure="expired")
    next_url = _next_url(visit)
    if request.htmx:  # type: ignore[attr-defined]
        if not _waits(visit):
            return HttpResponseClientRedirect(next_url or reverse("connect:wait", args=[visit.id]))
        return render(request, "connect/wait.html#wait", _wait_context(visit))
    if next_url:
        return redirect(next_url)
    if not _waits(visit):
        return show_way_out(request, visit.failure or "expired", visit=visit)
    return render(request, "connect/wait.html", _wait_context(visit))


def _visit(request: HttpRequest, visit_id: UUID) -> Visit:
    visit = get_visit(request, visit_id)
    speak(request, visit.language)
    return visit


def _wait_context(visit: Visit) -> dict[str, object]:
    if visit.claimed_at is None:
        # The broker is only a doorbell: as long as the owner waits and nobody came, it is rung again.
        ring(visit)
    return framed(visit.link.team, step=2) | {
        "brand": NamedBrand(visit.brand_name),
        "wait_url": reverse("connect:wait", args=[visit.id]),
        "is_asking": visit.step == Visit.Step.ASKING,
    }


def _waits(visit: Visit) -> bool:
    return visit.step in {Visit.Step.ASKING, Visit.Step.EXCHANGING}


def _next_url(visit: Visit) -> str:
    """Return where a pass goes on; "" where it waits or has ended without cars."""
    if visit.step == Visit.Step.SIGNING_IN:
        return sign_in_address(visit) or brand_page_url(visit)
    if visit.step == Visit.Step.REVIEW:
        return reverse("connect:review", args=[visit.id])
    return reverse("connect:done", args=[visit.id]) if visit.step == Visit.Step.DONE else ""


def _is_late(visit: Visit) -> bool:
    return visit.expires_at <= timezone.now()


# The decision ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@of_this_browser
def review(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = _visit(request, visit_id)
    if visit.step != Visit.Step.REVIEW or _is_late(visit):
        return redirect("connect:wait", visit.id)
    choice = read_choice(visit, may_change=request.GET.get("change") == "1")
    if not choice.open_cars:
        return show_way_out(request, "already_joined", visit=visit)
    data = request.POST if request.method == "POST" else None
    form = ReviewForm(data, cars=choice.open_cars, scopes=choice.optional, initial=choice.initial)
    if form.is_valid():
        chosen = form.cleaned_data
        person = Person(name=chosen["name"], email=chosen["email"], language=get_language() or "")
        try:
            visit = accept(visit=visit, vehicle_ids=chosen["cars"], scopes_optional=chosen["scopes"], person=person)
        except VisitOver:
            return redirect("connect:wait", visit.id)
        if chosen["email"] and visit.owner is not None:
            ask_for_letter(visit.owner)
        return redirect("connect:done", visit.id)
    return render(
        request, "connect/review.html", review_context(visit, form, choice), status=422 if form.is_bound else 200
    )


@require_POST
@of_this_browser
def decline_visit(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = _visit(request, visit_id)
    decline(visit=visit)
    return redirect("connect:wait", visit.id)
