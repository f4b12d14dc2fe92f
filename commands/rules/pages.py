"""What the pages of rules show: a rule as a row, a form as the sentence it would become. No queries, no rights."""

import uuid
from dataclasses import dataclass

from commands.rules.check import Rule, rule_of
from commands.rules.forms import RuleForm
from commands.rules.models import TeamRule
from commands.rules.words import HINTS, ICONS, TITLES, says, says_unknown


@dataclass(frozen=True)
class Row:
    """One rule in the list; `unknown` says what it does while nobody knows, "" where it always knows."""

    id: uuid.UUID
    kind: str
    title: str
    icon: str
    says: str
    unknown: str
    is_on: bool


@dataclass(frozen=True)
class Choice:
    """One kind of rule to choose from."""

    kind: str
    title: str
    hint: str
    icon: str


@dataclass(frozen=True)
class Preview:
    """What a form would do; both empty while it does not make a rule."""

    says: str
    unknown: str


def row_of(row: TeamRule) -> Row:
    """Return a stored rule as it is shown."""
    rule = rule_of(row)
    return Row(row.id, row.kind, str(TITLES[row.kind]), ICONS[row.kind], says(rule), says_unknown(rule), row.is_on)


def choices() -> list[Choice]:
    """Return every kind of rule there is."""
    return [Choice(kind, str(title), str(HINTS[kind]), ICONS[kind]) for kind, title in TITLES.items()]


def preview_of(form: RuleForm) -> Preview:
    """Return what a form would do: one that is filled in, or one that shows what is stored or usual."""
    if not form.is_bound:
        form = type(form)({name: form[name].value() for name in form.fields})
    if not form.is_valid():
        return Preview("", "")
    rule = Rule(uuid.UUID(int=0), form.kind, frozenset(form.chosen()), form.values(), form.blocks_unknown())
    return Preview(says(rule), says_unknown(rule))
