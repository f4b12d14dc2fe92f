"""The verbs of vehicle groups: make, rename and remove one, put cars in and take them out."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import F, QuerySet

from fleet.events.services import acting_as, record
from fleet.teams.models import Authority, Membership
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.models import GroupedVehicle, VehicleGroup

MOST_GROUPS = 500


class TooManyGroups(Exception):
    """A team has at most 500 groups."""

    code = "too_many_groups"


def groups_of(membership: Membership) -> QuerySet[VehicleGroup]:
    """Return the team's groups by name; those that the membership is for, where it is for some vehicles only."""
    groups = VehicleGroup.objects.filter(team_id=membership.team_id).order_by("name", "id")
    return groups if membership.reaches_all else groups.filter(id__in=membership.group_ids)


def save_group(
    *, membership: Membership, name: str, vehicle_ids: Collection[UUID], group: VehicleGroup | None = None
) -> VehicleGroup:
    """Make a group with exactly these of the member's vehicles, or change one; return it.

    A member who reaches a car through the group alone loses it at once when it is taken out: whatever of theirs is not
    yet permitted will not be sent. Raises TooManyGroups. A name that the team has raises IntegrityError.
    """
    with acting_as(membership.user.actor):
        if group is None:
            if VehicleGroup.objects.filter(team_id=membership.team_id).count() >= MOST_GROUPS:
                raise TooManyGroups
            group = VehicleGroup.objects.create(team_id=membership.team_id, name=name)
        else:
            group = VehicleGroup.objects.select_for_update().get(pk=group.pk, team_id=membership.team_id)
            group.name = name
            group.save(update_fields=["name"])
        wanted = set(vehicles_of(membership).filter(id__in=vehicle_ids).values_list("id", flat=True))
        had = set(GroupedVehicle.objects.filter(group=group).values_list("vehicle_id", flat=True))
        rows = [GroupedVehicle(team_id=group.team_id, group=group, vehicle_id=new) for new in wanted - had]
        GroupedVehicle.objects.bulk_create(rows)
        if had - wanted:
            GroupedVehicle.objects.filter(group=group, vehicle_id__in=had - wanted).delete()
            _change_rights_of_members(group)
        data = {"name": name, "vehicles": len(wanted)}
        _tell("group.saved", group, membership, data)
    return group


def remove_group(*, membership: Membership, group: VehicleGroup) -> None:
    """Remove a group; its cars stay. Who reached them through it reaches them no longer."""
    with acting_as(membership.user.actor):
        _change_rights_of_members(group)
        _tell("group.removed", group, membership, {"name": group.name})
        group.delete()


def _change_rights_of_members(group: VehicleGroup) -> None:
    limited = Membership.objects.filter(team_id=group.team_id, group_ids__contains=[group.id])
    Authority.objects.filter(id__in=limited.values("authority_id")).update(version=F("version") + 1)


def _tell(kind: str, group: VehicleGroup, membership: Membership, data: dict[str, object]) -> None:
    record(kind, actor=membership.user.actor, team_id=group.team_id, subject=f"group:{group.id}", data=data)
