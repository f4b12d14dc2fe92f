"""The pretend makers and brokers of the demo, all in one simulator: how each is registered and how its owners agree."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from fleet.adapters.oauth import TokenSet, read_token_answer
from fleet.registrations.access import Keeper
from fleet.registrations.services import Wanted, register_app
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.providers import ensure_simulator

READY_WITHIN_S = 15.0
ASK_AGAIN_AFTER_S = 0.1
TIMEOUT_S = 10.0
OWNER_PASSWORD = "drive-safely"  # noqa: S105 - printed on the sign-in page of a pretend maker


@dataclass(frozen=True)
class Pretend:
    """One provider that the simulator speaks like: which brands of the demo come through it, and its addresses."""

    provider: str
    brands: frozenset[str]
    paths: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)


PRETENDS = (
    Pretend(
        "tesla",
        frozenset({"tesla"}),
        {
            "authorize": "/oauth2/v3/authorize",
            "token": "/oauth2/v3/token",
            "api_eu": "/eu",
            "api_na": "/na",
            "pairing": "/_ak",
        },
    ),
    Pretend(
        "volvo",
        frozenset({"volvo"}),
        {"authorize": "/as/authorization.oauth2", "token": "/as/token.oauth2", "api": ""},
        {"api_key": "volvo-lab-api-key"},
    ),
    Pretend(
        "smartcar",
        frozenset({"bmw", "ford"}),
        {"authorize": "/oauth/authorize", "token": "/oauth2/token", "api": "/v3", "compatibility": "/v3"},
        {"management_token": "smartcar-lab-management-token"},
    ),
    Pretend("enode", frozenset({"hyundai", "polestar"}), {"token": "/oauth2/token", "api": ""}),
)


class LabError(Exception):
    """The simulator does not answer, or refuses what the demo asks of it."""


class Lab:
    """What the demo asks of the simulator beyond what a maker offers: its control API, for this machine alone."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises LabError after some seconds."""
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self._request("GET", "/healthz")
            except (OSError, ValueError) as error:
                if time.monotonic() >= deadline:
                    raise LabError(f"The simulator at {self.url} does not answer: {error}") from error
                time.sleep(ASK_AGAIN_AFTER_S)
            else:
                return

    def register(self, pretend: Pretend, *, actor: str) -> ProviderApp:
        """Register this installation at a pretend provider, or bring its addresses up to date. Raises LabError."""
        client_id, urls = settings.SIMULATOR_CLIENT_ID, self._urls(pretend)
        app = ProviderApp.objects.filter(team=None, provider=pretend.provider, client_id=client_id).first()
        if app is None:
            wanted = Wanted(
                f"{pretend.provider.title()} (demo)",
                client_id,
                settings.SIMULATOR_CLIENT_SECRET,
                secrets=pretend.secrets,
                options={"domain": urlsplit(settings.PUBLIC_URL).netloc} if pretend.provider == "tesla" else {},
                urls=urls,
            )
            app = register_app(keeper=Keeper(actor, None), provider=pretend.provider, wanted=wanted)
        elif app.urls != urls:
            app.urls = urls
            app.save(update_fields=["urls"])
        return app

    def register_simulator(self) -> ProviderApp:
        """Register the simulator under its own name, or bring its address up to date."""
        return ensure_simulator(
            url=self.url, client_id=settings.SIMULATOR_CLIENT_ID, client_secret=settings.SIMULATOR_CLIENT_SECRET
        )

    def grant(self, provider: str, *, brand: str, email: str, scopes: Collection[str]) -> TokenSet:
        """Return what an owner's sign-in at a provider would bring, as if the owner had agreed. Raises LabError."""
        account_id = self._control("/_control/accounts", {"brand": brand, "email": email, "password": OWNER_PASSWORD})[
            "account_id"
        ]
        wanted = {"account_id": account_id, "client_id": settings.SIMULATOR_CLIENT_ID}
        match provider:
            case "tesla":
                answer = read_token_answer(self._control("/dialects/tesla/_control/tokens", wanted))
                return TokenSet(
                    answer.access_token, answer.refresh_token, answer.expires_in_s, None, account_id, region="eu"
                )
            case "smartcar":
                joined = self._control("/dialects/smartcar/_control/connections", wanted)
                return TokenSet("", None, 0, None, joined["user_id"])
            case "enode":
                joined = self._control("/dialects/enode/_control/links", wanted | {"user_id": f"demo-{account_id}"})
                return TokenSet("", None, 0, None, joined["user_id"])
        return read_token_answer(self._control("/_control/tokens", wanted | {"scopes": sorted(scopes)}))

    def know_key(self, *, domain: str, public_key: str) -> None:
        """Let the pretend Tesla know which key our domain serves: it asks nobody outside this machine."""
        self._control("/dialects/tesla/_control/settings", {"domain_keys": {domain: public_key}}, method="PUT")

    def _urls(self, pretend: Pretend) -> dict[str, str]:
        return {name: f"{self.url}/dialects/{pretend.provider}{path}" for name, path in pretend.paths.items()}

    def _control(self, path: str, body: Mapping[str, Any], *, method: str = "POST") -> dict[str, Any]:
        try:
            return self._request(method, path, body)
        except urllib.error.HTTPError as error:
            with error:
                raise LabError(f"The simulator refused {path}: HTTP {error.code}") from error

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - an address of our own settings
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
        return answer
