"""The team's page of addresses outside to which its links may send owners back."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from connect.access import get_return_address
from connect.models import ReturnAddress
from connect.return_forms import ReturnAddressForm
from connect.returns import MOST_ADDRESSES, TooManyAddresses, allow_address, forbid_address
from fleet.teams.access import get_current_membership
from fleet.teams.roles import Permission


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def list_returns(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.CONNECT)
    form = ReturnAddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            allow_address(team=membership.team, url=form.cleaned_data["url"], user=membership.user)
        except TooManyAddresses:
            form.add_error(
                "url", _("A team can have %(count)s addresses. Remove one first.") % {"count": MOST_ADDRESSES}
            )
        else:
            return redirect("connect:returns")
    addresses = ReturnAddress.objects.filter(team_id=membership.team_id).order_by("url")
    context = {"addresses": addresses, "form": form}
    return render(request, "connect/returns.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def forget_return(request: HttpRequest, return_id: UUID) -> HttpResponse:
    address, membership = get_return_address(request.user, return_id)
    forbid_address(address=address, user=membership.user)
    messages.success(request, _("Owners are not sent back there any more."))
    return redirect("connect:returns")
