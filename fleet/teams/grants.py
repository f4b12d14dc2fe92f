"""What can be given to a member: a role and the vehicles it is for. Nobody gives more than they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fleet.teams.models import CustomRole, Granted, Membership
from fleet.teams.roles import NOTHING, PRESETS, Rights, Role

MOST_VEHICLES = 500


class BeyondOwnRights(Exception):
    """Somebody tried to give, or to change, more than they have themselves."""

    code = "beyond_own_rights"


@dataclass(frozen=True)
class Grant:
    """A role, and for which of the team's vehicles. custom_role: with Role.CUSTOM, and only then.

    vehicle_ids, group_ids: which ones, where reaches_all is False; what is not of the team is reached by nobody.
    """

    role: Role
    custom_role: CustomRole | None = None
    reaches_all: bool = True
    vehicle_ids: Sequence[UUID] = ()
    group_ids: Sequence[UUID] = ()

    def __post_init__(self) -> None:
        if (self.role == Role.CUSTOM) != (self.custom_role is not None):
            raise ValueError("a custom role comes with its row, a preset without")
        if len(self.vehicle_ids) > MOST_VEHICLES:
            raise ValueError(f"at most {MOST_VEHICLES} single vehicles; make a group of them")

    @property
    def rights(self) -> Rights:
        return self.custom_role.rights if self.custom_role else PRESETS.get(self.role, NOTHING)

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns of fleet.teams.models.Granted."""
        return {
            "role": self.role,
            "custom_role": self.custom_role,
            "reaches_all": self.reaches_all,
            "vehicle_ids": [] if self.reaches_all else sorted(set(self.vehicle_ids)),
            "group_ids": [] if self.reaches_all else sorted(set(self.group_ids)),
        }

    def to_json(self) -> dict[str, Any]:
        """Return what the log keeps of it."""
        told: dict[str, Any] = {"role": self.role}
        if self.custom_role is not None:
            told |= {"custom_role": str(self.custom_role.id), "name": self.custom_role.name}
        if not self.reaches_all:
            told |= {"vehicles": len(set(self.vehicle_ids)), "groups": len(set(self.group_ids))}
        return told


def grant_of(row: Granted) -> Grant:
    """Return what a membership or an invitation holds, to be given to somebody else."""
    return Grant(Role(row.role), row.custom_role, row.reaches_all, tuple(row.vehicle_ids), tuple(row.group_ids))


def check_may_give(giver: Membership, grant: Grant) -> None:
    """Raise BeyondOwnRights when the grant holds a right or a vehicle that the giver has not."""
    if not giver.rights.covers(grant.rights):
        raise BeyondOwnRights
    if giver.reaches_all:
        return
    is_part = set(grant.vehicle_ids) <= set(giver.vehicle_ids) and set(grant.group_ids) <= set(giver.group_ids)
    if grant.reaches_all or not is_part:
        raise BeyondOwnRights
