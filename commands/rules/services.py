"""The verbs of rules: add, change, switch, remove, and how old a state a team sends on. Each writes one event."""

from collections.abc import Iterable
from typing import Any

from commands.rules.models import CHECK_FIRST_MOST_S, CHECK_FIRST_S, TeamPolicy, TeamRule, WhenUnknown
from commands.rules.values import VALUES, Values
from fleet.adapters.commands import KINDS
from fleet.events.services import acting_as, record
from fleet.teams.models import Membership, Team

MOST_RULES = 50


class TooManyRules(Exception):
    """A team has as many rules as people can still oversee; nothing was written."""

    code = "too_many_rules"


def add_rule(
    *, membership: Membership, kind: str, commands: Iterable[str], values: Values, blocks_unknown: bool
) -> TeamRule:
    """Add a rule to a team and return it, switched on. It holds at once, for what already waits too.

    commands: kinds; empty means every command. Raises ValueError for words that do not exist, TooManyRules.
    """
    checked = _checked(kind, commands, values)
    with acting_as(membership.user.actor):
        # One after the other, or two people at once could pass the limit.
        Team.objects.select_for_update().get(pk=membership.team_id)
        if TeamRule.objects.filter(team_id=membership.team_id).count() >= MOST_RULES:
            raise TooManyRules
        rule = TeamRule.objects.create(
            team_id=membership.team_id,
            kind=kind,
            commands=checked,
            values=values.to_json(),
            when_unknown=_when_unknown(blocks_unknown),
        )
        _record("rule.added", rule, membership)
    return rule


def change_rule(
    *, rule: TeamRule, membership: Membership, commands: Iterable[str], values: Values, blocks_unknown: bool
) -> None:
    """Change what a rule says; its kind stays. Raises ValueError for words that do not exist."""
    rule.commands = _checked(rule.kind, commands, values)
    rule.values = values.to_json()
    rule.when_unknown = _when_unknown(blocks_unknown)
    with acting_as(membership.user.actor):
        rule.save(update_fields=["commands", "values", "when_unknown"])
        _record("rule.changed", rule, membership)


def switch_rule(*, rule: TeamRule, membership: Membership, is_on: bool) -> bool:
    """Switch a rule on or off; True if it was the other way."""
    with acting_as(membership.user.actor):
        switched = TeamRule.objects.this(rule).filter(is_on=not is_on).update(is_on=is_on)
        if switched:
            rule.is_on = is_on
            _record("rule.switched_on" if is_on else "rule.switched_off", rule, membership)
    return bool(switched)


def remove_rule(*, rule: TeamRule, membership: Membership) -> bool:
    """Remove a rule for good; True if it was still there."""
    with acting_as(membership.user.actor):
        removed, _ = TeamRule.objects.this(rule).delete()
        if removed:
            _record("rule.removed", rule, membership)
    return bool(removed)


def set_check_first(*, membership: Membership, check_first_s: int) -> None:
    """Say how old the known state of a car may be when a command is sent; 0 looks every time."""
    if not 0 <= check_first_s <= CHECK_FIRST_MOST_S:
        raise ValueError(check_first_s)
    with acting_as(membership.user.actor):
        TeamPolicy.objects.get_or_create(team_id=membership.team_id)
        policy = TeamPolicy.objects.select_for_update().get(team_id=membership.team_id)
        if policy.check_first_s == check_first_s:
            return
        policy.check_first_s = check_first_s
        policy.save(update_fields=["check_first_s"])
        record(
            "policy.changed",
            actor=membership.user.actor,
            team_id=membership.team_id,
            subject=f"team:{membership.team_id}",
            data={"check_first_s": check_first_s, "default": CHECK_FIRST_S},
        )


def _checked(kind: str, commands: Iterable[str], values: Values) -> list[str]:
    chosen = set(commands)
    if unknown := chosen - KINDS.keys():
        raise ValueError(f"unknown commands {sorted(unknown)}")
    if type(values) is not VALUES.get(kind):
        raise ValueError(f"values of another kind than {kind}")
    return sorted(chosen)


def _when_unknown(blocks_unknown: bool) -> str:
    return WhenUnknown.BLOCK if blocks_unknown else WhenUnknown.ALLOW


def _record(verb: str, rule: TeamRule, membership: Membership) -> None:
    # The centre of a circle is a place; the log holds none.
    values = {key: value for key, value in rule.values.items() if key not in {"latitude", "longitude"}}
    data: dict[str, Any] = {
        "kind": rule.kind,
        "commands": rule.commands,
        "values": values,
        "when_unknown": rule.when_unknown,
        "is_on": rule.is_on,
    }
    record(verb, actor=membership.user.actor, team_id=rule.team_id, subject=f"rule:{rule.id}", data=data)
