"""Taking the grant of an owner's login back at the maker when no team uses it any more. For worker processes only.

As with a refresh, the network call is made inside a transaction: whoever signs in with the same login waits for its
row, and so never gets tokens that are taken back in the same moment. A maker that is silent is asked again for a week;
then our copies of the tokens are destroyed all the same, and the log says that the maker did not confirm it.
"""

import asyncio
import logging
import time
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from connect.models import Visit
from fleet.adapters.base import Login
from fleet.adapters.capabilities import Tokens
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http
from fleet.events.services import acting_as, record
from fleet.keeping.models import GrantEnding
from fleet.vehicles.application_tokens import get_application_token
from fleet.vehicles.models import Connection, ProviderAccount
from fleet.vehicles.providers import make_adapter, manifest_of
from fleet.vehicles.sealing import CannotUnseal, unseal
from fleet.vehicles.tokens import place_of

logger = logging.getLogger(__name__)

ACTOR = "system:keeping"
# After each failed try; when they are used up, a week has passed.
WAITS = [timedelta(minutes=m) for m in (1, 10, 60, 360, 1440, 1440, 2880, 2880)]
VISIT_WAIT = timedelta(minutes=5)
MOST_A_ROUND = 200

# Logins whose last connection has ended, whoever ended it. Longer ago they were looked at already.
COLLECT_UNUSED = """
INSERT INTO keeping_grantending AS g (account_id, team_id)
SELECT DISTINCT ON (c.account_id) c.account_id, c.team_id
FROM vehicles_connection c JOIN vehicles_provideraccount a ON a.id = c.account_id
WHERE c.status = 'ended' AND c.ended_at > now() - interval '8 days' AND a.refresh_token_sealed IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM vehicles_connection o WHERE o.account_id = c.account_id AND o.status = 'active')
ORDER BY c.account_id, c.ended_at DESC
ON CONFLICT (account_id) DO UPDATE SET team_id = excluded.team_id, ended_at = NULL, tries = 0, next_try_at = now()
    WHERE g.ended_at IS NOT NULL
"""

# Logins of a team that no other team's connection uses.
COLLECT = """
INSERT INTO keeping_grantending (account_id, team_id)
SELECT DISTINCT c.account_id, %(team)s::uuid FROM vehicles_connection c
WHERE c.team_id = %(team)s AND NOT EXISTS (
    SELECT 1 FROM vehicles_connection o
    WHERE o.account_id = c.account_id AND o.status = 'active' AND o.team_id <> c.team_id)
ON CONFLICT DO NOTHING
"""


def collect_grants(team_id: UUID) -> None:
    """Note which grants end with a team; asked again it adds nothing."""
    with connection.cursor() as cursor:
        cursor.execute(COLLECT, {"team": team_id})


def collect_unused() -> int:
    """Note which grants nobody uses any more: the last car was removed, or its owner withdrew. Return how many."""
    with connection.cursor() as cursor:
        cursor.execute(COLLECT_UNUSED)
        return cursor.rowcount


def end_unused_grants(*, within_s: float = 25.0) -> None:
    """Take back what nobody uses any more, for a bounded time; the next round goes on."""
    until = time.monotonic() + within_s
    collect_unused()
    waiting = GrantEnding.objects.filter(ended_at__isnull=True, next_try_at__lte=timezone.now())
    for account_id in list(waiting.order_by("next_try_at").values_list("account_id", flat=True)[:MOST_A_ROUND]):
        if time.monotonic() >= until:
            return
        end_grant(account_id)


def end_due_grants(team_id: UUID, *, until: float) -> bool:
    """Try those whose time has come, until the monotonic clock says so; say whether all of the team have ended."""
    waiting = GrantEnding.objects.filter(team_id=team_id, ended_at__isnull=True)
    for account_id in list(waiting.filter(next_try_at__lte=timezone.now()).values_list("account_id", flat=True)):
        if time.monotonic() >= until:
            break
        end_grant(account_id)
    return not waiting.exists()


