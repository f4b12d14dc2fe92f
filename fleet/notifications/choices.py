"""What a person chose to be told of, how, and when not by letter."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from fleet.notifications.kinds import KINDS
from fleet.notifications.models import Preferences
from fleet.teams.hours import EVERY_DAY, is_within
from fleet.teams.models import Membership
from fleet.teams.zones import find_zone

UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Choices:
    """How one person is told."""

    chosen: dict[str, list[bool]] = field(default_factory=dict)
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: ZoneInfo = UTC

    def bell(self, kind: str) -> bool:
        """Say whether the bell tells of this kind; of what makes the account unsafe it always does."""
        return KINDS[kind].is_sure or self._chosen(kind)[0]

    def letter(self, kind: str) -> bool:
        """Say whether we write a letter about this kind."""
        told = KINDS[kind]
        return not told.letter_elsewhere and (told.is_sure or self._chosen(kind)[1])

    def is_quiet(self, at: datetime) -> bool:
        """Say whether letters wait at a moment, by the clock on the person's wall."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        return is_within(EVERY_DAY, self.quiet_from, self.quiet_until, at.astimezone(self.zone))

    def _chosen(self, kind: str) -> tuple[bool, bool]:
        bell, letter = self.chosen.get(kind, (KINDS[kind].bell, KINDS[kind].letter))
        return bool(bell), bool(letter)


def choices_of(user_ids: Collection[UUID]) -> dict[UUID, Choices]:
    """Return how each of some people is told, in two queries."""
    rows = {row.user_id: row for row in Preferences.objects.filter(user_id__in=user_ids)}
    zones = _zones_of_teams([user_id for user_id, row in rows.items() if row.quiet_from and not row.time_zone])
    return {user_id: _choices(rows.get(user_id), zones.get(user_id, "")) for user_id in user_ids}


def _choices(row: Preferences | None, zone_of_team: str) -> Choices:
    if row is None:
        return Choices()
    zone = find_zone(row.time_zone, zone_of_team, settings.TIME_ZONE)
    return Choices(dict(row.choices), row.quiet_from, row.quiet_until, zone)


def _zones_of_teams(user_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the zone of each person's first team."""
    rows = Membership.objects.filter(user_id__in=user_ids, ended_at__isnull=True).order_by("user_id", "created_at")
    found = rows.distinct("user_id").values_list("user_id", "team__time_zone") if user_ids else []
    return dict(found)
