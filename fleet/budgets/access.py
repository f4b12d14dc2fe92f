"""Finding budgets, and the applications behind a team's cars, on behalf of somebody. The foreign does not exist."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404

from fleet.budgets.models import Budget
from fleet.teams.access import get_in_teams, get_membership
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission


@dataclass
class Reach:
    """One application as a team uses it: the logins and the cars (lane id -> what people call it) of this team."""

    app: Any
    account_ids: set[UUID] = field(default_factory=set)
    cars: dict[UUID, str] = field(default_factory=dict)


def get_budget(
    user: User | AnonymousUser, budget_id: UUID, *, to: Permission = Permission.RULES
) -> tuple[Budget, Membership]:
    """Return a budget of the team's own application, and the membership under which it is reached.

    Raises Http404 for a foreign one and for those of the installation, PermissionDenied for too small a role.
    """
    budget = Budget.objects.select_related("app").filter(pk=budget_id, app__team__isnull=False).first()
    if budget is None:
        raise Http404
    return budget, get_membership(user, budget.app.team_id, to=to)


def get_car(user: User | AnonymousUser, vehicle_id: UUID) -> Any:
    """Return a car that this person may see. Raises Http404."""
    vehicles = apps.get_model("vehicles", "Vehicle").objects.filter(removed_at__isnull=True)
    vehicle, _ = get_in_teams(vehicles, user, vehicle_id, to=Permission.VIEW)
    return vehicle


def link_of(vehicle: Any) -> Any:
    """Return the live link through which a car is reached, with its account and application, or None."""
    links = apps.get_model("vehicles", "VehicleLink").objects.filter(
        vehicle=vehicle, ended_at__isnull=True, connection__status="active"
    )
    return links.select_related("connection__account__app").order_by("-created_at").first()


def reach_of(membership: Membership) -> list[Reach]:
    """Return the applications behind the cars of a team, and its own ones, in two queries."""
    links = (
        apps.get_model("vehicles", "VehicleLink")
        .objects.filter(
            team_id=membership.team_id,
            ended_at__isnull=True,
            connection__status="active",
            vehicle__removed_at__isnull=True,
        )
        .values_list(
            "connection__account__app_id", "connection__account_id", "vehicle__lane_id", "vehicle__plate",
            "vehicle__name", "vehicle__make", "vehicle__model",
        )
    )  # fmt: skip
    found: dict[UUID, Reach] = {}
    for app_id, account_id, lane_id, plate, name, make, model in links:
        reach = found.setdefault(app_id, Reach(None))
        reach.account_ids.add(account_id)
        reach.cars[lane_id] = plate or name or f"{make} {model}".strip()
    for app in _apps().filter(Q(pk__in=found) | Q(team_id=membership.team_id)):
        found.setdefault(app.id, Reach(None)).app = app
    return sorted((reach for reach in found.values() if reach.app is not None), key=lambda reach: reach.app.name)


def apps_of(membership: Membership) -> list[Any]:
    """Return the applications behind the cars of a team, without the cars, in one query."""
    connections = apps.get_model("vehicles", "Connection").objects.filter(
        team_id=membership.team_id, status="active", account__app=OuterRef("pk")
    )
    return list(_apps().filter(Exists(connections)).order_by("name"))


def _apps() -> QuerySet[Any]:
    return apps.get_model("vehicles", "ProviderApp").objects.defer("client_secret_sealed")