def end_grant(account_id: UUID) -> None:
    """Take one grant back at the maker and destroy its tokens, or note when to try again."""
    with acting_as(ACTOR):
        accounts = ProviderAccount.objects.select_for_update(of=("self",), skip_locked=True).select_related("app")
        account = accounts.filter(pk=account_id).first()
        ending = GrantEnding.objects.select_for_update().filter(pk=account_id, ended_at__isnull=True).first()
        if account is None or ending is None:
            return
        if Connection.objects.filter(account=account, status=Connection.Status.ACTIVE).exists():
            # Another team was given it meanwhile: it lives on, with its tokens.
            ending.delete()
            return
        if Visit.objects.filter(account=account, finished_at__isnull=True).exists():
            # An owner is about to decide about a car of this login.
            GrantEnding.objects.filter(pk=account_id).update(next_try_at=timezone.now() + VISIT_WAIT)
            return
        is_confirmed = _revoke(account)
        if not is_confirmed and ending.tries < len(WAITS):
            ending.next_try_at = timezone.now() + WAITS[ending.tries]
            ending.tries += 1
            ending.save(update_fields=["next_try_at", "tries"])
            _forget_access(account)
            return
        _destroy_tokens(account)
        ending.ended_at = timezone.now()
        ending.save(update_fields=["ended_at"])
        kind = "grant.ended" if is_confirmed else "grant.abandoned"
        data = {"brand": account.brand, "tries": ending.tries + 1}
        record(kind, actor=ACTOR, team_id=ending.team_id, subject=f"account:{account.id}", data=data)


def _revoke(account: ProviderAccount) -> bool:
    """Say whether the maker confirmed that the grant is over; without a token there is nothing to confirm."""
    is_the_applications = manifest_of(account.app).tokens is Tokens.APPLICATION
    if account.refresh_token_sealed is None and not is_the_applications:
        return True
    try:
        if is_the_applications:
            refresh_token, access_token = "", get_application_token(account.app)[0]
        else:
            refresh_token = unseal(account.refresh_token_sealed or b"", bound_to=place_of(account, "refresh"))
            access_token = ""
        login = Login(access_token, account.provider_user_id, account.region)
        asyncio.run(_ask(account, refresh_token, login))
    except (AdapterError, CannotUnseal) as error:
        logger.warning("ending the grant of account %s at %s: %s", account.id, account.brand, type(error).__name__)
        return False
    return True


async def _ask(account: ProviderAccount, refresh_token: str, login: Login) -> None:
    async with Http() as http:
        await make_adapter(account.app, http).revoke(brand=account.brand, refresh_token=refresh_token, login=login)


def _forget_access(account: ProviderAccount) -> None:
    """Destroy all but what is needed to ask the maker again: nothing reads or commands by this login any more."""
    account.access_token_sealed = account.previous_refresh_token_sealed = account.access_expires_at = None
    account.status = ProviderAccount.Status.REVOKED
    account.save(update_fields=["access_token_sealed", "previous_refresh_token_sealed", "access_expires_at", "status"])


def _destroy_tokens(account: ProviderAccount) -> None:
    account.access_token_sealed = account.refresh_token_sealed = account.previous_refresh_token_sealed = None
    account.access_expires_at = None
    account.status = ProviderAccount.Status.REVOKED
    account.token_version += 1
    account.save(
        update_fields=[
            "access_token_sealed",
            "refresh_token_sealed",
            "previous_refresh_token_sealed",
            "access_expires_at",
            "status",
            "token_version",
        ]
    )


def forget_accounts(team_id: UUID) -> None:
    """Delete the logins whose grants have ended, where no other team's connection, over or not, names them."""
    for ending in GrantEnding.objects.filter(team_id=team_id, ended_at__isnull=False).select_related("account"):
        account = ending.account
        ending.delete()
        if not Connection.objects.filter(account=account).exists():
            account.delete()
