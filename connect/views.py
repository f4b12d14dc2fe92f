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

from connect.acceptance import VisitOver, accept
from connect.access import find_latest_visit, find_link, get_visit, note_miss
from connect.brands import OfferedBrand, ask_for_brands, brands_of, find_brand, search_brands
from connect.browser import browser_hash, know_browser
from connect.forms import CallbackForm, ReviewForm
from connect.grants import joined_ids, usable_grant
from connect.models import ShareLink, Visit
from connect.pages import NamedBrand, brand_page_url, done_context, review_context, show_way_out
from connect.sealed import remote_vehicles
from connect.services import CallbackRefused, decline, end_visit, open_visit, receive_callback, ring
from connect.start_page import start_context

QUERY_MAX_LENGTH = 60


# Before the maker ------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def start(request: HttpRequest, secret: str) -> HttpResponse:
    """Who asks, and for what. Opened again within half an hour it goes on where the owner was."""
    link, problem = _open_link(request, secret)
    if link is None or problem:
        return show_way_out(request, problem, link=link)
    latest = find_latest_visit(request, link)
    if latest is not None and latest.step in {Visit.Step.EXCHANGING, Visit.Step.REVIEW} and not _is_late(latest):
        return redirect("connect:wait", latest.id)
    ask_for_brands()
    brand = find_brand(link.team_id, link.brands[0]) if len(link.brands) == 1 else None
    context = start_context(link, brand_name=brand.name if brand else "") | {
        "step": 1,
        "continue_url": _go_url(secret, brand) if brand else reverse("connect:brand", args=[secret]),
    }
    return render(request, "connect/start.html", context)


@require_safe
@never_cache
def choose_brand(request: HttpRequest, secret: str) -> HttpResponse:
    link, problem = _open_link(request, secret)
    if link is None or problem:
        return show_way_out(request, problem, link=link)
    query = request.GET.get("q", "")[:QUERY_MAX_LENGTH]
    brands = [brand for brand in brands_of(link.team_id) if link.is_for(brand.key)]
    context = {
        "step": 2,
        "asker": link.team,
        "brands": [NamedBrand(brand.name, _go_url(secret, brand)) for brand in search_brands(brands, query)],
        "query": query,
        "back_url": reverse("connect:start", args=[secret]),
    }
    return render(request, "connect/brand.html", context)


@require_safe
@never_cache
def go(request: HttpRequest, secret: str, brand_key: str) -> HttpResponse:
    """Leave for the maker's sign-in. A link and not a form: our policy would stop the redirect after a POST."""
    link, problem = _open_link(request, secret)
    if link is None or problem:
        return show_way_out(request, problem, link=link)
    brand = find_brand(link.team_id, brand_key) if link.is_for(brand_key) else None
    if brand is None:
        return show_way_out(request, "brand_unknown", link=link, secret=secret)
    _visit, address = open_visit(
        link=link, secret=secret, brand=brand, browser=know_browser(request), language=get_language() or ""
    )
    return redirect(address)


def _open_link(request: HttpRequest, secret: str) -> tuple[ShareLink | None, str]:
    """Return the link of a secret and what is wrong with it, "" when nothing is."""
    link = find_link(secret)
    if link is None:
        is_calm = note_miss(request.META.get("REMOTE_ADDR", ""))
        return None, "link_unknown" if is_calm else "too_many_tries"
    return link, link.problem(timezone.now())


def _go_url(secret: str, brand: OfferedBrand) -> str:
    return reverse("connect:go", args=[secret, brand.key])


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
def wait(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Wait for the worker, then go where the pass has come to: the decision, the end, or a way out."""
    visit = get_visit(request, visit_id)
    if not visit.is_finished and _is_late(visit):
        end_visit(visit, failure="expired")
    next_url = _next_url(visit)
    if request.htmx:  # type: ignore[attr-defined]
        if visit.step != Visit.Step.EXCHANGING:
            return HttpResponseClientRedirect(next_url or reverse("connect:wait", args=[visit.id]))
        return render(request, "connect/wait.html#wait", _wait_context(visit))
    if next_url:
        return redirect(next_url)
    if visit.step != Visit.Step.EXCHANGING:
        return show_way_out(request, visit.failure or "expired", visit=visit)
    return render(request, "connect/wait.html", _wait_context(visit))


def _wait_context(visit: Visit) -> dict[str, object]:
    if visit.claimed_at is None:
        # The broker is only a doorbell: as long as the owner waits and nobody came, it is rung again.
        ring(visit)
    return {
        "step": 2,
        "brand": NamedBrand(visit.brand_name),
        "wait_url": reverse("connect:wait", args=[visit.id]),
    }


def _next_url(visit: Visit) -> str:
    """Return where a pass goes on; "" where it waits or has ended without cars."""
    if visit.step == Visit.Step.SIGNING_IN:
        return brand_page_url(visit)
    if visit.step == Visit.Step.REVIEW:
        return reverse("connect:review", args=[visit.id])
    return reverse("connect:done", args=[visit.id]) if visit.step == Visit.Step.DONE else ""


def _is_late(visit: Visit) -> bool:
    return visit.expires_at <= timezone.now()


# The decision ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def review(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = get_visit(request, visit_id)
    if visit.step != Visit.Step.REVIEW or _is_late(visit):
        return redirect("connect:wait", visit.id)
    cars, joined = remote_vehicles(visit), joined_ids(visit.account, visit.team_id)
    may_change = request.GET.get("change") == "1"
    open_cars = [car for car in cars if may_change or car.provider_vehicle_id not in joined]
    if not open_cars:
        return show_way_out(request, "already_joined", visit=visit)
    usable = usable_grant(visit, visit.account, vehicle_ids=[car.provider_vehicle_id for car in open_cars]).scopes
    optional = usable & frozenset(visit.link.scopes_optional)
    form = ReviewForm(request.POST if request.method == "POST" else None, cars=open_cars, scopes=optional)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            accept(visit=visit, vehicle_ids=chosen["cars"], scopes_optional=chosen["scopes"], owner_name=chosen["name"])
        except VisitOver:
            return redirect("connect:wait", visit.id)
        return redirect("connect:done", visit.id)
    context = review_context(visit, form, cars=cars, joined=joined, usable=usable, may_change=may_change)
    return render(request, "connect/review.html", context, status=422 if form.is_bound else 200)


@require_POST
def decline_visit(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = get_visit(request, visit_id)
    decline(visit=visit)
    return redirect("connect:wait", visit.id)


@require_safe
@never_cache
def done(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = get_visit(request, visit_id)
    if visit.step != Visit.Step.DONE:
        return redirect("connect:wait", visit.id)
    context = done_context(visit)
    if context is None:
        return show_way_out(request, "ended", visit=visit)
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "connect/done.html#cars" if is_part else "connect/done.html", context)
