"""Rows of budgets for tests of other parts too."""

import itertools
from typing import Any

from fleet.budgets.models import Budget
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import simulator_urls

numbers = itertools.count(1)


def make_own_app(membership: Membership, name: str = "Own connection") -> ProviderApp:
    """An application that a team registered itself."""
    return ProviderApp.objects.create(
        team=membership.team,
        provider="simulator",
        name=name,
        client_id=f"own-{next(numbers)}-{membership.team_id}",
        client_secret_sealed=b"",
        urls=simulator_urls("http://127.0.0.1:9"),
    )


def make_budget(app: ProviderApp, limit: int, window_s: int = 3600, **fields: Any) -> Budget:
    return Budget.objects.create(app=app, limit=limit, window_s=window_s, **{"resource": "calls", **fields})


def make_budget_of(membership: Membership, limit: int = 120, **fields: Any) -> Budget:
    """A budget of an application of the team's own."""
    return make_budget(make_own_app(membership), limit, **{"window_s": 86_400, **fields})
