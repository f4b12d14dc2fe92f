"""Pages of a team's members: the list, one member, changing what they may, removing them."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from fleet.members.access import get_member, invitations_of, members_of
from fleet.members.asking import get_asker, keeping_refusals, notes_attempts
from fleet.members.forms import GrantForm
from fleet.members.pages import count_seats, invitation_rows, member_rows, reach_words
from fleet.members.services import NotAMember, change_member, remove
from fleet.members.words import REFUSALS
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import Membership
from fleet.teams.services import LastOwner

PAGE_SIZE = 25
INVITATIONS_A_PAGE = 20
QUERY_MAX_LENGTH = 100
STATUS = {"beyond_own_rights": 403, "last_owner": 409, "not_a_member": 409}


@require_safe
@login_required
@never_cache
def list_members(request: HttpRequest) -> HttpResponse:
    return render_list(request, get_asker(request))


def render_list(request: HttpRequest, membership: Membership, *, new_url: str = "") -> HttpResponse:
    """Render the list; new_url: the address of an invitation just made, shown this once."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:QUERY_MAX_LENGTH]
    page = Paginator(members_of(membership, text=text), PAGE_SIZE).get_page(request.GET.get("page"))
    invited = Paginator(invitations_of(membership), INVITATIONS_A_PAGE).get_page(request.GET.get("invited"))
    context = {
        "rows": member_rows(page.object_list, membership),
        "page": page,
        "count": page.paginator.count,
        "text": text,
        "seats": count_seats(membership),
        "invitations": invitation_rows(invited.object_list),
        "invited": invited,
        "new_url": new_url,
    }
    return render(request, "members/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@notes_attempts("change")
def edit_member(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Show a member and what they may; change it when it is sent."""
    target, asker = get_member(request.user, membership_id)  # type: ignore[arg-type]
    if request.method != "POST":
        return _show_member(request, asker, target, GrantForm(membership=asker, like=target))
    form = GrantForm(request.POST, membership=asker)
    if not form.is_valid():
        return _show_member(request, asker, target, form, status=422)
    try:
        with keeping_refusals(asker, "change", form.cleaned_data["role"]):
            change_member(membership=asker, target=target, grant=form.grant())
    except (BeyondOwnRights, LastOwner, NotAMember) as refused:
        form.add_error(None, REFUSALS[refused.code])
        return _show_member(request, asker, target, form, status=STATUS[refused.code])
    messages.success(request, _("Saved. It holds from now on, also for pages that are open."))
    return redirect("members:member", target.id)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def remove_member(request: HttpRequest, membership_id: UUID) -> HttpResponse:
    """Ask whether to remove a member, and do it."""
    target, asker = get_member(request.user, membership_id)  # type: ignore[arg-type]
    context = {"target": target, "is_oneself": target.user_id == asker.user_id}
    if request.method != "POST":
        return render(request, "members/remove.html", context)
    try:
        with keeping_refusals(asker, "remove", target.role):
            remove(membership=asker, target=target)
    except (BeyondOwnRights, LastOwner, NotAMember) as refused:
        context["refusal"] = REFUSALS[refused.code]
        return render(request, "members/remove.html", context, status=STATUS[refused.code])
    if context["is_oneself"]:
        return redirect("vehicles:list")
    messages.success(request, _("%(person)s is no longer in the team.") % {"person": target.user})
    return redirect("members:list")


def _show_member(
    request: HttpRequest, asker: Membership, target: Membership, form: GrantForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "target": target,
        "form": form,
        "reach": reach_words(target),
        "is_oneself": target.user_id == asker.user_id,
    }
    return render(request, "members/member.html", context, status=status)
