"""What several pages of the owner's flow show: the frame, makes, what a car lacks, ways out. No rights, no changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from connect.browser import speak
from connect.invitations import only_vin
from connect.looks import look_of
from connect.models import ShareLink, Visit
from connect.returns import way_back
from connect.scopes import SCOPES
from connect.sealed import refusals_told
from connect.services import link_secret
from connect.words import WAYS_OUT, Next, describe_way_out
from fleet.teams.models import Team
from fleet.vehicles.sealing import CannotUnseal

View = Callable[[HttpRequest, UUID], HttpResponse]


@dataclass(frozen=True)
class NextStep:
    label: str
    url: str


@dataclass(frozen=True)
class NamedBrand:
    """lacks: what no car of this make can do of what is needed, in words; "" when that is not known."""

    name: str
    url: str = ""
    lacks: str = ""


def framed(team: Team, *, step: int) -> dict[str, Any]:
    """Return what every screen shows around itself: how far it is, who asks, and how that team looks."""
    return {"step": step, "asker": team, "look": look_of(team)}


def lacks(scope: str, why: str, *, is_needed: bool) -> str:
    """Return the sentence on one thing that a car can't do. why: the maker's code."""
    title = SCOPES[scope].title if scope in SCOPES else scope
    if why == "not_equipped":
        reason = _("this car is not equipped for it")
    elif why == "not_offered":
        reason = _("the maker does not offer it for this car")
    elif why == "not_declared":
        reason = _("it is not offered for cars like this")
    else:
        reason = _("the maker says that this car can’t")
    words = _("Needed, but not possible: %(what)s – %(why)s.") if is_needed else _("Not possible: %(what)s – %(why)s.")
    return words % {"what": title, "why": reason}


# Ways out --------------------------------------------------------------------------------------------------------


def show_way_out(
    request: HttpRequest,
    code: str,
    *,
    visit: Visit | None = None,
    link: ShareLink | None = None,
    secret: str = "",
    vin: str = "",
) -> HttpResponse:
    """Answer with the page of one way out. secret: of the link, when the address of this request holds it."""
    link = link or (visit.link if visit else None)
    if visit is not None:
        speak(request, visit.language)
        vin = vin or only_vin(visit.link, visit.recipient)
    asker, brand = link.team.name if link else "", visit.brand_name if visit else ""
    context = describe_way_out(code, asker=asker, brand=brand, vin=vin)
    context["next_step"] = _next_step(code, visit, secret)
    context["cars"] = _told(visit) if code == "vehicle_incompatible" and visit else []
    if link is not None:
        context |= {"look": look_of(link.team)}
        label, url = way_back(request, link=link, visit=visit, error=code)
        context["way_back"] = NextStep(label, url) if url else None
    return render(request, "connect/out.html", context, status=WAYS_OUT[code].status)


def of_this_browser(view: View) -> View:
    """Answer with a way out where a pass is not this browser's; one that does not exist looks the same."""

    @wraps(view)
    def answer(request: HttpRequest, visit_id: UUID) -> HttpResponse:
        try:
            return view(request, visit_id)
        except Http404:
            return show_way_out(request, "other_browser")

    return answer


def _told(visit: Visit) -> list[dict[str, object]]:
    return [
        {"make": make, "model": model, "lacks": [lacks(scope, why, is_needed=True) for scope, why in refused.items()]}
        for make, model, refused in refusals_told(visit)
    ]


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
