"""Tokens that belong to a whole registration: one for all its logins, asked for anew by one process at a time."""

import asyncio
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from fleet.adapters.http import Http
from fleet.adapters.oauth import TokenSet
from fleet.vehicles.models import ApplicationToken, ProviderApp
from fleet.vehicles.providers import make_adapter
from fleet.vehicles.sealing import CannotUnseal, seal, unseal

# Used no longer than until so shortly before its end.
LAST_USE_BEFORE_END = timedelta(seconds=60)


def get_application_token(app: ProviderApp, *, refused_version: int | None = None) -> tuple[str, int]:
    """Return a live token of a registration and its version. Blocking; for worker processes only.

    refused_version: the version that the provider has just answered 401 to. Raises AdapterError (setup_required when
    the provider does not know the registration).
    """
    held, _ = ApplicationToken.objects.get_or_create(app=app)
    if token := _usable(held, refused_version):
        return token, held.version
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '15s'")
        held = ApplicationToken.objects.select_for_update().get(app=app)
        if token := _usable(held, refused_version):
            return token, held.version
        tokens = asyncio.run(_ask(app))
        held.access_token_sealed = seal(tokens.access_token, bound_to=place_of(app))
        held.expires_at = _end_of(tokens)
        held.version += 1
        held.save(update_fields=["access_token_sealed", "expires_at", "version"])
    return tokens.access_token, held.version


def place_of(app: ProviderApp) -> str:
    """Return the name that the token of a registration is sealed for."""
    return f"provider_app:{app.pk}:token"


def _usable(held: ApplicationToken, refused_version: int | None) -> str:
    """Return the token that is held, or "" when it is over, refused, or sealed with a key that is gone."""
    if held.access_token_sealed is None or held.expires_at is None or held.version == refused_version:
        return ""
    if held.expires_at - LAST_USE_BEFORE_END <= timezone.now():
        return ""
    try:
        return unseal(held.access_token_sealed, bound_to=f"provider_app:{held.app_id}:token")
    except CannotUnseal:
        return ""


def _end_of(tokens: TokenSet) -> datetime:
    return timezone.now() + timedelta(seconds=tokens.expires_in_s)


async def _ask(app: ProviderApp) -> TokenSet:
    async with Http() as http:
        return await make_adapter(app, http).application_token()
