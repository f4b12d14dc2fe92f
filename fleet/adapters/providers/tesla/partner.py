"""The registration with Tesla itself: trying it step by step, and telling Tesla about our domain and our key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fleet.adapters.base import Login
from fleet.adapters.errors import AdapterError
from fleet.adapters.http import Http
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.tesla.cloud import Cloud
from fleet.adapters.providers.tesla.scopes import CHARGING, COMMANDS, DATA
from fleet.adapters.providers.tesla.signing.keys import BadKey, SigningKey
from fleet.adapters.providers.tesla.tokens import ask_for_tokens
from fleet.adapters.setup import SetupCheck

SCOPE = f"openid {DATA} {COMMANDS} {CHARGING}"
KEY, CREDENTIALS, PUBLIC_KEY, REGISTRATION = "signing_key", "credentials", "public_key", "registration"


class Partner:
    """Our application at Tesla, seen without any owner."""

    def __init__(self, app: AppCredential, http: Http, cloud: Cloud) -> None:
        self._app = app
        self._http = http
        self._cloud = cloud

    async def check(self) -> list[SetupCheck]:
        """Try the key, the credentials, and what Tesla knows of our key in each region."""
        key = self._read_key()
        is_there = SetupCheck(KEY, is_ok=key is not None, code="" if key is not None else "setup_required")

        async def compare(login: Login, region: str) -> SetupCheck:
            return await self._compare(key, login, region)

        return [is_there, *await self._in_each_region(PUBLIC_KEY, compare)]

    async def register(self) -> list[SetupCheck]:
        """Name our domain to Tesla in each region, which then fetches our public key from there."""

        async def name_domain(login: Login, region: str) -> SetupCheck:
            await self._cloud.post("/api/1/partner_accounts", login, {"domain": self._domain})
            return SetupCheck(REGISTRATION, is_ok=True, detail=region)

        return await self._in_each_region(REGISTRATION, name_domain)

    async def _in_each_region(self, step: str, ask: Callable[[Login, str], Awaitable[SetupCheck]]) -> list[SetupCheck]:
        """Return one check of the credentials and one of the step for each region; detail names the region."""
        credentials, found = SetupCheck(CREDENTIALS, is_ok=True), []
        for region, base in self._cloud.regions.items():
            if not credentials.is_ok:
                found.append(SetupCheck(step, is_ok=None, detail=region))
                continue
            try:
                login = await self._log_in(base, region)
            except AdapterError as error:
                credentials = _failed(CREDENTIALS, error, region)
                found.append(SetupCheck(step, is_ok=None, detail=region))
                continue
            if not self._domain:
                found.append(SetupCheck(step, is_ok=False, code="setup_required", detail=f"{region}: no domain"))
                continue
            try:
                found.append(await ask(login, region))
            except AdapterError as error:
                found.append(_failed(step, error, region))
        return [credentials, *found]

    async def _log_in(self, base: str, region: str) -> Login:
        form = {"grant_type": "client_credentials", "audience": base, "scope": SCOPE}
        tokens = await ask_for_tokens(self._http, self._app, form)
        # A name for each region: what one of them says about another must not be learned.
        return Login(tokens.access_token, "", region)

    async def _compare(self, key: SigningKey | None, login: Login, region: str) -> SetupCheck:
        path = f"/api/1/partner_accounts/public_key?domain={quote(self._domain, safe='')}"
        said = await self._cloud.get(path, login)
        theirs = said.get("public_key") if isinstance(said, dict) else None
        if key is None:
            return SetupCheck(PUBLIC_KEY, is_ok=None, detail=region)
        is_ours = isinstance(theirs, str) and theirs.lower() == key.public_key.hex()
        code = "" if is_ours else "setup_required"
        return SetupCheck(PUBLIC_KEY, is_ok=is_ours, code=code, detail=region if is_ours else f"{region}: another key")

    def _read_key(self) -> SigningKey | None:
        try:
            return SigningKey.from_pem(self._app.secrets["signing_key"])
        except (KeyError, BadKey):
            return None

    @property
    def _domain(self) -> str:
        return self._app.options.get("domain", "")


def _failed(step: str, error: AdapterError, region: str) -> SetupCheck:
    """A time-out or an outage says nothing about our set-up; whatever else Tesla answers, does."""
    is_ok = None if error.code in {"upstream_down", "rate_limited"} else False
    # Tesla answers 404 and 412 where our domain was never named.
    code = "setup_required" if error.code in {"upstream_error", "needs_reconnect", "needs_consent"} else error.code
    return SetupCheck(step, is_ok=is_ok, code=code, detail=f"{region}: {error.detail}")
