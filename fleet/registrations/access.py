"""Finding registrations on behalf of somebody: a team's for who may change the team, the installation's for its
administrators. To everybody else they do not exist.
"""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from fleet.teams.access import get_current_membership, get_membership
from fleet.teams.models import User
from fleet.teams.roles import Permission
from fleet.vehicles.models import ProviderApp


@dataclass(frozen=True)
class Keeper:
    """Who looks after registrations, and whose: a team's, or with team_id None those of the installation."""

    actor: str
    team_id: UUID | None


def keeper_of_team(request: HttpRequest) -> Keeper:
    """Return the keeper of the current team's registrations. Raises Http404, PermissionDenied, SecondFactorRequired."""
    membership = get_current_membership(request, to=Permission.TEAM)
    return Keeper(membership.user.actor, membership.team_id)


def keeper_of_installation(user: User | AnonymousUser) -> Keeper:
    """Return the keeper of the installation's registrations. Raises Http404 for who is no administrator."""
    if not isinstance(user, User) or not user.is_administrator:
        raise Http404
    return Keeper(user.actor, None)


def get_registration(user: User | AnonymousUser, registration_id: UUID) -> tuple[ProviderApp, Keeper]:
    """Return a registration, and its keeper. Raises Http404 for what is foreign or absent, else as get_membership."""
    app = ProviderApp.objects.filter(pk=registration_id).first()
    if app is None:
        raise Http404
    if app.team_id is None:
        return app, keeper_of_installation(user)
    membership = get_membership(user, app.team_id, to=Permission.TEAM)
    return app, Keeper(membership.user.actor, app.team_id)


def registrations_of(team_id: UUID | None) -> QuerySet[ProviderApp]:
    """Return the registrations of a team, or of the installation, without their secrets."""
    whose = Q(team=None) if team_id is None else Q(team_id=team_id)
    return ProviderApp.objects.filter(whose).defer("client_secret_sealed", "secrets_sealed").order_by("name")
