"""Pages of invitations for those who invite: the form, sending again, taking back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fleet.members.access import get_invitation, invitations_of, members_of
from fleet.members.asking import get_asker, keeping_refusals, notes_attempts
from fleet.members.forms import InviteForm
from fleet.members.invitations import (
    InvitationOver,
    NotInvited,
    TooMany,
    invite,
    invite_by_link,
    resend,
    revoke,
)
from fleet.members.views import render_list
from fleet.members.words import PROBLEMS, REFUSALS
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import Granted, Membership

MOST_PROBLEMS_NAMED = 20


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@notes_attempts("invite")
def new_invitation(request: HttpRequest) -> HttpResponse:
    """Whom, as what, to which vehicles, send: four steps on one page."""
    asker = get_asker(request)
    if request.method != "POST":
        like = _find_like(asker, request.GET.get("like", ""))
        return _show(request, InviteForm(membership=asker, like=like))
    form = InviteForm(request.POST, membership=asker, files=request.FILES)
    if not form.is_valid():
        return _show(request, form, status=422)
    try:
        with keeping_refusals(asker, "invite", form.cleaned_data["role"]):
            return _invite(request, asker, form)
    except BeyondOwnRights as refused:
        form.add_error("role", REFUSALS[refused.code])
        return _show(request, form, status=403)
    except TooMany as refused:
        form.add_error("addresses", REFUSALS[refused.code])
    except NotInvited as refused:
        for problem in refused.problems[:MOST_PROBLEMS_NAMED]:
            words = {"n": problem.number, "text": problem.text, "problem": PROBLEMS[problem.code]}
            form.add_error("addresses", _("Entry %(n)s: %(text)s %(problem)s.") % words)
        if (more := len(refused.problems) - MOST_PROBLEMS_NAMED) > 0:
            form.add_error("addresses", ngettext("And %(n)s more.", "And %(n)s more.", more) % {"n": more})
    return _show(request, form, status=422)


def _invite(request: HttpRequest, asker: Membership, form: InviteForm) -> HttpResponse:
    grant, days = form.grant(), form.cleaned_data["days"]
    if form.cleaned_data["by"] == "link":
        _invitation, secret = invite_by_link(membership=asker, grant=grant, days=days)
        return _show_link(request, asker, secret)
    count = len(invite(membership=asker, rows=form.rows, grant=grant, days=days))
    sentence = ngettext("%(n)s invitation is on its way.", "%(n)s invitations are on their way.", count)
    messages.success(request, sentence % {"n": count})
    return redirect("members:list")


@require_POST
@login_required
@never_cache
def resend_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send an invitation again; of one without an address the new link is shown."""
    invitation, asker = get_invitation(request.user, invitation_id)  # type: ignore[arg-type]
    try:
        secret = resend(membership=asker, invitation=invitation)
    except (InvitationOver, TooMany) as refused:
        messages.error(request, REFUSALS[refused.code])
        return redirect("members:list")
    except BeyondOwnRights as refused:
        raise PermissionDenied from refused
    if secret:
        return _show_link(request, asker, secret)
    messages.success(request, _("It is on its way once more. The link in the older letter no longer works."))
    return redirect("members:list")


@require_POST
@login_required
def revoke_invitation(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    invitation, asker = get_invitation(request.user, invitation_id)  # type: ignore[arg-type]
    try:
        revoked = revoke(membership=asker, invitation=invitation)
    except BeyondOwnRights as refused:
        raise PermissionDenied from refused
    if revoked:
        messages.success(request, _("The invitation was taken back; its link no longer works."))
    else:
        messages.error(request, REFUSALS[InvitationOver.code])
    return redirect("members:list")


def _find_like(asker: Membership, raw: str) -> Granted | None:
    """Return the member or the open invitation whose rights the next one shall have, if it is the team's."""
    try:
        wanted = UUID(raw)
    except ValueError:
        return None
    return members_of(asker).filter(pk=wanted).first() or invitations_of(asker).filter(pk=wanted).first()


def _show(request: HttpRequest, form: InviteForm, *, status: int = 200) -> HttpResponse:
    return render(request, "members/invite.html", {"form": form}, status=status)


def _show_link(request: HttpRequest, asker: Membership, secret: str) -> HttpResponse:
    # Shown in this very answer and not after a redirect: until then the secret would have to be kept somewhere.
    return render_list(request, asker, new_url=request.build_absolute_uri(reverse("members:open", args=[secret])))
