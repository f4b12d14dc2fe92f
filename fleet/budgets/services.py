"""The verbs of budgets and what people read of them: set one, what is left, what a press or a job will cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import inf
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from fleet.adapters.commands import KINDS
from fleet.adapters.registry import get_adapter
from fleet.budgets.foresight import Forecast, Plan, foresee
from fleet.budgets.models import Budget, BudgetUse, Per, Resource
from fleet.budgets.rings import Ring, make_ring, moment
from fleet.events.services import record

# What waking one car takes in calls beside the wake itself: the request, and looks until it is there.
CALLS_OF_WAKE = 2


@dataclass(frozen=True)
class BudgetLine:
    """One budget as people see it. left is for a press; left_ours, without the reserve, for jobs and schedules.

    next_at: when the next one is free again, full_at: when all are; None when nothing is used.
    """

    budget: Budget
    used: int
    left: int
    left_ours: int
    next_at: datetime | None
    full_at: datetime | None

    @property
    def is_used_up(self) -> bool:
        return self.left == 0


@dataclass(frozen=True)
class Cost:
    """What a press or a job costs. money is None when no price is known, left when calls are not limited.

    carried: how many of the commands the budgets let go before the deadline; the last of them leaves after carried_s,
    and its effect is looked at after proved_s (0: nobody counts). seconds_by_budget: until all are sent;
    infinite when not all can be.
    """

    calls: int
    wakes: int
    money: Decimal | None
    currency: str
    left: int | None
    left_after: int | None
    seconds_by_budget: float
    carried: int
    carried_s: float = 0.0
    proved_s: float = 0.0


def save_budget(
    *,
    app_id: UUID,
    resource: str,
    limit: int,
    window_s: int,
    actor: str,
    per: str = Per.APP,
    reserve: int = 0,
    unit_price: Decimal | None = None,
    currency: str = "",
) -> Budget:
    """Set the budget of one resource over one window, or change it. What was used so far stays used."""
    wanted = {"limit": limit, "reserve": reserve, "unit_price": unit_price, "currency": currency}
    with transaction.atomic():
        budget, _ = Budget.objects.select_for_update().update_or_create(
            app_id=app_id, resource=resource, per=per, window_s=window_s, defaults=wanted
        )
        _record("budget.changed", budget, actor)
    return budget


def change_budget(*, budget: Budget, actor: str) -> None:
    """Keep a budget that was changed in a form."""
    with transaction.atomic():
        budget.save(update_fields=["limit", "reserve", "unit_price", "currency"])
        _record("budget.changed", budget, actor)


def remove_budget(*, budget: Budget, actor: str) -> None:
    """Count this resource no longer."""
    with transaction.atomic():
        _record("budget.removed", budget, actor)
        budget.delete()


def _record(kind: str, budget: Budget, actor: str) -> None:
    data = {name: getattr(budget, name) for name in ("resource", "per", "limit", "window_s", "reserve")}
    record(kind, actor=actor, team_id=budget.app.team_id, subject=f"budget:{budget.id}", data=data)


# What is left ----------------------------------------------------------------------------------------------------


def budget_lines(
    app_ids: Iterable[UUID],
    *,
    account_ids: Collection[UUID] = (),
    lane_ids: Collection[UUID] = (),
    now: datetime | None = None,
) -> list[BudgetLine]:
    """Return what is left of every budget of these applications, in two queries.

    A budget per login or car shows the one with the least left among the given ones, so that nobody sees another
    team's cars; without any it shows as unused.
    """
    at = (now or timezone.now()).timestamp()
    budgets = Budget.objects.filter(app_id__in=set(app_ids)).select_related("app")
    ordered = sorted(budgets, key=lambda b: (b.app.name, b.app_id, b.resource, -b.window_s, b.per))
    keys = {*account_ids, *lane_ids, *(budget.app_id for budget in ordered)}
    uses: dict[UUID, list[BudgetUse]] = {budget.id: [] for budget in ordered}
    for use in BudgetUse.objects.filter(budget__in=ordered, key__in=keys):
        uses[use.budget_id].append(use)
    return [_line(budget, uses[budget.id], at) for budget in ordered]


def _line(budget: Budget, uses: list[BudgetUse], at: float) -> BudgetLine:
    rings = [_ring(budget, use) for use in uses] or [_ring(budget)]
    ring = max(rings, key=lambda each: each.used(at))
    used = ring.used(at)
    next_at, full_at = ring.next_at(at), ring.full_at(at)
    return BudgetLine(
        budget,
        used,
        max(0, budget.limit - used),
        max(0, budget.limit - budget.reserve - used),
        moment(next_at) if next_at is not None else None,
        moment(full_at) if full_at is not None else None,
    )


def _ring(budget: Budget, use: BudgetUse | None = None, *, is_urgent: bool = True) -> Ring:
    cap = budget.limit - (0 if is_urgent else budget.reserve)
    if use is None:
        return make_ring(cap=cap, window_s=budget.window_s)
    return make_ring(cap=cap, window_s=budget.window_s, slots=use.slots, slot=use.slot)


# What it costs ---------------------------------------------------------------------------------------------------


def calls_for(kind: str, *, count: int = 1, has_stale_state: int = 0, asleep: int = 0, can_poll: bool = True) -> int:
    """Return the requests that so many commands take: the send, one look at its effect, one look before where the known
    state is too old, and what waking takes.

    can_poll: the maker can be asked for its report, which is the look where no reading proves a command.
    """
    looks = 1 if can_poll or KINDS[kind].signal is not None else 0
    return count * (1 + looks) + has_stale_state + asleep * CALLS_OF_WAKE


def _can_poll(budgets: list[Budget]) -> bool:
    return not budgets or get_adapter(budgets[0].app.provider).manifest.can_poll


def cost_of(
    kind: str,
    *,
    count: int,
    app_id: UUID,
    has_stale_state: int,
    asleep: int = 0,
    is_urgent: bool = False,
    fresh_s: float = inf,
    deadline_s: float = inf,
    now: datetime | None = None,
) -> Cost:
    """Return what `count` commands to cars of one application cost, and how long its budgets make them take.

    has_stale_state: of how many cars the known state is older than the team's rule; of all, after fresh_s. asleep: how
    many will be woken.
    is_urgent: one person's press, which may use the reserve. Two queries.
    """
    at = (now or timezone.now()).timestamp()
    budgets = list(Budget.objects.filter(app_id=app_id).select_related("app"))
    uses = {use.budget_id: use for use in BudgetUse.objects.filter(budget__in=budgets, key=app_id)} if budgets else {}
    rings: dict[str, list[Ring]] = {resource: [] for resource in Resource}
    longest: Budget | None = None
    for budget in budgets:
        if budget.per != Per.APP:
            continue
        rings[budget.resource].append(_ring(budget, uses.get(budget.id), is_urgent=is_urgent))
        if budget.resource == Resource.CALLS and (longest is None or budget.window_s > longest.window_s):
            longest = budget
    left = None if longest is None else _ring(longest, uses.get(longest.id), is_urgent=is_urgent).left(at)
    looks = calls_for(kind, can_poll=_can_poll(budgets)) - 1
    plan = Plan(
        count,
        stale=has_stale_state,
        fresh_s=fresh_s,
        looks=looks,
        settle_s=KINDS[kind].settle_s,
        waking=asleep * CALLS_OF_WAKE,
        is_urgent=is_urgent,
    )
    # Without a budget all go at once, and their states are as they are now.
    forecast = foresee(
        plan, calls=rings[Resource.CALLS], commands=rings[Resource.COMMANDS], at=at, deadline_s=deadline_s
    )
    amounts = {Resource.CALLS: _calls(plan, forecast), Resource.COMMANDS: count, Resource.WAKES: asleep}
    money, currency = _money(budgets, amounts)
    return Cost(
        amounts[Resource.CALLS],
        asleep,
        money,
        currency,
        left,
        None if left is None else max(0, left - amounts[Resource.CALLS]),
        forecast.sent_s if forecast.carried == count else inf,
        forecast.carried,
        forecast.sent_s,
        forecast.proved_s if rings[Resource.CALLS] else 0.0,
    )


def _calls(plan: Plan, forecast: Forecast) -> int:
    """Return what all would cost, those included that the budgets do not carry in time."""
    rest = plan.count - forecast.carried
    each = 1 + plan.looks + (1 if plan.fresh_s < inf else 0)
    return forecast.calls + rest * each


def _money(budgets: list[Budget], amounts: dict[Any, int]) -> tuple[Decimal | None, str]:
    """Add up what is priced; the first currency wins, since nobody can add two."""
    prices: dict[str, tuple[Decimal, str]] = {}
    for budget in sorted(budgets, key=lambda each: -each.window_s):
        if budget.unit_price is not None:
            prices.setdefault(budget.resource, (budget.unit_price, budget.currency))
    if not prices:
        return None, ""
    currency = next(iter(prices.values()))[1]
    priced = [price * amounts[Resource(name)] for name, (price, unit) in prices.items() if unit == currency]
    return sum(priced, Decimal(0)), currency
