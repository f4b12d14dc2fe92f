"""Caring for grants: refreshed early, healed after a crash, kept through a provider's trouble, ended only for sure.

An owner is asked again only after two definite refusals of one unchanged token at least a minute apart, and only while
the provider refuses few. When it refuses many at once, the mistake is not the owners'.
"""

import asyncio
import logging
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from fleet.adapters.base import Login
from fleet.adapters.capabilities import Tokens
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http, Take
from fleet.budgets.meter import Payer, calls_of
from fleet.events.services import acting_as, record
from fleet.vehicles.consent import stop_waiting
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import Connection, ProviderAccount, ProviderApp, VehicleLink
from fleet.vehicles.providers import make_adapter, manifest_of
from fleet.vehicles.tokens import note_failure, note_well, refresh

logger = logging.getLogger(__name__)

ACTOR = "system:tokens"
BATCH = 100
# A second definite refusal of the same token after so long means that the owner has to sign in again.
CONFIRM_REFUSAL_AFTER = timedelta(seconds=60)
# A wave: within these minutes so many logins were refused, and they are more than this share of all that asked.
WAVE_WITHIN, WAVE_SIZE, WAVE_SHARE = timedelta(minutes=10), 5, 0.2
WAIT_IN_WAVE = timedelta(minutes=5)
# Who began a refresh and did not end it by then is dead: the time limits of both tries, and some more.
DEAD_AFTER = timedelta(seconds=40)

# Claimed for two minutes: whoever dies with it leaves it to the next round.
CLAIM = """
UPDATE vehicles_provideraccount SET refresh_at = now() + interval '2 minutes' WHERE id IN (
    SELECT a.id FROM vehicles_provideraccount a JOIN vehicles_providerapp p ON p.id = a.app_id
    WHERE a.status = 'active'
        AND (a.refresh_at <= now() OR a.refresh_started_at <= now() - make_interval(secs => %(dead)s))
        AND p.is_enabled AND (p.held_until IS NULL OR p.held_until <= now())
        AND EXISTS (SELECT 1 FROM vehicles_connection c WHERE c.account_id = a.id AND c.status = 'active')
    ORDER BY a.refresh_at LIMIT %(most)s FOR UPDATE OF a SKIP LOCKED)
RETURNING id, token_version
"""


