"""Finding what a person may be told now: rights and reach are asked again each time, in the query itself."""

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.http import Http404

from fleet.notifications.models import Notice, Told
from fleet.teams.access import all_memberships_of, memberships_of
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.teams.second_factor import has_second_factor
from fleet.vehicles.models import GroupedVehicle

# More than this is shown as "99+": the count stands on every page and must stay cheap.
COUNTED = 100

Row = TypeVar("Row", bound=Told)


def get_notice(user: User | AnonymousUser, notice_id: UUID) -> Notice:
    """Return one's own notice. Raises Http404 for another person's, and for one that they may not read any more."""
    notice = notices_of(user).filter(pk=notice_id).first() if isinstance(user, User) else None
    if notice is None:
        raise Http404
    return notice


def notices_of(user: User) -> QuerySet[Notice]:
    """Return what a person is told and may still read, the newest first."""
    return readable(Notice.objects.filter(user=user), memberships_of(user)).order_by("-at", "-id")


def count_unread(user: User) -> int:
    """Return how many notices are unread, counted up to COUNTED."""
    return notices_of(user).filter(read_at__isnull=True).order_by()[:COUNTED].count()


def readable(rows: QuerySet[Row], memberships: Collection[Membership]) -> QuerySet[Row]:
    """Return those of a person's rows that are about their account, or that a membership still lets them read.

    Whoever was removed, or whose role or vehicles became fewer, is told nothing of what was theirs.
    """
    allowed = Q(team__isnull=True)
    for membership in memberships:
        allowed |= Q(team_id=membership.team_id, needs__in=["", *membership.rights.permissions]) & _reached(membership)
    return rows.filter(allowed)


def memberships_for_letters(user: User) -> list[Membership]:
    """Return the memberships of which a letter may speak: not of a team that stays closed without a second factor.

    A letter can't be asked for one; who has set one up could read the same on the pages.
    """
    found = all_memberships_of(user)
    if has_second_factor(user):
        return found
    only_seen = {Permission.VIEW}
    return [one for one in found if not one.team.requires_second_factor or one.rights.permissions <= only_seen]


def _reached(membership: Membership) -> Q:
    if membership.reaches_all:
        return Q()
    reached = Q(vehicle_ids=[]) | Q(vehicle_ids__overlap=membership.vehicle_ids)
    if membership.group_ids:
        grouped = GroupedVehicle.objects.filter(team_id=membership.team_id, group_id__in=membership.group_ids)
        reached |= Q(vehicle_ids__overlap=ArraySubquery(grouped.values("vehicle_id")))
    return reached
