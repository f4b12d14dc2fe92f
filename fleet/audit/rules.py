"""What a rule said when it was made or changed, from the event alone: so it is told of one that is gone as well."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from commands.rules.check import Rule
from commands.rules.values import InvalidValues, read_values
from commands.rules.words import says

NOWHERE = {"latitude": 0, "longitude": 0}


def rule_says(data: Mapping[str, Any]) -> str:
    """Return the sentence of a rule as an event tells of it; "" for an event that does not say enough."""
    kind, stored, commands = data.get("kind"), data.get("values"), data.get("commands")
    if not isinstance(kind, str) or not isinstance(stored, dict) or not isinstance(commands, list):
        return ""
    try:
        # The log holds no place; the sentence names none either.
        values = read_values(kind, stored | (NOWHERE if kind == "area" else {}))
    except InvalidValues:
        return ""
    return says(Rule(UUID(int=0), kind, frozenset(commands), values, blocks_unknown=True))
