"""Finding vehicles on behalf of somebody. What belongs to another team does not exist for them."""

from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from fleet.teams.access import get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission
from fleet.vehicles.models import Vehicle, VehicleLink


def get_vehicle(
    user: User | AnonymousUser, vehicle_id: UUID, *, to: Permission = Permission.VIEW
) -> tuple[Vehicle, Membership]:
    """Return a vehicle and the membership under which it is reached.

    Raises Http404 for a foreign or removed vehicle, PermissionDenied for too small a role.
    """
    vehicle = Vehicle.objects.select_related("team", "lane").filter(pk=vehicle_id, removed_at__isnull=True).first()
    if vehicle is None:
        raise Http404
    return vehicle, get_membership(user, vehicle.team_id, to=to)


def vehicles_of(membership: Membership) -> QuerySet[Vehicle]:
    """Return the vehicles that a membership may see, in the order of the list."""
    vehicles = Vehicle.objects.filter(team_id=membership.team_id, removed_at__isnull=True)
    return vehicles.order_by("plate", "name", "make", "model", "id")


def find_link(vehicle: Vehicle) -> VehicleLink | None:
    """Return the link through which a vehicle is reached now: a live one before an ended one, the newest first."""
    links = VehicleLink.objects.filter(vehicle=vehicle).select_related("connection__account__app", "connection__owner")
    ordered = sorted(links, key=lambda link: (link.is_live, link.created_at), reverse=True)
    return ordered[0] if ordered else None
