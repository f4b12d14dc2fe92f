"""Which cars a job is for, and what stands against each: the same answer for the preview and for the start."""

from uuid import UUID

from commands.bulk import Target, code_of_request, load_targets
from commands.freshness import ONCE_MAX_AGE_S
from commands.rules.check import check_first_of, load_rules
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import InvalidParameter, RetryClass
from fleet.teams.models import Membership
from fleet.vehicles.access import vehicles_of
from fleet.vehicles.filters import VehicleFilter

MAX_CARS = 10_000


def fresh_s_of(team_id: UUID, order: Order) -> float | None:
    """Return for how long a known state is good enough to send this order upon; None: the car is always looked at.

    As commands.freshness.must_look_first and the team's rules have it.
    """
    if any(rule.is_about(order.kind) for rule in load_rules([team_id]).get(team_id, [])):
        return None
    check_first_s = check_first_of([team_id])[team_id]
    return check_first_s if order.retry_class is RetryClass.A else min(check_first_s, ONCE_MAX_AGE_S)


def select_cars(membership: Membership, cars: VehicleFilter, order: Order) -> list[tuple[Target, str]]:
    """Return every car of the selection in the order of the list, with why it would not get this order, or "".

    Two queries and what the rules need, whatever the number. Raises InvalidParameter for more than 10,000 cars, and for
    more that would get it than the role allows at once.
    """
    ids = list(cars.apply(vehicles_of(membership)).values_list("id", flat=True)[: MAX_CARS + 1])
    if len(ids) > MAX_CARS:
        raise InvalidParameter("filter", "too_many", maximum=MAX_CARS)
    targets = {target.vehicle_id: target for target in load_targets(membership, ids, order.kind)}
    chosen = [
        (target, code_of_request(target, membership, order))
        for vehicle_id in ids
        if (target := targets.get(vehicle_id)) is not None
    ]
    most = membership.rights.max_cars
    if most is not None and sum(1 for _, code in chosen if not code) > most:
        raise InvalidParameter("filter", "too_many_for_role", maximum=most)
    return chosen
