"""What happened to one's own account, which belongs to no team: signing in and out, factors, password, address."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from fleet.audit.access import own_events_of
from fleet.audit.entries import page_of


@require_GET
@login_required
@never_cache
def list_own_events(request: HttpRequest) -> HttpResponse:
    """Show what happened to the account of whoever asks, newest first."""
    events = own_events_of(request.user)  # type: ignore[arg-type]
    entries, next_cursor = page_of(events, request.GET.get("cursor", ""), team_id=None)
    return render(request, "audit/account.html", {"entries": entries, "next_cursor": next_cursor})
