"""Pages of notices: what one was told, the bell, and what one wants to be told of."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from fleet.notifications.access import count_unread, get_notice, notices_of
from fleet.notifications.entries import entries_of
from fleet.notifications.forms import SettingsForm
from fleet.notifications.models import Notice, Preferences
from fleet.notifications.services import choose, mark_all_read, mark_read
from fleet.teams.access import memberships_of
from fleet.teams.models import User

PAGE_SIZE = 30


@require_GET
@login_required
@never_cache
@vary_on_headers("HX-Request")
def list_notices(request: HttpRequest) -> HttpResponse:
    """Show what the person was told, the newest first; with ?unread=1 what they have not read."""
    user: User = request.user  # type: ignore[assignment]
    is_unread = request.GET.get("unread") == "1"
    notices = notices_of(user)
    page, next_cursor = page_of(
        notices.filter(read_at__isnull=True) if is_unread else notices, request.GET.get("cursor", "")
    )
    entries = entries_of(page, memberships_of(user))
    context = {"entries": entries, "next_cursor": next_cursor, "is_unread": is_unread}
    is_part = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "notifications/list.html#rows" if is_part else "notifications/list.html", context)


@require_GET
@login_required
@never_cache
def show_bell(request: HttpRequest) -> HttpResponse:
    """Show the bell anew, with how many notices are unread."""
    user: User = request.user  # type: ignore[assignment]
    return render(request, "notifications/_bell.html", {"unread_notices": count_unread(user)})


@require_POST
@login_required
@never_cache
def open_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Mark a notice as read and go where it leads."""
    user: User = request.user  # type: ignore[assignment]
    notice = get_notice(user, notice_id)
    mark_read(notice=notice)
    entries = entries_of([notice], memberships_of(user))
    return redirect(entries[0].url if entries else "notifications:list")


@require_POST
@login_required
@never_cache
def read_notice(request: HttpRequest, notice_id: UUID) -> HttpResponse:
    """Mark a notice as read and stay."""
    mark_read(notice=get_notice(request.user, notice_id))  # type: ignore[arg-type]
    return redirect("notifications:list")


@require_POST
@login_required
@never_cache
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read."""
    mark_all_read(user=request.user)  # type: ignore[arg-type]
    return redirect("notifications:list")


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def edit_settings(request: HttpRequest) -> HttpResponse:
    """Show and change what the person is told of; 422 with the error at its field."""
    user: User = request.user  # type: ignore[assignment]
    is_post = request.method == "POST"
    form = SettingsForm(request.POST if is_post else None, row=Preferences.objects.filter(user=user).first())
    if is_post and form.is_valid():
        starts, ends = form.quiet_hours()
        zone = form.cleaned_data["time_zone"]
        choose(user=user, choices=form.chosen(), quiet_from=starts, quiet_until=ends, time_zone=zone)
        messages.success(request, _("Saved. It holds from now on, also for letters that wait."))
        return redirect("notifications:settings")
    return render(request, "notifications/settings.html", {"form": form}, status=422 if is_post else 200)


def page_of(notices: QuerySet[Notice], cursor: str) -> tuple[list[Notice], str]:
    """Return one page and the cursor of the next; a cursor that makes no sense shows the first page."""
    if (after := _read_cursor(cursor)) is not None:
        at, notice_id = after
        notices = notices.filter(Q(at__lt=at) | Q(at=at, id__lt=notice_id), at__lte=at)
    rows = list(notices[: PAGE_SIZE + 1])
    if len(rows) <= PAGE_SIZE:
        return rows, ""
    last = rows[PAGE_SIZE - 1]
    return rows[:PAGE_SIZE], base64.urlsafe_b64encode(f"{last.at.isoformat()}|{last.pk}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    try:
        raw_at, _sep, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        at = datetime.fromisoformat(raw_at)
        return (at, UUID(raw_id)) if at.tzinfo is not None else None
    except (ValueError, binascii.Error):
        return None
