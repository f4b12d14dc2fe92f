"""Pages of teams: settings, another team, and choosing in which of several one works."""

from dataclasses import asdict
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from fleet.teams.access import SESSION_KEY, all_memberships_of, get_current_membership
from fleet.teams.models import User
from fleet.teams.roles import Permission
from fleet.teams.services import create_team
from fleet.teams.settings import NoSecondFactor, change_team, settings_of
from fleet.teams.team_forms import NewTeamForm, SettingsForm

MOST_TEAMS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def edit_settings(request: HttpRequest) -> HttpResponse:
    membership = get_current_membership(request, to=Permission.TEAM)
    if request.method != "POST":
        form = SettingsForm(team=membership.team, initial=asdict(settings_of(membership.team)))
        return render(request, "teams/settings.html", {"form": form})
    form = SettingsForm(request.POST, team=membership.team)
    if form.is_valid():
        try:
            change_team(membership=membership, wanted=form.wanted)
        except NoSecondFactor:
            problem = _("Set up a second factor of your own first, under “Your account”; else you would be locked out.")
            form.add_error("requires_second_factor", problem)
        else:
            messages.success(request, _("Saved."))
            return redirect("teams:settings")
    return render(request, "teams/settings.html", {"form": form}, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def new_team(request: HttpRequest) -> HttpResponse:
    """Make another team, of which the person is the owner, and go on in it."""
    form = NewTeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        assert isinstance(request.user, User)  # noqa: S101 - signed in
        if len(all_memberships_of(request.user)) < MOST_TEAMS:
            membership = create_team(name=form.cleaned_data["name"], owner=request.user)
            request.session[SESSION_KEY] = str(membership.team_id)
            return redirect("vehicles:list")
        form.add_error("name", _("You are in %(number)s teams already. Leave one first.") % {"number": MOST_TEAMS})
    return render(request, "teams/new.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
@login_required
def choose_team(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """Work in another of the person's teams from now on, in this browser. A foreign team does not exist: 404."""
    if not any(membership.team_id == team_id for membership in all_memberships_of(request.user)):  # type: ignore[arg-type]
        raise Http404
    request.session[SESSION_KEY] = str(team_id)
    return redirect("vehicles:list")
