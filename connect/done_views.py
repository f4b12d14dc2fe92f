"""The last page of the owner's flow, and what can be done there: check what the maker asks for, keep a way back."""

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from connect.access import get_visit
from connect.browser import speak
from connect.done_page import done_context, is_recent, live_links
from connect.models import Visit
from connect.owner_forms import LetterForm
from connect.pages import of_this_browser, show_way_out
from connect.portal_keys import ask_for_letter, mint_key
from connect.services import set_owner_email
from fleet.vehicles.tasks import read_link


@require_safe
@never_cache
@of_this_browser
def done(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    visit = _visit(request, visit_id)
    if visit.step != Visit.Step.DONE:
        return redirect("connect:wait", visit.id)
    return _show(request, visit)


@require_POST
@never_cache
@of_this_browser
def check_steps(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Have a worker ask the maker again what the cars can do; the page then waits for the answer."""
    visit = _visit(request, visit_id)
    now_ms = int(timezone.now().timestamp() * 1_000)
    for link in live_links(visit) if visit.step == Visit.Step.DONE else []:
        _ask_later(str(link.id))
    return redirect(reverse("connect:done", args=[visit.id]) + f"?checked={now_ms}#steps")


@require_POST
@never_cache
@of_this_browser
def show_portal_link(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Show the way to the owner's own pages, in this very answer: it is kept nowhere."""
    visit = _visit(request, visit_id)
    if not is_recent(visit) or visit.owner is None:
        return redirect("connect:done", visit.id)
    url = request.build_absolute_uri(reverse("portal:open", args=[mint_key(visit.owner)]))
    return _show(request, visit, portal_url=url)


@require_POST
@never_cache
@of_this_browser
def send_letter(request: HttpRequest, visit_id: UUID) -> HttpResponse:
    """Have the way to the owner's own pages sent to them. An address that is known is not changed here."""
    visit = _visit(request, visit_id)
    if not is_recent(visit) or visit.owner is None:
        return redirect("connect:done", visit.id)
    if not visit.owner.email:
        form = LetterForm(request.POST)
        if not form.is_valid():
            return _show(request, visit, form=form)
        set_owner_email(owner=visit.owner, email=form.cleaned_data["email"])
        ask_for_letter(visit.owner)
    return redirect("connect:done", visit.id)


def _ask_later(link_id: str) -> None:
    # robust: without a broker the owner still gets the page, and may press again.
    transaction.on_commit(lambda: read_link.delay(link_id, with_capabilities=True), robust=True)


def _visit(request: HttpRequest, visit_id: UUID) -> Visit:
    visit = get_visit(request, visit_id)
    speak(request, visit.language)
    return visit


def _show(request: HttpRequest, visit: Visit, *, portal_url: str = "", form: LetterForm | None = None) -> HttpResponse:
    context = done_context(request, visit, portal_url=portal_url, form=form)
    if context is None:
        return show_way_out(request, "ended", visit=visit)
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    part = "steps" if request.GET.get("part") == "steps" else "cars"
    template = f"connect/done.html#{part}" if is_part else "connect/done.html"
    return render(request, template, context, status=422 if form else 200)
