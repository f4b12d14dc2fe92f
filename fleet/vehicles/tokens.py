"""Access tokens: reading a live one, and refreshing under a row lock so that no owner is ever logged out.

A refresh is the one network call made inside a transaction. A lease could be overtaken while its request is on the
way, and a rotating refresh token used twice ends the grant; a row lock dies with its session. Between the maker's
answer and the commit nothing happens but the storing. Refreshing early, and what a refusal means, are in
fleet.vehicles.refreshing; facts and reasons: RFC 9700 section 4.14, and what makers do with spent tokens.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from fleet.adapters.capabilities import Tokens
from fleet.adapters.errors import AdapterError, GrantRefused
from fleet.adapters.http import Http, NoAnswer
from fleet.adapters.oauth import TokenSet
from fleet.events.models import ClockTimestamp
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.providers import make_adapter, manifest_of
from fleet.vehicles.sealing import seal, unseal

logger = logging.getLogger(__name__)

# Used no longer than until so shortly before its end.
REFRESH_BEFORE = timedelta(seconds=60)
# Refreshed when so much of its life is over, at a moment of chance, so that what joined together does not ask together.
EARLIEST, LATEST = 0.7, 0.8
# After a refresh that brought nothing: so long, doubled each time, and never longer than the last.
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
STORED = [
    "refresh_token_sealed",
    "previous_refresh_token_sealed",
    "access_token_sealed",
    "access_expires_at",
    "token_version",
    "status",
    "refresh_at",
    "refreshed_at",
    "refresh_failures",
    "refresh_started_at",
    "refused_at",
    "refused_last_at",
    "refused_version",
]


@dataclass(frozen=True)
class Outcome:
    """How a refresh ended: with a token, or with what the maker or the way to it said instead."""

    token: str = ""
    error: AdapterError | None = None


def read_access_token(account: ProviderAccount) -> str | None:
    """Return the access token if it is still good for a minute, else None."""
    if account.status != ProviderAccount.Status.ACTIVE or account.access_token_sealed is None:
        return None
    if account.access_expires_at is None or account.access_expires_at - REFRESH_BEFORE <= timezone.now():
        return None
    return unseal(account.access_token_sealed, bound_to=place_of(account, "access"))


def store_tokens(account: ProviderAccount, tokens: TokenSet) -> None:
    """Keep a new token set, the previous refresh token beside it. The caller holds the row's lock.

    Of a token that is the whole application's nothing is kept here.
    """
    if manifest_of(account.app).tokens is Tokens.APPLICATION:
        note_well(account)
        return
    now, life = timezone.now(), timedelta(seconds=tokens.expires_in_s)
    if tokens.refresh_token is not None:
        account.previous_refresh_token_sealed = account.refresh_token_sealed
        account.refresh_token_sealed = seal(tokens.refresh_token, bound_to=place_of(account, "refresh"))
    account.access_token_sealed = seal(tokens.access_token, bound_to=place_of(account, "access"))
    account.access_expires_at = now + life
    account.token_version += 1
    account.status = ProviderAccount.Status.ACTIVE
    account.refresh_at = now + _until_needed(account, life) * random.uniform(EARLIEST, LATEST)  # noqa: S311 - no secret
    account.refreshed_at = now
    account.refresh_failures = 0
    account.refresh_started_at = None
    account.refused_at = account.refused_last_at = account.refused_version = None
    account.save(update_fields=STORED)


def note_well(account: ProviderAccount) -> None:
    """Note that a login is served, where its tokens are the application's. The caller holds the row's lock."""
    account.token_version += 1
    account.status = ProviderAccount.Status.ACTIVE
    account.refreshed_at, account.refresh_at = timezone.now(), None
    account.refresh_failures = 0
    account.refresh_started_at = None
    account.refused_at = account.refused_last_at = account.refused_version = None
    account.save(update_fields=STORED)


def _until_needed(account: ProviderAccount, life: timedelta) -> timedelta:
    """Return when a refresh is needed at the latest: a grant that dies when idle is used before, needed or not."""
    idle_days = manifest_of(account.app).idle_life_days
    return life if idle_days is None else min(life, timedelta(days=idle_days))


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
    return refresh(account_id, seen_version=account.token_version)


def refresh(account_id: UUID, *, seen_version: int) -> str:
    """Refresh unless somebody did since this version, and return a live access token. Blocking; for workers.

    Across all processes one refresh of an account is under way at a time. Raises AdapterError as get_access_token.
    """
    if token := _mark(account_id, seen_version):
        return token
    outcome = _under_lock(account_id, seen_version, _ask_and_store)
    if outcome.error is not None:
        raise outcome.error
    return outcome.token


def wait_after(failures: int, *, retry_after_s: float | None = None) -> timedelta:
    """Return how long to leave a maker alone after so many refreshes in a row that brought nothing."""
    wait = min(FIRST_WAIT * 2 ** min(failures, 10), LONGEST_WAIT)
    if retry_after_s is not None:
        wait = max(wait, timedelta(seconds=min(retry_after_s, 3600)))
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _mark(account_id: UUID, seen_version: int) -> str:
    """Note in a transaction of its own that a refresh begins; return the token of one that was quicker, else ""."""

    def note(account: ProviderAccount) -> Outcome:
        if account.refresh_started_at is not None:
            # Nobody else is at it, the lock is ours: that one died. Its answer may be lost; the same token, once more.
            logger.warning("account %s at %s: a refresh began and never ended", account.id, account.brand)
        ProviderAccount.objects.filter(pk=account.pk).update(refresh_started_at=ClockTimestamp())
        return Outcome()

    return _under_lock(account_id, seen_version, note).token


def _under_lock(account_id: UUID, seen_version: int, act: Callable[[ProviderAccount], Outcome]) -> Outcome:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '15s'")
        account = ProviderAccount.objects.select_for_update(of=("self",)).select_related("app").get(pk=account_id)
        if account.status != ProviderAccount.Status.ACTIVE or account.refresh_token_sealed is None:
            raise AdapterError("needs_reconnect")
        if account.token_version != seen_version:
            return Outcome(unseal(account.access_token_sealed or b"", bound_to=place_of(account, "access")))
        return act(account)


def _ask_and_store(account: ProviderAccount) -> Outcome:
    from fleet.vehicles.refreshing import narrow_scopes, note_refusal  # which use this module

    refresh_token = unseal(account.refresh_token_sealed or b"", bound_to=place_of(account, "refresh"))
    try:
        tokens = asyncio.run(_ask_for_tokens(account, refresh_token))
    except GrantRefused as error:
        note_refusal(account)
        return Outcome(error=error)
    except AdapterError as error:
        note_failure(account, error)
        return Outcome(error=error)
    store_tokens(account, tokens)
    if tokens.scopes is not None:
        narrow_scopes(account, tokens.scopes)
    return Outcome(tokens.access_token)


async def _ask_for_tokens(account: ProviderAccount, refresh_token: str) -> TokenSet:
    async with Http() as http:
        adapter = make_adapter(account.app, http)
        try:
            return await adapter.refresh(brand=account.brand, refresh_token=refresh_token)
        except AdapterError as error:
            if not (isinstance(error.__cause__, NoAnswer) and error.__cause__.was_written):
                raise
        # The maker may have rotated it and the answer was lost: within its grace the same token counts once more.
        return await adapter.refresh(brand=account.brand, refresh_token=refresh_token)


def note_failure(account: ProviderAccount, error: AdapterError) -> None:
    """Come back later. Nothing but a definite refusal says anything of the grant; the old access token lives on."""
    account.refresh_at = timezone.now() + wait_after(account.refresh_failures, retry_after_s=error.retry_after_s)
    account.refresh_failures = min(account.refresh_failures + 1, 1000)
    account.refresh_started_at = None
    account.save(update_fields=["refresh_at", "refresh_failures", "refresh_started_at"])


def place_of(account: ProviderAccount, which: str) -> str:
    """Return the name that a token is sealed for: "access", or "refresh" for the present and the previous one."""
    return f"provider_account:{account.id}:{which}"
