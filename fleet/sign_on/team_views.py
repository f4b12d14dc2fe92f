"""The page on which a team opens itself to the people of a domain."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fleet.members.asking import get_asker, keeping_refusals, notes_attempts
from fleet.members.words import REFUSALS as MEMBER_REFUSALS
from fleet.sign_on.access import get_domain
from fleet.sign_on.domains import NotOpened, close_team, open_team
from fleet.sign_on.forms import DomainForm
from fleet.sign_on.pages import domain_rows
from fleet.sign_on.words import REFUSALS
from fleet.teams import stepup
from fleet.teams.grants import BeyondOwnRights
from fleet.teams.models import Membership


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
@notes_attempts("sign_on")
def list_domains(request: HttpRequest) -> HttpResponse:
    """Show to which domains the team is open; open it to one more."""
    asker = get_asker(request)
    if request.method != "POST":
        return _show(request, asker, DomainForm(membership=asker), stepup.ask(request))
    form = DomainForm(request.POST, membership=asker)
    if not form.is_valid():
        return _show(request, asker, form, stepup.ask(request), status=422)
    if unconfirmed := stepup.check(request):
        return _show(request, asker, form, unconfirmed, status=unconfirmed.status)
    try:
        with keeping_refusals(asker, "sign_on", form.cleaned_data["role"]):
            row = open_team(membership=asker, domain=form.cleaned_data["domain"], grant=form.grant())
    except BeyondOwnRights as refused:
        form.add_error("role", MEMBER_REFUSALS[refused.code])
        return _show(request, asker, form, None, status=403)
    except NotOpened as refused:
        form.add_error("domain", REFUSALS[refused.code])
        return _show(request, asker, form, None, status=422)
    messages.success(request, _("People of %(domain)s join at their next sign-in.") % {"domain": row.domain})
    return redirect("sign_on:domains")


@require_POST
@login_required
@never_cache
def close_domain(request: HttpRequest, domain_id: UUID) -> HttpResponse:
    """Let nobody join by a domain any more."""
    row, asker = get_domain(request.user, domain_id)  # type: ignore[arg-type]
    if not stepup.is_recent(request):
        back = urlencode({"next": reverse("sign_on:domains")})
        return redirect(f"{reverse('account_reauthenticate')}?{back}")
    if close_team(membership=asker, domain_id=row.id):
        messages.success(request, _("Nobody joins by %(domain)s any more. Who joined stays.") % {"domain": row.domain})
    return redirect("sign_on:domains")


def _show(
    request: HttpRequest,
    asker: Membership,
    form: DomainForm,
    unconfirmed: stepup.ConfirmForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "confirm": unconfirmed, "rows": domain_rows(asker)}
    return render(request, "sign_on/domains.html", context, status=status)
