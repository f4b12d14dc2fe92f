"""Pages of alerts: the list of what needs attention, and one alert with the form that closes it."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from commands.alerts.access import alerts_of, count_open, get_alert
from commands.alerts.forms import CloseForm
from commands.alerts.models import Alert
from commands.alerts.services import close_alert, note_seen
from commands.alerts.words import TITLES, TONES, sentence_of, title_of
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

PAGE_SIZE = 50


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    alert: Alert
    title: str
    word: str
    tone: str
    sentence: str


def row_of(alert: Alert) -> Row:
    return Row(alert, title_of(alert), str(TITLES[alert.kind]), TONES[alert.kind], sentence_of(alert))


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_alerts(request: HttpRequest) -> HttpResponse:
    """Show what is open, or with ?closed=1 what was closed; the newest first."""
    membership = get_current_membership(request, to=Permission.VIEW)
    is_closed = request.GET.get("closed") == "1"
    page, next_cursor = _page_of(alerts_of(membership, is_open=not is_closed), request.GET.get("cursor", ""), is_closed)
    new = [alert.pk for alert in page if alert.seen_at is None and not is_closed]
    if new and membership.may(Permission.COMMAND):
        note_seen(alert_ids=new, membership=membership)
    context = {"rows": [row_of(alert) for alert in page], "next_cursor": next_cursor, "is_closed": is_closed}
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "alerts/list.html#rows" if is_part else "alerts/list.html", context)


@require_GET
@login_required
@never_cache
def show_count(request: HttpRequest) -> HttpResponse:
    """Show the entry of the menu anew, with how many alerts are open."""
    membership = get_current_membership(request, to=Permission.VIEW)
    return render(request, "alerts/_entry.html", {"open_alerts": count_open(membership)})


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def show_alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Show one alert; a POST closes it with a note, 422 with the error at the field."""
    is_post = request.method == "POST"
    to = Permission.COMMAND if is_post else Permission.VIEW
    alert, membership = get_alert(request.user, alert_id, to=to)  # type: ignore[arg-type]
    form = CloseForm(request.POST if is_post else None)
    if is_post and form.is_valid():
        close_alert(alert=alert, user=membership.user, note=form.cleaned_data["note"])
        return redirect("alerts:list")
    return render(request, "alerts/detail.html", _context(alert, membership, form), status=422 if is_post else 200)


def _context(alert: Alert, membership: Membership, form: CloseForm) -> dict[str, Any]:
    can_close = alert.closed_at is None and membership.may(Permission.COMMAND)
    return {"row": row_of(alert), "alert": alert, "vehicle": alert.vehicle, "form": form if can_close else None}


def _page_of(alerts: QuerySet[Alert], cursor: str, is_closed: bool) -> tuple[list[Alert], str]:
    """Return one page and the cursor of the next; a cursor that makes no sense shows the first page."""
    field = "closed_at" if is_closed else "created_at"
    after = _read_cursor(cursor)
    if after is not None:
        at, alert_id = after
        alerts = alerts.filter(Q(**{f"{field}__lt": at}) | Q(**{field: at, "id__lt": alert_id}))
    rows = list(alerts[: PAGE_SIZE + 1])
    if len(rows) <= PAGE_SIZE:
        return rows, ""
    last = rows[PAGE_SIZE - 1]
    raw = f"{getattr(last, field).isoformat()}|{last.pk}"
    return rows[:PAGE_SIZE], base64.urlsafe_b64encode(raw.encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    try:
        raw_at, _, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        at = datetime.fromisoformat(raw_at)
        return (at, UUID(raw_id)) if at.tzinfo is not None else None
    except (ValueError, binascii.Error):
        return None
