"""The team's rules as they are asked a second time, right before sending."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from commands.dispatch.kept import Kept
from commands.dispatch.makers import in_thread
from commands.dispatch.store import Job
from commands.rules.check import Rule, find_broken, load_rules
from fleet.adapters.signals import SIGNALS, VehicleSnapshot
from fleet.vehicles.models import Vehicle

# A new rule holds within a second also for what waits already.
RULES_LIFE_S = 0.5


class RuleBroken(Exception):
    """A rule of the team blocks the command now; nothing was sent. `reason` is the rule's word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Rulebook:
    """Keeps the rules of teams for half a second, so that ten thousand commands do not ask ten thousand times."""

    def __init__(self) -> None:
        self._kept: Kept[UUID, list[Rule]] = Kept(RULES_LIFE_S)

    async def rules_for(self, job: Job) -> list[Rule]:
        """Return the team's rules about this kind of command."""
        rules = await self._kept.get(job.team_id, lambda: _load(job.team_id))
        return [rule for rule in rules if rule.is_about(job.kind)]

    async def find_broken(self, rules: list[Rule], job: Job, snapshot: VehicleSnapshot) -> Rule | None:
        """Return the rule that blocks the command now, by what the car has just reported and its owner lets be read."""
        zone, guest_until = await in_thread(_place_of, job.vehicle_id)
        return find_broken(
            rules,
            kind=job.kind,
            readings=_readable(snapshot, job.scopes),
            at=datetime.now(UTC),
            time_zone=zone,
            guest_until=guest_until,
        )


async def _load(team_id: UUID) -> list[Rule]:
    return (await in_thread(load_rules, [team_id]))[team_id]


def _place_of(vehicle_id: UUID) -> tuple[str, datetime | None]:
    vehicle = Vehicle.objects.select_related("team").get(pk=vehicle_id)
    return vehicle.time_zone or vehicle.team.time_zone, vehicle.guest_until


def _readable(snapshot: VehicleSnapshot, scopes: list[str]) -> Mapping[str, tuple[Any, datetime]]:
    return {
        name: (reading.value, reading.observed_at)
        for name, reading in snapshot.readings.items()
        if SIGNALS[name].scope in scopes
    }
