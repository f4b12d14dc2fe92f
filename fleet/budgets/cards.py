"""What the pages of budgets show: bars with what is left, notices why commands wait, wakes of the last day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.adapters.registry import get_adapter
from fleet.budgets import words
from fleet.budgets.access import Reach
from fleet.budgets.models import Per, Resource, Wake
from fleet.budgets.rings import LONGEST_S
from fleet.budgets.services import BudgetLine, budget_lines, cost_of
from fleet.teams.models import Membership
from fleet.teams.roles import Permission

BAR = 300
# As long as a window of seconds or minutes is used up, commands only take a moment longer: no word about it.
WORTH_A_WORD_S = 3_600
STALE_AFTER = timedelta(seconds=60)
WAKES_SHOWN = 20
# Where nothing is named: a command that a reading proves.
USUAL_KIND = "lock"


@dataclass(frozen=True)
class Bar:
    """One budget: title, what is left in words and as lengths in an SVG, the reserve, the price, where to change it."""

    title: str
    left: str
    line: BudgetLine
    free_width: str
    reserve_width: str
    reserve_x: str
    spent: str
    price: str
    is_low: bool
    edit_url: str


@dataclass(frozen=True)
class AppCard:
    """One application: its bars and what is wrong with it."""

    app: Any
    name: str
    is_own: bool
    cars: int
    bars: list[Bar]
    notices: list[words.Notice]


@dataclass(frozen=True)
class WakeRow:
    """The wakes of one car in the last 24 hours."""

    car: str
    by_people: int
    by_us: int
    last_at: Any


@dataclass(frozen=True)
class PressLine:
    """What a press costs: "Costs 2 calls", "118 of 120 left today"; wait is how long the budget makes it wait."""

    costs: str
    left: str
    money: str
    wait: str


def name_of(app: Any) -> str:
    """Return what people call the provider of an application."""
    return app.name or get_adapter(app.provider).manifest.name


def app_cards(reach: Iterable[Reach], membership: Membership) -> list[AppCard]:
    """Return the cards of a team's applications, in two queries."""
    reach = list(reach)
    accounts = {account for each in reach for account in each.account_ids}
    lanes = {lane for each in reach for lane in each.cars}
    by_app: dict[UUID, list[BudgetLine]] = {each.app.id: [] for each in reach}
    for line in budget_lines(by_app, account_ids=accounts, lane_ids=lanes):
        by_app[line.budget.app_id].append(line)
    cards = []
    for each in reach:
        is_own = each.app.team_id == membership.team_id
        may_edit = is_own and membership.may(Permission.RULES)
        lines = by_app[each.app.id]
        cards.append(
            AppCard(
                each.app,
                name_of(each.app),
                is_own,
                len(each.cars),
                [_bar(line, may_edit=may_edit) for line in lines],
                _notices(each.app, lines, name_of(each.app)),
            )
        )
    return cards


def _bar(line: BudgetLine, *, may_edit: bool) -> Bar:
    budget = line.budget
    reserve_left = line.left - line.left_ours
    free = BAR * line.left_ours / budget.limit
    price = ""
    spent = ""
    if budget.unit_price is not None:
        price = _("%(money)s each") % {"money": words.money(budget.unit_price, budget.currency)}
        if line.used:
            spent = _("%(money)s spent") % {"money": words.money(budget.unit_price * line.used, budget.currency)}
    return Bar(
        str(words.TITLES[budget.resource, budget.per]),
        words.left(line.left, budget.limit, budget.window_s),
        line,
        f"{free:.1f}",
        f"{BAR * reserve_left / budget.limit:.1f}",
        f"{free:.1f}",
        spent,
        price,
        line.left_ours * 10 < budget.limit - budget.reserve,
        reverse("budgets:edit", args=[budget.id]) if may_edit else "",
    )


# Why commands wait -----------------------------------------------------------------------------------------------


def notices_of(apps: Sequence[Any]) -> list[words.Notice]:
    """Return why commands to the cars of these applications wait, in two queries."""
    lines: dict[UUID, list[BudgetLine]] = {app.id: [] for app in apps}
    for line in budget_lines(lines):
        lines[line.budget.app_id].append(line)
    return [notice for app in apps for notice in _notices(app, lines[app.id], name_of(app))]


def lines_of_link(vehicle: Any, link: Any) -> list[BudgetLine]:
    """Return the budgets that a command to this car is charged to, in two queries; one where there are none."""
    account = link.connection.account
    return budget_lines([account.app_id], account_ids=[account.id], lane_ids=[vehicle.lane_id])


def notices_of_link(vehicle: Any, link: Any, lines: Iterable[BudgetLine]) -> list[words.Notice]:
    """Return why commands to one car wait; the maker is called as the car is."""
    app = link.connection.account.app
    return _notices(app, lines, vehicle.make or name_of(app))


def _notices(app: Any, lines: Iterable[BudgetLine], name: str) -> list[words.Notice]:
    if (of_app := words.notice_of_app(app, name=name, now=timezone.now())) is not None:
        return [of_app]
    telling = [
        line for line in lines if line.budget.window_s >= WORTH_A_WORD_S and line.budget.resource != Resource.WAKES
    ]
    return [notice for line in telling if (notice := words.notice_of_budget(line, name=name)) is not None]


# What a press costs ----------------------------------------------------------------------------------------------


def press_line(vehicle: Any, link: Any, lines: Iterable[BudgetLine], *, kind: str = USUAL_KIND) -> PressLine | None:
    """Return what a press on one car costs; None where calls are not counted."""
    calls = [line for line in lines if line.budget.resource == Resource.CALLS]
    if not calls:
        return None
    newest = vehicle.signals.aggregate(newest=Max("received_at"))["newest"]
    is_stale = newest is None or timezone.now() - newest > STALE_AFTER
    app_id = link.connection.account.app_id
    cost = cost_of(kind, count=1, app_id=app_id, has_stale_state=int(is_stale), is_urgent=True)
    # The one that lasts longest is the quota; the shorter ones only delay.
    quota = max(calls, key=lambda line: (line.budget.window_s, line.budget.per == Per.APP))
    return PressLine(
        words.costs(cost.calls),
        words.left(quota.left, quota.budget.limit, quota.budget.window_s),
        words.money(cost.money, cost.currency) if cost.money is not None else "",
        words.span(cost.seconds_by_budget) if 1 < cost.seconds_by_budget <= LONGEST_S else "",
    )


# Wakes -----------------------------------------------------------------------------------------------------------


def wake_rows(reach: Iterable[Reach]) -> list[WakeRow]:
    """Return the team's cars that were woken in the last 24 hours, the most woken first, in one query."""
    cars = {lane: name for each in reach for lane, name in each.cars.items()}
    woken = (
        Wake.objects.filter(lane__in=cars, at__gt=timezone.now() - timedelta(hours=24))
        .values("lane_id")
        .annotate(by_people=Count("id", filter=Q(is_automated=False)), by_us=Count("id", filter=Q(is_automated=True)))
        .annotate(last_at=Max("at"), total=Count("id"))
        .order_by("-total", "-last_at")[:WAKES_SHOWN]
    )
    return [WakeRow(cars[row["lane_id"]], row["by_people"], row["by_us"], row["last_at"]) for row in woken]
