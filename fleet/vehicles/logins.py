"""An owner's login with a live token, whoever the token belongs to: the login itself, or the whole registration."""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from fleet.adapters.base import Login
from fleet.adapters.capabilities import Tokens
from fleet.adapters.errors import AdapterError
from fleet.vehicles.application_tokens import get_application_token
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.providers import manifest_of
from fleet.vehicles.tokens import get_access_token, read_access_token

# A provider that refuses the registration's token for one login may mean the login: looked at so soon.
LOOK_AGAIN_AFTER = timedelta(seconds=1)


def get_login(account_id: UUID) -> Login:
    """Return a login with a live token. Blocking; for worker processes only. Raises AdapterError."""
    return get_login_and_version(account_id)[0]


def get_login_and_version(account_id: UUID, *, refused_version: int | None = None) -> tuple[Login, int]:
    """Return a login with a live token, and the token's version. Blocking; for worker processes only.

    refused_version: the version that the maker has just answered 401 to. Raises AdapterError (needs_reconnect when the
    owner has to sign in again).
    """
    account = ProviderAccount.objects.select_related("app").get(pk=account_id)
    if manifest_of(account.app).tokens is Tokens.APPLICATION:
        return _with_the_applications(account, refused_version)
    token = read_access_token(account) if account.token_version != refused_version else None
    if token is None:
        token = get_access_token(account_id, refused_version=refused_version)
        account.refresh_from_db(fields=["token_version"])
    return _login(account, token), account.token_version


def _with_the_applications(account: ProviderAccount, refused_version: int | None) -> tuple[Login, int]:
    if account.status != ProviderAccount.Status.ACTIVE:
        raise AdapterError("needs_reconnect")
    if refused_version is not None:
        due = ProviderAccount.objects.filter(pk=account.pk, refresh_at__isnull=True)
        due.update(refresh_at=timezone.now() + LOOK_AGAIN_AFTER)
    token, version = get_application_token(account.app, refused_version=refused_version)
    return _login(account, token), version


def _login(account: ProviderAccount, token: str) -> Login:
    return Login(token, account.provider_user_id, account.region)
