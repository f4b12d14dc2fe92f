"""Access tokens: reading a live one, and refreshing a tired one under a row lock so that no owner is ever logged out.

A refresh is the one network call made inside a transaction. A lease could be overtaken while its request is on the
way, and a rotating refresh token used twice ends the grant; a row lock dies with its session.
"""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http
from fleet.adapters.oauth import TokenSet
from fleet.events.services import record
from fleet.vehicles.models import Connection, ProviderAccount
from fleet.vehicles.providers import make_adapter
from fleet.vehicles.sealing import seal, unseal

logger = logging.getLogger(__name__)

# Refreshed so early that a refresh that fails for a minute stops nobody.
REFRESH_BEFORE = timedelta(seconds=60)
# A second definite refusal of the same token after so long means that the owner has to sign in again.
CONFIRM_REFUSAL_AFTER = timedelta(seconds=60)


def read_access_token(account: ProviderAccount) -> str | None:
    """Return the access token if it is still good for a minute, else None."""
    if account.status != ProviderAccount.Status.ACTIVE or account.access_token_sealed is None:
        return None
    if account.access_expires_at is None or account.access_expires_at - REFRESH_BEFORE <= timezone.now():
        return None
    return unseal(account.access_token_sealed, bound_to=_bound(account, "access"))


def store_tokens(account: ProviderAccount, tokens: TokenSet) -> None:
    """Keep a new token set, the previous refresh token beside it. The caller holds the row's lock."""
    if tokens.refresh_token is not None:
        account.previous_refresh_token_sealed = account.refresh_token_sealed
        account.refresh_token_sealed = seal(tokens.refresh_token, bound_to=_bound(account, "refresh"))
    account.access_token_sealed = seal(tokens.access_token, bound_to=_bound(account, "access"))
    account.access_expires_at = timezone.now() + timedelta(seconds=tokens.expires_in_s)
    account.token_version += 1
    account.status = ProviderAccount.Status.ACTIVE
    account.refresh_started_at = None
    account.refused_at = None
    account.refused_version = None
    account.save(
        update_fields=[
            "refresh_token_sealed",
            "previous_refresh_token_sealed",
            "access_token_sealed",
            "access_expires_at",
            "token_version",
            "status",
            "refresh_started_at",
            "refused_at",
            "refused_version",
        ]
    )


def get_access_token(account_id: UUID, *, refused_version: int | None = None) -> str:
    """Return a live access token, refreshing it when it is over. Blocking; for worker processes only.

    refused_version: the token version that the maker has just answered 401 to; a newer one is used as it is.
    Raises AdapterError (needs_reconnect when the owner has to sign in again; anything else may pass).
    """
    account = ProviderAccount.objects.select_related("app").get(pk=account_id)
    if refused_version is None or account.token_version != refused_version:
        token = read_access_token(account)
        if token is not None:
            return token
    return _refresh(account_id, seen_version=account.token_version)


def _refresh(account_id: UUID, *, seen_version: int) -> str:
    refusal: AdapterError | None = None
    token = ""
    ProviderAccount.objects.filter(pk=account_id).update(refresh_started_at=timezone.now())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
        account = ProviderAccount.objects.select_for_update(of=("self",)).select_related("app").get(pk=account_id)
        if account.status != ProviderAccount.Status.ACTIVE or account.refresh_token_sealed is None:
            raise AdapterError("needs_reconnect")
        if account.token_version != seen_version:
            token = unseal(account.access_token_sealed or b"", bound_to=_bound(account, "access"))
        else:
            refresh_token = unseal(account.refresh_token_sealed, bound_to=_bound(account, "refresh"))
            try:
                tokens = asyncio.run(_ask_for_tokens(account, refresh_token))
            except GrantRefused as error:
                _note_refusal(account)
                refusal = error
            except AdapterError as error:
                refusal = error
            else:
                store_tokens(account, tokens)
                token = tokens.access_token
    if refusal is not None:
        raise refusal
    return token


async def _ask_for_tokens(account: ProviderAccount, refresh_token: str) -> TokenSet:
    async with Http() as http:
        return await make_adapter(account.app, http).refresh(brand=account.brand, refresh_token=refresh_token)


def _note_refusal(account: ProviderAccount) -> None:
    """A definite refusal, seen twice on an unchanged token at least a minute apart, ends the account."""
    now = timezone.now()
    first = account.refused_at if account.refused_version == account.token_version else None
    if first is None:
        account.refused_at, account.refused_version = now, account.token_version
        account.save(update_fields=["refused_at", "refused_version"])
    elif now - first >= CONFIRM_REFUSAL_AFTER:
        account.status = ProviderAccount.Status.NEEDS_OWNER
        account.save(update_fields=["status"])
        logger.warning("account %s at %s needs its owner", account.id, account.brand)
        for team_id in Connection.objects.filter(account=account, status="active").values_list("team_id", flat=True):
            record("connection.needs_owner", actor="system:tokens", team_id=team_id, subject=f"account:{account.id}")


def _bound(account: ProviderAccount, which: str) -> str:
    return f"provider_account:{account.id}:{which}"
