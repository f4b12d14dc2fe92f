"""Whether a rule of the team blocks a command now: the pure judgement, and loading rules for many teams at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from commands.rules.models import CHECK_FIRST_S, TeamPolicy, TeamRule, WhenUnknown
from commands.rules.values import Facts, InvalidValues, Values, read_values


@dataclass(frozen=True)
class Rule:
    """One rule as it is judged and told. commands: kinds, empty means every command.

    values: None when what is stored makes no sense; then nobody knows, and blocks_unknown decides.
    is_unknown: set on a rule that blocks because what it asks for is not known, not because it is broken.
    """

    id: UUID
    kind: str
    commands: frozenset[str]
    values: Values | None
    blocks_unknown: bool
    is_unknown: bool = False

    def is_about(self, kind: str) -> bool:
        return not self.commands or kind in self.commands

    @property
    def reason(self) -> str:
        """Return in one word why it blocks: what a command that was stopped by it keeps; see commands.words."""
        return f"{self.kind}_unknown" if self.is_unknown else self.kind

    @property
    def signals(self) -> frozenset[str]:
        """Return the readings that the rule asks for."""
        return frozenset() if self.values is None else self.values.signals


def find_broken(
    rules: Sequence[Rule],
    *,
    kind: str,
    readings: Mapping[str, tuple[Any, datetime]],
    at: datetime,
    time_zone: str,
    guest_until: datetime | None,
    may_look: bool = False,
) -> Rule | None:
    """Return the rule that blocks a command on a car at a moment, or None. Asks nobody, keeps nothing.

    readings: signal -> (value, when the car observed it), only what the owner allows to be read. time_zone: the car's
    or its team's, an IANA name; empty is the installation's own. may_look: True at acceptance, when the car is looked
    at once more before sending: then a reading that is only too old does not block yet.
    What is surely broken goes before what is not known.
    """
    about = [rule for rule in rules if rule.is_about(kind)]
    if not about:
        return None
    facts = Facts(readings, at, zone_of(time_zone), guest_until, may_look)
    judged = [(rule, None if rule.values is None else rule.values.is_broken(facts)) for rule in about]
    broken = next((rule for rule, is_broken in judged if is_broken), None)
    if broken is not None:
        return broken
    unknown = next((rule for rule, is_broken in judged if is_broken is None and rule.blocks_unknown), None)
    return None if unknown is None else dataclasses.replace(unknown, is_unknown=True)


def signals_of(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the readings that these rules ask for; empty when none has to be fetched."""
    return frozenset().union(*(rule.signals for rule in rules))


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, the installation's own for an empty one, None for one that does not exist."""
    try:
        return ZoneInfo(name or settings.TIME_ZONE)
    except (KeyError, OSError, ValueError):  # not found, a folder of zones, an impossible path
        return None


def load_rules(team_ids: Iterable[UUID]) -> dict[UUID, list[Rule]]:
    """Return the rules that are on, oldest first, for every one of these teams; one query."""
    found: dict[UUID, list[Rule]] = {team_id: [] for team_id in team_ids}
    for row in TeamRule.objects.filter(team_id__in=found, is_on=True).order_by("created_at", "id"):
        found[row.team_id].append(rule_of(row))
    return found


def rule_of(row: TeamRule) -> Rule:
    """Return a stored rule as it is judged."""
    try:
        values = read_values(row.kind, row.values)
    except InvalidValues:
        values = None
    blocks_unknown = row.when_unknown == WhenUnknown.BLOCK
    return Rule(row.id, row.kind, frozenset(row.commands), values, blocks_unknown)


def check_first_of(team_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return for each team after how many seconds a known state is too old to send on; one query."""
    found = dict.fromkeys(team_ids, CHECK_FIRST_S)
    rows = TeamPolicy.objects.filter(team_id__in=found).values_list("team_id", "check_first_s")
    return found | dict(rows)
