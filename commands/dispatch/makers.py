"""Adapters and logins for one event loop; what blocks runs in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.db import connection

from commands.dispatch.kept import Kept
from fleet.adapters.base import Adapter, Login
from fleet.adapters.http import Http
from fleet.budgets.meter import Meter, Payer
from fleet.vehicles.logins import get_login_and_version
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import make_adapter

P = ParamSpec("P")
T = TypeVar("T")

ADAPTER_LIFE_S = 60.0
TOKEN_LIFE_S = 20.0  # shorter than the minute for which a token that is handed out is good


# Who pays for the calls made in this context; the application alone, and not urgently, unless it says more.
_payer: ContextVar[Payer | None] = ContextVar("payer", default=None)


@contextmanager
def paying(payer: Payer) -> Iterator[None]:
    """Charge the calls to makers that are made inside to this login, this car and this urgency."""
    token = _payer.set(payer)
    try:
        yield
    finally:
        _payer.reset(token)


def current_payer() -> Payer:
    """Return who pays in this context. Raises LookupError where nobody was named."""
    payer = _payer.get()
    if payer is None:
        raise LookupError("nobody pays here")
    return payer


class Makers:
    """Keeps adapters for a minute and logins with their tokens for some seconds, so that a press needs no extra query.

    Every call that an adapter makes to its maker's API is taken from the budgets first.
    """

    def __init__(self, http: Http, meter: Meter) -> None:
        self._http = http
        self.meter = meter
        self._adapters: Kept[UUID, Adapter] = Kept(ADAPTER_LIFE_S)
        self._logins: Kept[UUID, tuple[Login, int]] = Kept(TOKEN_LIFE_S)

    async def adapter(self, app_id: UUID) -> Adapter:
        """Return the adapter of a registration; a change of its settings is seen within a minute."""

        async def load() -> Adapter:
            return self._make(await in_thread(ProviderApp.objects.get, pk=app_id))

        return await self._adapters.get(app_id, load)

    def _make(self, app: ProviderApp) -> Adapter:
        async def take(calls: int) -> None:
            await self.meter.take(_payer.get() or Payer(app.id), n=calls)

        return make_adapter(app, self._http.metered(take))

    async def login(self, account_id: UUID) -> Login:
        """Return a login with a live token. Raises AdapterError."""
        login, _ = await self._logins.get(account_id, lambda: in_thread(get_login_and_version, account_id))
        return login

    async def renewed_login(self, account_id: UUID, *, refused: str) -> Login:
        """Return the login with another token than the one that the maker has just refused. Raises AdapterError."""
        login, version = await self._logins.get(account_id, lambda: in_thread(get_login_and_version, account_id))
        if login.access_token != refused:
            return login
        self._logins.forget(account_id, (login, version))
        login, _ = await self._logins.get(
            account_id, lambda: in_thread(get_login_and_version, account_id, refused_version=version)
        )
        return login


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking code of Django's in a thread, and give its connection back to the pool."""

    def run() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)
