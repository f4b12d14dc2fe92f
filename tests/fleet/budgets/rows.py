"""Rows of budgets for tests of other parts too."""

import itertools
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fleet.budgets.meter import Payer, take
from fleet.budgets.models import Budget
from fleet.budgets.wakes import grant_wake
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp, VehicleLink
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


def fill(membership: Membership, link: VehicleLink) -> Budget:
    """Everything that the page of budgets can show: used up, in reserve, priced, held, own and shared; an own one."""
    app, payer = link.connection.account.app, Payer(link.connection.account.app_id, lane_id=link.vehicle.lane_id)
    make_budget(app, 120, 86_400, reserve=30, unit_price="0.002", currency="EUR")
    make_budget(app, 40, 86_400, resource="commands", reserve=10)
    make_budget(app, 6, 86_400, resource="wakes", per="car")
    take(payer, n=70)
    take(payer, resource="commands", n=30)
    for is_automated in (True, False):
        grant_wake(lane_id=link.vehicle.lane_id, app_id=app.id, is_automated=is_automated, cause="test")
    own = make_own_app(membership, "Polestar")
    own.held_until = timezone.now() + timedelta(minutes=4)
    own.save(update_fields=["held_until"])
    make_budget(own, 10, 60)
    return make_budget(own, 1_000, 2_592_000, reserve=100)
