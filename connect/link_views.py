"""Pages of the team: its share links, making one, taking one back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connect.access import get_share_link, links_of
from connect.brands import brands_of
from connect.forms import ShareLinkForm
from connect.link_pages import link_rows
from connect.services import create_share_link, revoke_share_link
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

MAX_ROWS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def list_links(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.CONNECT)
    brands = brands_of(membership.team_id)
    if request.method != "POST":
        return _show_links(request, membership, ShareLinkForm(brands=brands))
    form = ShareLinkForm(request.POST, brands=brands)
    if not form.is_valid():
        return _show_links(request, membership, form, status=422)
    _link, secret = create_share_link(
        team=membership.team,
        created_by=membership.user,
        label=form.cleaned_data["label"],
        scopes_needed=form.cleaned_data["scopes_needed"],
        scopes_optional=form.cleaned_data["scopes_optional"],
        brands=form.cleaned_data["brands"],
        expires_at=form.expires_at(),
        max_uses=form.cleaned_data["max_uses"],
    )
    # Shown in this very answer and not after a redirect: until then the secret would have to be kept somewhere.
    url = request.build_absolute_uri(reverse("connect:start", args=[secret]))
    return _show_links(request, membership, ShareLinkForm(brands=brands), new_url=url)


@require_POST
@login_required
def revoke_link(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link, membership = get_share_link(request.user, link_id)
    if revoke_share_link(link=link, actor=membership.user.actor):
        messages.success(request, _("The link “%(label)s” no longer works.") % {"label": link.label})
    return redirect("connect:links")


def _show_links(
    request: HttpRequest, membership: Membership, form: ShareLinkForm, *, new_url: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "links": link_rows(links_of(membership)[:MAX_ROWS], brands_of(membership.team_id)),
        "form": form,
        "new_url": new_url,
    }
    return render(request, "connect/links.html", context, status=status)
