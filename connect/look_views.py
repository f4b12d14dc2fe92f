"""Pages of a team's look: the form for those who may, the logo and the style sheet for everybody."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods, require_safe

from connect.look_forms import LookForm
from connect.looks import find_look, look_of, save_look, style_of
from connect.models import ShareLink, TeamLook
from connect.start_page import start_context
from fleet.teams.access import get_current_membership
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

FOR_EVER_S = 365 * 24 * 3600
# What the preview of a look asks for.
SAMPLE = ["read_vin", "read_battery", "control_charge"]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_look(request: HttpRequest) -> HttpResponse:
    """The team's logo and colour, with the owner's first screen beside them."""
    membership = get_current_membership(request, to=Permission.CONNECT)
    if request.method != "POST":
        look = TeamLook.objects.filter(team_id=membership.team_id).defer("logo").first()
        return _show(request, membership, LookForm(initial={"colour": look.colour if look else ""}))
    form = LookForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, membership, form, status=422)
    cleaned = form.cleaned_data
    keeps_logo = cleaned["logo"] is None and not cleaned["removes_logo"]
    save_look(membership=membership, colour=cleaned["colour"], logo=cleaned["logo"], keeps_logo=keeps_logo)
    messages.success(request, _("Saved. Owners see it from now on."))
    return redirect("connect:look")


def _show(request: HttpRequest, membership: Membership, form: LookForm, *, status: int = 200) -> HttpResponse:
    sample = ShareLink(team=membership.team, scopes_needed=SAMPLE, scopes_optional=["read_location"])
    context = {"form": form, "preview": start_context(sample), "look": look_of(membership.team)}
    return render(request, "connect/link_look.html", context, status=status)


@require_safe
@cache_control(public=True, max_age=FOR_EVER_S, immutable=True)
def logo(_request: HttpRequest, team_id: UUID, version: str) -> HttpResponse:
    """The logo as we drew it. Public, as the owner's first screen is."""
    look = find_look(team_id, version)
    if look is None or look.logo is None:
        raise Http404
    return HttpResponse(bytes(look.logo), content_type="image/png", headers={"X-Content-Type-Options": "nosniff"})


@require_safe
@cache_control(public=True, max_age=FOR_EVER_S, immutable=True)
def look_css(_request: HttpRequest, team_id: UUID, version: str) -> HttpResponse:
    """The colour as a style sheet: our policy allows no style in a page."""
    look = find_look(team_id, version)
    if look is None or not look.colour:
        raise Http404
    headers = {"X-Content-Type-Options": "nosniff"}
    return HttpResponse(style_of(look), content_type="text/css; charset=utf-8", headers=headers)
