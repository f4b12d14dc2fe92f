"""Finding vehicles on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404

from fleet.teams.access import get_in_teams
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.models import GroupedVehicle, Vehicle, VehicleLink


def get_vehicle(
    user: User | AnonymousUser, vehicle_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Vehicle, Membership]:
    """Return a vehicle and the membership under which it is reached.

    Raises Http404 for a vehicle that is foreign, removed or beyond their reach, PermissionDenied for too small a role.
    """
    vehicles = Vehicle.objects.select_related("team", "lane").filter(removed_at__isnull=True)
    vehicle, membership = get_in_teams(vehicles, user, vehicle_id, to=to)
    if not may_reach(membership, vehicle_id):
        raise Http404
    return vehicle, membership


def vehicles_of(membership: Membership) -> QuerySet[Vehicle]:
    """Return the vehicles that a membership may see, in the order of the list."""
    vehicles = Vehicle.objects.filter(reach_of(membership, "id"), team_id=membership.team_id, removed_at__isnull=True)
    return vehicles.order_by("plate", "name", "make", "model", "id")


def reach_of(membership: Membership, field: str) -> Q:
    """Return the condition that a column with a vehicle's id names one that the membership reaches."""
    if membership.reaches_all:
        return Q()
    reached = Q(**{f"{field}__in": membership.vehicle_ids})
    if membership.group_ids:
        grouped = GroupedVehicle.objects.filter(team_id=membership.team_id, group_id__in=membership.group_ids)
        reached |= Q(**{f"{field}__in": grouped.values("vehicle_id")})
    return reached


def may_reach(membership: Membership, vehicle_id: UUID) -> bool:
    """Say whether a vehicle of the team is one of those that the membership is for."""
    if membership.reaches_all or vehicle_id in membership.vehicle_ids:
        return True
    grouped = GroupedVehicle.objects.filter(team_id=membership.team_id, group_id__in=membership.group_ids)
    return bool(membership.group_ids) and grouped.filter(vehicle_id=vehicle_id).exists()


def find_link(vehicle: Vehicle) -> VehicleLink | None:
    """Return the link through which a vehicle is reached now: a live one before an ended one, the newest first."""
    links = VehicleLink.objects.filter(vehicle=vehicle).select_related("connection__account__app", "connection__owner")
    ordered = sorted(links, key=lambda link: (link.is_live, link.created_at), reverse=True)
    return ordered[0] if ordered else None