def claim_due(most: int = BATCH) -> list[tuple[UUID, int]]:
    """Take the logins that are to be refreshed now, with their version, so that no other round takes them too."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"dead": DEAD_AFTER.total_seconds(), "most": most})
        return [(row[0], row[1]) for row in cursor.fetchall()]


def refresh_early(account_id: UUID, *, seen_version: int) -> bool:
    """Refresh one login; say whether it has a fresh token now. What goes wrong is noted in its row.

    Where the token is the whole application's, there is nothing to refresh: the login is tried instead.
    """
    app = ProviderApp.objects.get(provideraccount=account_id)
    try:
        if manifest_of(app).tokens is Tokens.APPLICATION:
            _try_login(app, account_id, seen_version)
        else:
            refresh(account_id, seen_version=seen_version)
    except AdapterError as error:
        logger.info("refreshing account %s: %s", account_id, error)
        return False
    return True


def _try_login(app: ProviderApp, account_id: UUID, seen_version: int) -> None:
    """Ask for a login's cars with the application's token, and note whether it is still served. Raises AdapterError."""
    login = get_login(account_id)
    error: AdapterError | None = None
    try:
        asyncio.run(_list_vehicles(app, calls_of(Payer(app.id, account_id)), login))
    except AdapterError as failure:
        error = failure
    with transaction.atomic():
        account = ProviderAccount.objects.select_for_update(of=("self",)).select_related("app").get(pk=account_id)
        if account.token_version != seen_version or account.status != ProviderAccount.Status.ACTIVE:
            return
        if error is None:
            note_well(account)
        elif error.code == "needs_reconnect":
            note_refusal(account)
        else:
            note_failure(account, error)
    if error is not None:
        raise error


async def _list_vehicles(app: ProviderApp, take: Take | None, login: Login) -> None:
    async with Http() as http:
        await make_adapter(app, http.metered(take) if take else http).list_vehicles(login)


def note_refusal(account: ProviderAccount) -> None:
    """Take a definite refusal in the transaction that holds the row: the first waits, a later one asks the owner.

    While the provider refuses many, nobody is asked, and it is looked at again in some minutes.
    """
    now = timezone.now()
    is_first = account.refused_at is None or account.refused_version != account.token_version
    if is_first:
        account.refused_at, account.refused_version = now, account.token_version
    account.refused_last_at, account.refresh_started_at = now, None
    account.refresh_at = now + CONFIRM_REFUSAL_AFTER
    account.save(update_fields=["refused_at", "refused_last_at", "refused_version", "refresh_started_at", "refresh_at"])
    if is_first or account.refused_at is None or now - account.refused_at < CONFIRM_REFUSAL_AFTER:
        return
    if is_wave(account.app_id):
        account.refresh_at = now + WAIT_IN_WAVE
        account.save(update_fields=["refresh_at"])
        _note_wave(account.app)
        return
    account.status = ProviderAccount.Status.NEEDS_OWNER
    account.save(update_fields=["status"])
    logger.warning("account %s at %s needs its owner", account.id, account.brand)
    _tell_teams(account, "connection.needs_owner")


def is_wave(app_id: UUID) -> bool:
    """Say whether a provider refuses grants in numbers: over a fifth of all that asked it lately, five at least."""
    since = timezone.now() - WAVE_WITHIN
    accounts = ProviderAccount.objects.filter(app_id=app_id)
    refused = accounts.filter(refused_last_at__gt=since).count()
    if refused < WAVE_SIZE:
        return False
    well = accounts.filter(refreshed_at__gt=since, refused_last_at__isnull=True).count()
    return refused > WAVE_SHARE * (refused + well)


def end_waves() -> int:
    """Note which providers refuse no longer in numbers; return how many."""
    ended = 0
    for app in ProviderApp.objects.filter(refusing_since__isnull=False):
        if not is_wave(app.id):
            with acting_as(ACTOR):
                ended += ProviderApp.objects.filter(pk=app.pk).update(refusing_since=None)
                _tell_of_provider(app, "provider.accepting")
    return ended


def narrow_scopes(account: ProviderAccount, scopes: frozenset[str]) -> None:
    """Take what the maker no longer grants from every connection of a login; what waits and needs it is not sent.

    More than before is not taken: nobody was asked about that. The caller holds the row's lock.
    """
    for held in Connection.objects.select_for_update().filter(account=account, status=Connection.Status.ACTIVE):
        kept = sorted(set(held.scopes_granted) & scopes)
        if kept == sorted(held.scopes_granted):
            continue
        lost = sorted(set(held.scopes_granted) - scopes)
        held.scopes_granted = kept
        held.save(update_fields=["scopes_granted"])
        links = VehicleLink.objects.filter(connection=held, ended_at__isnull=True)
        links.update(consent_version=F("consent_version") + 1)
        stop_waiting(links.order_by("id"), actor=ACTOR)
        record(
            "connection.narrowed",
            actor=ACTOR,
            team_id=held.team_id,
            subject=f"connection:{held.id}",
            data={"scopes": lost},
        )


def _note_wave(app: ProviderApp) -> None:
    if ProviderApp.objects.filter(pk=app.pk, refusing_since__isnull=True).update(refusing_since=timezone.now()):
        logger.warning("provider %s refuses grants in numbers; no owner is asked", app.provider)
        _tell_of_provider(app, "provider.refusing")


def _tell_of_provider(app: ProviderApp, kind: str) -> None:
    record(kind, actor=ACTOR, team_id=app.team_id, subject=f"app:{app.id}", data={"provider": app.provider})


def _tell_teams(account: ProviderAccount, kind: str) -> None:
    live = Connection.objects.filter(account=account, status=Connection.Status.ACTIVE)
    with transaction.atomic():
        for team_id in live.values_list("team_id", flat=True):
            record(kind, actor=ACTOR, team_id=team_id, subject=f"account:{account.id}")
