"""What the last page shows: cars, what was allowed and until when, what the maker still asks, the owner's own page."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from connect.models import Visit
from connect.owner_forms import LetterForm
from connect.pages import NamedBrand, NextStep, framed
from connect.returns import way_back
from connect.scopes import scope_lines
from connect.services import VISIT_LIFE
from connect.steps import checked_at, pairing_steps
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import VehicleLink
from fleet.vehicles.readings import rows_of

# For so long the page asks again whether the car has said something; it may be asleep.
FIRST_VALUE_WITHIN = timedelta(minutes=1)
# For so long it waits for the answer to "check again".
CHECK_WITHIN = timedelta(seconds=30)


def live_links(visit: Visit) -> list[VehicleLink]:
    """Return how the cars of a finished pass are reached now."""
    links = VehicleLink.objects.filter(team_id=visit.team_id, connection=visit.connection, ended_at__isnull=True)
    related = links.select_related("vehicle", "connection__account__app")
    return list(related.order_by("vehicle__make", "vehicle__model", "id"))


def is_recent(visit: Visit) -> bool:
    """Say whether the owner is probably still there: a browser may be a dealer's, and others sit down at it."""
    return visit.finished_at is not None and timezone.now() - visit.finished_at < VISIT_LIFE


def done_context(
    request: HttpRequest, visit: Visit, *, portal_url: str = "", form: LetterForm | None = None
) -> dict[str, Any] | None:
    """Return what is shared now through a finished pass, or None when it has ended since.

    portal_url: the address of the owner's own pages, in the one answer that shows it.
    """
    live = live_links(visit)
    if not live:
        return None
    cars = rows_of(link.vehicle for link in live)
    allowed = allowed_scopes(live[0])  # one decision for all cars of a pass
    is_young = visit.finished_at is not None and timezone.now() - visit.finished_at < FIRST_VALUE_WITHIN
    waits = is_young and any(row.state.is_empty for row in cars)
    since = _asked_at(request)
    is_checking = since is not None and timezone.now() - since < CHECK_WITHIN and _is_unanswered(live, since)
    steps = pairing_steps(live)
    label, url = way_back(request, link=visit.link, visit=visit, cars=len(live))
    return framed(visit.link.team, step=4) | {
        "brand": NamedBrand(visit.brand_name),
        "cars": cars,
        "scopes": scope_lines(needed=allowed),
        "missing": scope_lines(needed=set(visit.link.scopes_needed) - allowed),
        "ends_at": visit.connection.ends_at if visit.connection else None,
        "poll_url": reverse("connect:done", args=[visit.id]) if waits else "",
        "may_keep": is_recent(visit) and visit.step == Visit.Step.DONE,
        "steps": steps,
        "is_checking": is_checking,
        "is_settled": since is not None and not is_checking and not steps,
        "is_still_open": since is not None and not is_checking and bool(steps),
        "steps_url": f"{request.path}?checked={request.GET['checked']}&part=steps" if is_checking else "",
        "check_url": reverse("connect:check", args=[visit.id]),
        "portal_url": portal_url,
        "portal_link_url": reverse("connect:portal_link", args=[visit.id]),
        "letter_url": reverse("connect:letter", args=[visit.id]),
        "email": visit.owner.email if visit.owner else "",
        "form": form or LetterForm(),
        "way_back": NextStep(label, url) if url else None,
    }


def _asked_at(request: HttpRequest) -> datetime | None:
    """Return when the owner asked to check again, from the address; None when they did not."""
    asked = request.GET.get("checked", "")
    if not re.fullmatch("[0-9]{13}", asked):
        return None
    return datetime.fromtimestamp(int(asked) / 1_000, UTC)


def _is_unanswered(links: list[VehicleLink], since: datetime) -> bool:
    answers = [checked_at(link) for link in links]
    return any(answer is None or answer < since for answer in answers)
