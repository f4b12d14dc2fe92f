"""Enode's adapter: its calls and their order. Its words are in the modules beside it.

Enode acts after it has answered, and goes on trying until the car is as ordered or its own time is up. Calling an
action back is no part of our contract, and would not call back what the make already has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from fleet.adapters.base import Access, Adapter, Brand, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.errors import Accepted, AdapterError, GrantRefused, Verdict
from fleet.adapters.http import Answer, NoAnswer, OnePermit, error_for_status
from fleet.adapters.manifest import read_manifest
from fleet.adapters.oauth import TokenSet, ask_application_token
from fleet.adapters.providers.enode import actions, payloads, webhooks
from fleet.adapters.providers.enode.brands import BRANDS, vendor_of_brand
from fleet.adapters.setup import SetupCheck
from fleet.adapters.signals import VehicleSnapshot
from fleet.adapters.webhooks import Delivery

API_VERSION = "2024-10-01"
PAGE_SIZE = 50
MAX_PAGES = 200
# Enode asks for 128 bits.
SHORTEST_SECRET = 16


class EnodeAdapter(Adapter):
    """Enode. The owner's account there has the name that we give it, and all tokens are the application's."""

    manifest = read_manifest(__package__)

    async def list_brands(self) -> list[Brand]:
        return list(BRANDS)

    async def open_sign_in(self, *, brand: str, state: str, scopes: Iterable[str], language: str, our_id: str) -> str:
        tokens = await self.application_token()
        separator = "&" if "?" in self.app.redirect_uri else "?"
        body = payloads.link_body(
            vendor=vendor_of_brand(brand),
            scopes=scopes,
            language=language,
            # Enode leads back to exactly this address and adds nothing: the state has to stand in it already.
            back=f"{self.app.redirect_uri}{separator}{urlencode({'state': state})}",
        )
        answer = await self._ask("POST", f"{_user(our_id)}/link", tokens.access_token, body)
        link = payloads.part(answer.json(), "linkUrl")
        if answer.status != 200 or not isinstance(link, str) or not link.startswith(("https://", "http://")):
            raise error_for_status(answer)
        return link

    async def finish_connect(self, *, brand: str, answer: Mapping[str, str], verifier: str, our_id: str) -> TokenSet:  # noqa: ARG002
        """Ask whether the owner that we named is linked by now: the way back carries nothing to believe."""
        tokens = await self.application_token()
        user = await self._ask("GET", _user(our_id), tokens.access_token)
        if user.status == 404:
            raise GrantRefused("no such user")
        if user.status != 200 or user.json() is None:
            raise error_for_status(user)
        if not payloads.is_linked(user.json() or {}, vendor_of_brand(brand)):
            raise GrantRefused("no valid login of this make")
        login = Login(tokens.access_token, our_id)
        scopes = payloads.scopes_of([one async for one in self._vehicles(login)])
        return TokenSet(tokens.access_token, None, tokens.expires_in_s, scopes, our_id)

    async def application_token(self) -> TokenSet:
        return await ask_application_token(self.http, self.app, is_basic=True)

    async def revoke(self, *, brand: str, refresh_token: str, login: Login) -> None:  # noqa: ARG002
        if not login.account_id:
            raise AdapterError("invalid_request", detail="no user to forget")
        answer = await self._ask("DELETE", _user(login.account_id), login.access_token)
        if answer.status not in {200, 202, 204, 404}:
            raise error_for_status(answer)

    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        found = [payloads.remote_vehicle(raw) async for raw in self._vehicles(login)]
        return list({one.provider_vehicle_id: one for one in found if one is not None}.values())

    async def _vehicles(self, login: Login) -> AsyncIterator[dict[str, Any]]:
        """Go through an owner's cars, all pages followed."""
        cursor = ""
        for _ in range(MAX_PAGES):
            query = urlencode({"pageSize": str(PAGE_SIZE)} | ({"after": cursor} if cursor else {}))
            body = await self._get(f"{_user(login.account_id)}/vehicles?{query}", login.access_token)
            if not isinstance(body.get("data"), list):
                raise AdapterError("upstream_error", detail="no list in the answer")
            for raw in body["data"]:
                if isinstance(raw, dict):
                    yield raw
            after = payloads.part(body, "pagination", "after")
            if not isinstance(after, str) or not after or after == cursor:
                return
            cursor = after

    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        return payloads.capabilities(await self._vehicle(access), checked_at=datetime.now(UTC))

    async def read(self, access: Access) -> VehicleSnapshot:
        return payloads.snapshot(await self._vehicle(access), received_at=datetime.now(UTC))

    async def wake(self, access: Access, *, budget_s: float) -> bool:  # noqa: ARG002
        return False

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        key = self.app.secrets.get("webhook_secret", "")
        return webhooks.read_delivery(headers, body, key=key, received_at=datetime.now(UTC))

    async def check_setup(self) -> list[SetupCheck]:
        has_secret = len(self.app.secrets.get("webhook_secret", "")) >= SHORTEST_SECRET
        hooks = SetupCheck("webhooks", has_secret, "" if has_secret else "setup_required")
        try:
            tokens = await self.application_token()
        except AdapterError as error:
            return [_failed("credentials", error), SetupCheck("api", None), hooks]
        credentials = SetupCheck("credentials", True)
        try:
            answer = await self._ask("GET", "/health/vehicles", tokens.access_token)
        except AdapterError as error:
            return [credentials, _failed("api", error), hooks]
        if answer.status != 200:
            return [credentials, _failed("api", error_for_status(answer)), hooks]
        return [credentials, SetupCheck("api", True), hooks]

    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:  # noqa: ARG002
        answer = await self.http.act(
            "POST",
            f"{self.app.urls['api']}{_path(access)}/charging",
            permit=permit,
            headers=_headers(access.access_token),
            json_body={"action": actions.ORDERS[command.kind]},
            timeout_s=self.manifest.answer_within_s,
        )
        return actions.verdict_of(answer, kind=command.kind, car=access.provider_vehicle_id)

    async def poll(self, access: Access, ref: str) -> Verdict | None:
        body = await self._get(f"/vehicles/actions/{quote(ref, safe='')}", access.access_token)
        verdict = actions.verdict_of_action(body, car=access.provider_vehicle_id)
        return None if isinstance(verdict, Accepted) else verdict

    async def _vehicle(self, access: Access) -> dict[str, Any]:
        body = await self._get(_path(access), access.access_token)
        if body.get("id") != access.provider_vehicle_id:
            raise AdapterError("upstream_error", detail="the answer is about another car")
        if access.account_id and body.get("userId", access.account_id) != access.account_id:
            raise AdapterError("needs_reconnect", detail="the car is linked by another user")
        return body

    async def _ask(self, method: str, path: str, token: str, body: Mapping[str, Any] | None = None) -> Answer:
        url = f"{self.app.urls['api']}{path}"
        try:
            return await self.http.ask(method, url, headers=_headers(token), json_body=body)
        except NoAnswer as error:
            raise AdapterError("upstream_down", detail=error.detail) from error

    async def _get(self, path: str, token: str) -> dict[str, Any]:
        answer = await self._ask("GET", path, token)
        if answer.status != 200:
            raise error_for_status(answer)
        body = answer.json()
        if body is None:
            raise AdapterError("upstream_error", detail="not a JSON object")
        return body


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Enode-Version": API_VERSION}


def _path(access: Access) -> str:
    return f"/vehicles/{quote(access.provider_vehicle_id, safe='')}"


def _user(account_id: str) -> str:
    return f"/users/{quote(account_id, safe='')}"


def _failed(step: str, error: AdapterError) -> SetupCheck:
    """Say how a step of the test failed; a provider that did not answer has said nothing about our registration."""
    return SetupCheck(step, None if error.code == "upstream_down" else False, error.code, error.detail)
