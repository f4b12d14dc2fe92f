"""A team with its cast and its car, and rules made as a manager would."""

from collections.abc import Callable

import pytest

from commands.rules.models import TeamRule
from commands.rules.services import add_rule
from commands.rules.values import Values
from fleet.teams.models import Membership
from tests.commands.pages.conftest import Cast, browser_of, cast, foreign_link, link  # noqa: F401


@pytest.fixture
def rule(cast: Cast) -> Callable[..., TeamRule]:  # noqa: F811 - pytest's way to ask for a fixture
    """Add a rule for these commands to the cast's team, or to another's."""

    def add(
        values: Values,
        *commands: str,
        blocks_unknown: bool | None = None,
        by: Membership | None = None,
    ) -> TeamRule:
        kind = {
            "Moving": "moving",
            "Hours": "hours",
            "Area": "area",
            "ChargeFloor": "charge_floor",
            "Guest": "guest",
        }[type(values).__name__]
        return add_rule(
            membership=by or cast.owner,
            kind=kind,
            commands=commands,
            values=values,
            blocks_unknown=values.blocks_unknown if blocks_unknown is None else blocks_unknown,
        )

    return add
