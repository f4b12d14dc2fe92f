"""Pages for somebody who was invited, with or without an account. The secret leaves the address at the first step."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.members.access import find_invitation, note_miss
from fleet.members.joining import CannotJoin, accept, find_by_hash, find_obstacle
from fleet.members.words import OUT
from fleet.teams.access import SESSION_KEY
from fleet.teams.joining import JOINING_KEY
from fleet.teams.models import Invitation, User


@require_safe
@never_cache
def open_invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Remember in this browser's session which invitation it holds, and go on at an address without the secret."""
    invitation = find_invitation(secret)
    if invitation is None:
        is_calm = note_miss(request.META.get("REMOTE_ADDR", ""))
        return _show_way_out(request, "unknown" if is_calm else "too_many_tries")
    # The hash, so that a letter that was sent again closes this way too.
    request.session[JOINING_KEY] = {"hash": bytes(invitation.secret_hash).hex(), "email": invitation.email}
    return redirect("members:join")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest) -> HttpResponse:
    """Show who invites to what; accept it when the person who is signed in says so."""
    invitation = _invitation_of(request)
    if invitation is None:
        return _show_way_out(request, "unknown")
    user = request.user if isinstance(request.user, User) else None
    if request.method != "POST" or user is None:
        return _show(request, invitation, find_obstacle(invitation, user))
    try:
        membership = accept(invitation=invitation, user=user)
    except CannotJoin as refused:
        return _show(request, invitation, refused.code)
    del request.session[JOINING_KEY]
    request.session[SESSION_KEY] = str(membership.team_id)
    messages.success(request, _("You are now in %(team)s.") % {"team": invitation.team.name})
    return redirect("vehicles:list")


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Sign out and go to the sign-in with the invitation still in hand."""
    held = request.session.get(JOINING_KEY)
    logout(request)
    if held:
        request.session[JOINING_KEY] = held
    return redirect(f"{reverse('account_login')}?{urlencode({'next': reverse('members:join')})}")


def _invitation_of(request: HttpRequest) -> Invitation | None:
    held = request.session.get(JOINING_KEY)
    return find_by_hash(bytes.fromhex(held["hash"])) if isinstance(held, dict) else None


def _show(request: HttpRequest, invitation: Invitation, obstacle: str) -> HttpResponse:
    if obstacle in OUT:
        by_oneself = obstacle == "used" and _is_member(request, invitation)
        return _show_way_out(request, obstacle, leads_in=by_oneself or obstacle == "member_already")
    next_query = urlencode({"next": reverse("members:join")})
    context = {
        "invitation": invitation,
        "is_for_another": obstacle == "other_person",
        "sign_in_url": f"{reverse('account_login')}?{next_query}",
        "sign_up_url": f"{reverse('account_signup')}?{next_query}",
    }
    return render(request, "members/join.html", context, status=403 if context["is_for_another"] else 200)


def _is_member(request: HttpRequest, invitation: Invitation) -> bool:
    accepted = invitation.accepted_by
    return accepted is not None and accepted.user_id == getattr(request.user, "id", None)


def _show_way_out(request: HttpRequest, code: str, *, leads_in: bool = False) -> HttpResponse:
    way_out = OUT[code]
    context: dict[str, Any] = {"out": way_out, "leads_in": leads_in}
    return render(request, "members/out.html", context, status=way_out.status)


@require_safe
@never_cache
def show_no_team(request: HttpRequest) -> HttpResponse:
    """Where somebody is led who is in no team: a page that was open when they were removed ends here."""
    if not isinstance(request.user, User):
        return redirect("account_login")
    return render(request, "members/no_team.html", {})
