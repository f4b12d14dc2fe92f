"""The registrations of this installation at providers, and making adapters from them."""

import json

from django.conf import settings
from django.db import transaction

from fleet.adapters.base import Adapter
from fleet.adapters.capabilities import Manifest
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.registry import get_adapter
from fleet.vehicles.car_sessions import KeptSessions
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.sealing import seal, unseal

CALLBACK_PATH = "/connect/callback/"


def callback_url() -> str:
    """Return the one address to which makers send owners back; registered there letter by letter."""
    return settings.PUBLIC_URL.rstrip("/") + CALLBACK_PATH


def credential_of(app: ProviderApp) -> AppCredential:
    """Return the plain form of a registration that adapters take. The secrets stay in memory.

    Addresses that the registration does not name are those of the adapter's card.
    """
    secrets = "{}" if app.secrets_sealed is None else unseal(app.secrets_sealed, bound_to=place_of_secrets(app))
    return AppCredential(
        urls={**manifest_of(app).urls, **app.urls},
        client_id=app.client_id,
        client_secret=unseal(app.client_secret_sealed, bound_to=f"provider_app:{app.id}:client_secret"),
        redirect_uri=callback_url(),
        secrets=json.loads(secrets),
        options=app.options,
    )


def place_of_secrets(app: ProviderApp) -> str:
    """Return the name that the further secrets of a registration are sealed for."""
    return f"provider_app:{app.id}:secrets"


def make_adapter(app: ProviderApp, http: Http) -> Adapter:
    """Return the adapter that speaks for this registration, for one event loop."""
    return get_adapter(app.provider)(credential_of(app), http, KeptSessions(app.id))


def manifest_of(app: ProviderApp) -> Manifest:
    """Return what the adapter of a registration offers at all."""
    return get_adapter(app.provider).manifest


def simulator_urls(base: str) -> dict[str, str]:
    base = base.rstrip("/")
    return {
        "authorize": f"{base}/{{brand}}/oauth/authorize",
        "token": f"{base}/{{brand}}/oauth/token",
        "revoke": f"{base}/{{brand}}/oauth/revoke",
        "api": f"{base}/api/v1",
        "brands": base,
    }


@transaction.atomic
def ensure_simulator(*, url: str, client_id: str, client_secret: str) -> ProviderApp:
    """Register the simulator as a provider of this installation, or bring its address up to date. Idempotent."""
    app, _ = ProviderApp.objects.select_for_update().get_or_create(
        team=None,
        provider="simulator",
        client_id=client_id,
        defaults={"name": "Simulator", "client_secret_sealed": b""},
    )
    app.urls = simulator_urls(url)
    app.client_secret_sealed = seal(client_secret, bound_to=f"provider_app:{app.id}:client_secret")
    app.is_enabled = True
    app.save(update_fields=["urls", "client_secret_sealed", "is_enabled"])
    return app
