"""Pages of the audit trail: the list with its filters, and the file."""

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from fleet.audit.access import events_of
from fleet.audit.entries import page_of
from fleet.audit.export import FORMATS
from fleet.audit.filters import AuditFilter
from fleet.events.services import record
from fleet.files import stream_file
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission


@require_GET
@login_required
@never_cache
def list_events(request: HttpRequest) -> HttpResponse:
    """Show the team's trail, newest first. 422 with the error at its field for a filter that makes no sense."""
    membership = get_current_membership(request, to=Permission.AUDIT)
    form = AuditFilter(request.GET, membership=membership)
    is_valid = form.is_valid()
    events = form.narrow(events_of(membership)) if is_valid else events_of(membership).none()
    entries, next_cursor = page_of(events, request.GET.get("cursor", ""), team_id=membership.team_id)
    context = {
        "form": form,
        "entries": entries,
        "next_cursor": next_cursor,
        "is_narrowed": is_valid and bool(form.told()),
    }
    return render(request, "audit/list.html", context, status=200 if is_valid else 422)


@require_POST
@login_required
@never_cache
def export(request: HttpRequest) -> HttpResponseBase:
    """Send what the filters leave as a file; that it was taken stands in the log before the first line is sent."""
    membership = get_current_membership(request, to=Permission.AUDIT)
    form = AuditFilter(request.POST, membership=membership)
    format_ = request.POST.get("format", "")
    if not form.is_valid() or format_ not in FORMATS:
        form.add_error(None, _("Choose CSV or JSON, and filters that make sense."))
        return render(request, "audit/list.html", {"form": form, "entries": []}, status=422)
    _record_export(membership, format_, form)
    content_type, lines = FORMATS[format_]
    events = form.narrow(events_of(membership))
    name = f"audit-{timezone.localtime(timezone=membership.team.zone):%Y-%m-%d}.{format_}"
    return stream_file(request, lines(events, team_id=membership.team_id), name=name, content_type=content_type)


def _record_export(membership: Membership, format_: str, form: AuditFilter) -> None:
    data = {"format": format_, **form.told()}
    with transaction.atomic():
        record("audit.exported", actor=membership.user.actor, team_id=membership.team_id, data=data)
