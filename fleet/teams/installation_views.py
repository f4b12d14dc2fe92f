"""The page of the installation: who may sign up, who looks after it, and which teams there are."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fleet.teams import stepup
from fleet.teams.installation import (
    LastAdministrator,
    NoSuchPerson,
    end_administrator,
    make_administrator,
    set_sign_up,
    sign_up_policy,
)
from fleet.teams.models import Installation, Team, User

SHOWN_TEAMS = 50


class SignUpForm(forms.Form):
    """Who may make an account."""

    sign_up = forms.ChoiceField(
        label=gettext_lazy("Who may make an account"), choices=Installation.SignUp.choices, widget=forms.RadioSelect
    )


class AdministratorForm(forms.Form):
    """Somebody who has an account already."""

    email = forms.EmailField(label=gettext_lazy("E-mail address of somebody with an account"), max_length=254)


def for_administrators(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let administrators in who confirmed lately that it is them. For others there is no such page."""

    @login_required
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not isinstance(request.user, User) or not request.user.is_administrator:
            raise Http404
        if not stepup.is_recent(request):
            query = urlencode({"next": reverse("installation:home")})
            return redirect(f"{reverse('account_reauthenticate')}?{query}")
        return view(request, request.user, **kwargs)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@for_administrators
def show_installation(request: HttpRequest, administrator: User) -> HttpResponse:
    """Show the installation; save who may sign up."""
    form = SignUpForm(request.POST or None, initial={"sign_up": sign_up_policy()})
    if request.method == "POST" and form.is_valid():
        set_sign_up(policy=Installation.SignUp(form.cleaned_data["sign_up"]), actor=administrator.actor)
        messages.success(request, _("Saved."))
        return redirect("installation:home")
    return _page(request, form=form, status=422 if form.errors else 200)


@require_POST
@for_administrators
def add_administrator(request: HttpRequest, administrator: User) -> HttpResponse:
    """Make somebody an administrator."""
    form = AdministratorForm(request.POST)
    if form.is_valid():
        try:
            added = make_administrator(email=form.cleaned_data["email"], actor=administrator.actor)
        except NoSuchPerson:
            form.add_error("email", _("Nobody has an account with this address. Invite them to a team first."))
        else:
            messages.success(request, _("%(person)s looks after this installation too.") % {"person": added})
            return redirect("installation:home")
    return _page(request, added=form, status=422)


@require_POST
@for_administrators
def remove_administrator(request: HttpRequest, administrator: User, user_id: UUID) -> HttpResponse:
    """Take the post from an administrator, or give it up."""
    user = User.objects.filter(pk=user_id, is_administrator=True).first()
    if user is None:
        raise Http404
    try:
        end_administrator(user=user, actor=administrator.actor)
    except LastAdministrator:
        return _page(request, is_last=True, status=409)
    return redirect("vehicles:list" if user == administrator else "installation:home")


def _page(
    request: HttpRequest,
    *,
    form: SignUpForm | None = None,
    added: AdministratorForm | None = None,
    is_last: bool = False,
    status: int = 200,
) -> HttpResponse:
    members = Count("membership", filter=Q(membership__ended_at__isnull=True))
    context = {
        "form": form or SignUpForm(initial={"sign_up": sign_up_policy()}),
        "added": added or AdministratorForm(),
        "is_last": is_last,
        "administrators": User.objects.filter(is_administrator=True).order_by("created_at"),
        "teams": Team.objects.annotate(members=members).order_by("-created_at")[:SHOWN_TEAMS],
        "team_count": Team.objects.count(),
        "people_count": User.objects.filter(is_active=True).count(),
    }
    return render(request, "teams/installation.html", context, status=status)
