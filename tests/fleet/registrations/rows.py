"""Registrations for tests, made through the service."""

import itertools

from fleet.registrations.access import Keeper
from fleet.registrations.services import Wanted, register_app
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET

numbers = itertools.count(1)


def keeper_of(membership: Membership) -> Keeper:
    return Keeper(membership.user.actor, membership.team_id)


def make_registration(
    keeper: Keeper, *, name: str = "Simulator", client_id: str = "", client_secret: str = CLIENT_SECRET
) -> ProviderApp:
    """A registration at the simulator; with CLIENT_ID it is one that the simulator knows."""
    wanted = Wanted(name, client_id or f"{CLIENT_ID}-{next(numbers)}", client_secret)
    return register_app(keeper=keeper, provider="simulator", wanted=wanted)
