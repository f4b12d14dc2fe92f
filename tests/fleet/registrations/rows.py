"""Registrations for tests, made through the service, and where the simulator speaks each provider's words."""

import itertools

from django.conf import settings

from fleet.registrations.access import Keeper
from fleet.registrations.services import Wanted, register_app
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET

numbers = itertools.count(1)
INSTALLATION = Keeper("system:test", None)
PATHS = {
    "tesla": {
        "token": "/dialects/tesla/oauth2/v3/token",
        "api_na": "/dialects/tesla/na",
        "api_eu": "/dialects/tesla/eu",
    },
    "smartcar": {"token": "/dialects/smartcar/oauth2/token", "api": "/dialects/smartcar/v3"},
    "enode": {"token": "/dialects/enode/oauth2/token", "api": "/dialects/enode"},
    "volvo": {"token": "/dialects/volvo/as/token.oauth2", "api": "/dialects/volvo"},
}
# What is asked for beside id and secret.
SECRETS = {"volvo": {"api_key": "volvo-lab-api-key"}, "smartcar": {"management_token": "smartcar-lab-management-token"}}
OPTIONS = {"tesla": {"domain": "fleet.example.com"}, "smartcar": {"mode": "live"}}


def keeper_of(membership: Membership) -> Keeper:
    return Keeper(membership.user.actor, membership.team_id)


def dialect_urls(provider: str) -> dict[str, str]:
    """Where the simulator speaks for a provider; nothing for itself."""
    return {name: f"{settings.SIMULATOR_URL}{path}" for name, path in PATHS.get(provider, {}).items()}


def make_registration(
    keeper: Keeper,
    provider: str = "simulator",
    *,
    name: str = "",
    client_id: str = "",
    client_secret: str = CLIENT_SECRET,
) -> ProviderApp:
    """A registration at the simulator in the words of a provider; with CLIENT_ID it is one that the simulator knows."""
    wanted = Wanted(
        name or provider.title(),
        client_id or f"{CLIENT_ID}-{next(numbers)}",
        client_secret,
        secrets=SECRETS.get(provider, {}),
        options=OPTIONS.get(provider, {}),
        urls=dialect_urls(provider),
    )
    return register_app(keeper=keeper, provider=provider, wanted=wanted)
