"""Finding teams and memberships on behalf of somebody. What they do not belong to does not exist for them.

A team that demands a second factor is closed to whoever did not give one: see fleet.teams.second_factor.
"""

from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from fleet.events.scoped import ScopedQuerySet
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.teams.second_factor import SecondFactorRequired, is_locked

SESSION_KEY = "team"
Row = TypeVar("Row", bound=Model)


def memberships_of(user: User | AnonymousUser) -> list[Membership]:
    """Return the memberships a person has, oldest first, without those that wait for their second factor."""
    if not isinstance(user, User):
        return []
    return [membership for membership in all_memberships_of(user) if not is_locked(membership, user)]


def all_memberships_of(user: User | AnonymousUser) -> list[Membership]:
    """Return them with those that wait for a second factor: to name the team, never to show or do anything of it.

    Asked once per request, since `user` is made anew for each.
    """
    if not isinstance(user, User):
        return []
    if user.loaded_memberships is None:  # kept for the life of this object: one request
        live = with_rights().across_teams().filter(user=user, ended_at__isnull=True, user__is_active=True)
        user.loaded_memberships = list(live.order_by("created_at"))
    return user.loaded_memberships


def with_rights() -> ScopedQuerySet[Membership]:
    """Return memberships, ended ones too, with all that tells what they may: no further query asks for it."""
    return Membership.objects.select_related("team", "authority", "user", "custom_role")


def get_membership(user: User | AnonymousUser, team_id: UUID, *, to: Permission) -> Membership:
    """Return the person's membership of a team. Raises Http404 for a stranger, PermissionDenied for a small role.

    Raises SecondFactorRequired where the team demands one that was not given; that leads there by itself.
    """
    for membership in all_memberships_of(user):
        if membership.team_id == team_id:
            return _opened(membership, user, to)
    raise Http404


def get_in_teams(
    rows: QuerySet[Row], user: User | AnonymousUser, key: UUID, *, to: Permission
) -> tuple[Row, Membership]:
    """Return the row with this id in one of the person's teams, and the membership under which it is reached.

    rows: of a model with a team. Raises Http404 for what is foreign or absent, else as get_membership.
    """
    found: Any = rows.filter(pk=key, team_id__in=[one.team_id for one in all_memberships_of(user)]).first()
    if found is None:
        raise Http404
    return found, get_membership(user, found.team_id, to=to)


def get_current_membership(request: HttpRequest, *, to: Permission) -> Membership:
    """Return the membership in which this browser session works: the chosen team, else the person's first.

    Raises Http404 for a person without a team, PermissionDenied for too small a role, SecondFactorRequired.
    """
    membership = _chosen_membership(request)
    if membership is None:
        raise Http404
    return _opened(membership, request.user, to)  # type: ignore[arg-type]


def current_membership(request: HttpRequest) -> Membership | None:
    """Return the membership in which this browser session works; None without one, or while it is locked."""
    membership = _chosen_membership(request)
    return None if membership is None or is_locked(membership, request.user) else membership  # type: ignore[arg-type]


def _opened(membership: Membership, user: User | AnonymousUser, to: Permission) -> Membership:
    if is_locked(membership, user):  # type: ignore[arg-type]
        raise SecondFactorRequired
    if not membership.may(to):
        raise PermissionDenied
    return membership


def _chosen_membership(request: HttpRequest) -> Membership | None:
    memberships = all_memberships_of(request.user)  # type: ignore[arg-type]
    chosen = request.session.get(SESSION_KEY)
    return next((m for m in memberships if str(m.team_id) == chosen), memberships[0] if memberships else None)
