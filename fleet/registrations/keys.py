"""The key that signs commands to cars: one for the whole installation, as its public half is fetched from its domain.

Made when the first registration needs it; every registration keeps a sealed copy. The public half is no secret and
stands in the options of each, so that showing it opens nothing.
"""

import json

from django.db import connection
from django.db.models import F, QuerySet

from fleet.adapters.providers.tesla.signing.keys import make_signing_key
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import place_of_secrets
from fleet.vehicles.sealing import unseal

SIGNING_KEY = "signing_key"  # by the words of cards: fleet.adapters.capabilities.Manifest.secrets
PUBLIC_KEY = "public_key"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('fleetwell.signing_key', 0))"


def take_signing_key(provider: str) -> str:
    """Return the private key for a provider's cars as PEM: the one that is there, else a new one. In a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)  # two first registrations at once would each make one
    app = _holders(provider).exclude(secrets_sealed=None).first()
    if app is not None:
        return str(json.loads(unseal(app.secrets_sealed or b"", bound_to=place_of_secrets(app)))[SIGNING_KEY])
    return make_signing_key()


def published_key(provider: str) -> str:
    """Return the public half that this installation's address serves, "" where there is none."""
    app = _holders(provider).only("options").first()
    return str(app.options[PUBLIC_KEY]) if app is not None else ""


def _holders(provider: str) -> QuerySet[ProviderApp]:
    apps = ProviderApp.objects.filter(provider=provider, options__has_key=PUBLIC_KEY)
    return apps.order_by(F("team_id").asc(nulls_first=True), "created_at")
