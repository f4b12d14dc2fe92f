"""Pages of the team: its share links, making one with the owner's screen beside it, looking at one, taking it back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from connect.access import get_share_link, links_of
from connect.brands import brands_of
from connect.forms import ShareLinkForm
from connect.link_pages import code_context, count_recipients, link_context, link_rows, preview_context
from connect.looks import look_of
from connect.models import ShareLink
from connect.services import create_share_link, revoke_share_link
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

MAX_ROWS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def list_links(request: HttpRequest) -> HttpResponse:
    """The team's links; a POST makes one and shows it this once."""
    membership = get_current_membership(request, to=Permission.CONNECT)
    brands = brands_of(membership.team_id)
    if request.method != "POST":
        # What asks an owner to repair a connection stands with the connection.
        links = count_recipients(links_of(membership).filter(repairs__isnull=True))
        return render(request, "connect/links.html", {"links": link_rows(links[:MAX_ROWS], brands)})
    form = ShareLinkForm(request.POST, brands=brands, team=membership.team)
    if not form.is_valid():
        return _show_form(request, form, status=422)
    link, secret = _make(membership, form)
    # Shown in this very answer and not after a redirect: until then the secret would have to be kept somewhere.
    url = request.build_absolute_uri(reverse("connect:start", args=[secret]))
    return render(request, "connect/link.html", link_context(link, brands) | code_context(url))


def _make(membership: Membership, form: ShareLinkForm) -> tuple[ShareLink, str]:
    chosen = form.cleaned_data
    return create_share_link(
        team=membership.team,
        created_by=membership.user,
        label=chosen["label"],
        scopes_needed=chosen["scopes_needed"],
        scopes_optional=chosen["scopes_optional"],
        brands=chosen["brands"],
        vin=chosen["vin"],
        country=chosen["country"],
        language=chosen["language"],
        message=chosen["message"],
        consent_ends_at=chosen["consent_ends"],
        expires_at=form.expires_at(),
        max_uses=chosen["max_uses"],
    )


@require_safe
@login_required
@never_cache
def new_link(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.CONNECT)
    return _show_form(request, ShareLinkForm(brands=brands_of(membership.team_id), team=membership.team))


@require_POST
@login_required
@never_cache
def preview_link(request: HttpRequest) -> HttpResponse:
    """The owner's first screen as the form stands, right or wrong. Changes nothing."""
    membership = get_current_membership(request, to=Permission.CONNECT)
    form = ShareLinkForm(request.POST, brands=brands_of(membership.team_id), team=membership.team)
    if not request.htmx:  # type: ignore[attr-defined]
        return _show_form(request, form)
    context = preview_context(form)
    with override(context["preview_language"]) if context["preview_language"] else override(request.LANGUAGE_CODE):
        return render(request, "connect/_link_preview.html", context)


def _show_form(request: HttpRequest, form: ShareLinkForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "look": look_of(form.team), **preview_context(form)}
    return render(request, "connect/link_new.html", context, status=status)


@require_safe
@login_required
@never_cache
def show_link(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link, membership = get_share_link(request.user, link_id)
    return render_link(request, link, membership)


def render_link(
    request: HttpRequest, link: ShareLink, membership: Membership, *, status: int = 200, **more: object
) -> HttpResponse:
    """Answer with the page of one link; more: what an act on it has to say."""
    context = link_context(link, brands_of(membership.team_id), page=request.GET.get("page", "1")) | more
    return render(request, "connect/link.html", context, status=status)


@require_POST
@login_required
def revoke_link(request: HttpRequest, link_id: UUID) -> HttpResponse:
    link, membership = get_share_link(request.user, link_id)
    if revoke_share_link(link=link, actor=membership.user.actor):
        messages.success(request, _("The link “%(label)s” no longer works.") % {"label": link.label})
    return redirect("connect:links")
