"""Smartcar's adapter: its calls and their order. Its words are in the modules beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode

from fleet.adapters.base import Access, Adapter, Brand, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.errors import AdapterError, GrantRefused, Verdict
from fleet.adapters.http import Answer, NoAnswer, OnePermit
from fleet.adapters.manifest import read_manifest
from fleet.adapters.oauth import TokenSet, ask_application_token
from fleet.adapters.providers.smartcar import answers, payloads, signals, webhooks
from fleet.adapters.providers.smartcar.brands import BRANDS, word_of_brand
from fleet.adapters.providers.smartcar.scopes import permissions_for, scopes_of
from fleet.adapters.setup import SetupCheck
from fleet.adapters.signals import VehicleSnapshot
from fleet.adapters.webhooks import Delivery

PAGE_SIZE = 100
MAX_PAGES = 50
VINS_AT_ONCE = 4
# A car that cannot tell its VIN can be listed all the same.
NO_VIN = {"needs_consent", "not_capable", "vehicle_asleep", "vehicle_unreachable", "vehicle_refused", "upstream_error"}


class SmartcarAdapter(Adapter):
    """Smartcar's version 3. Tokens are the application's; `sc-user-id` says whose car is meant."""

    manifest = read_manifest(__package__)

    async def list_brands(self) -> list[Brand]:
        return list(BRANDS)

    def begin_connect(self, *, brand: str, state: str, verifier: str, scopes: Iterable[str], language: str) -> str:  # noqa: ARG002
        # Applications made before version 3 sign in with an id of their own, which is not the one that fetches tokens.
        application = self.app.options.get("application_id")
        return payloads.connect_url(
            self.app.urls["authorize"],
            client={"application_id": application} if application else {"client_id": self.app.client_id},
            redirect_uri=self.app.redirect_uri,
            permissions=permissions_for(scopes),
            state=state,
            mode=self._mode,
            make=word_of_brand(brand),
        )

    async def finish_connect(self, *, brand: str, answer: Mapping[str, str], verifier: str, our_id: str) -> TokenSet:  # noqa: ARG002
        """Take the owner's id from the way back; version 3 has no use for the code.

        The id is as secret as a code would be, and the state around it is checked before: Smartcar offers nothing that
        would bind it to this very sign-in. What it opens is asked of Smartcar, never believed of the address.
        """
        tokens = await self.application_token()
        login = Login(tokens.access_token, answer.get("user_id", ""))
        if not login.account_id:
            raise GrantRefused("no user id")
        found = await self._connections(login)
        if not found:
            raise GrantRefused("no connection of this user")
        # An owner's cars may have been connected one by one: what a single one lacks, its commands will tell.
        scopes = scopes_of(permission for one in found for permission in payloads.permissions_of(one))
        return TokenSet(tokens.access_token, None, tokens.expires_in_s, scopes, login.account_id)

    async def application_token(self) -> TokenSet:
        return await ask_application_token(self.http, self.app)

    async def revoke(self, *, brand: str, refresh_token: str, login: Login) -> None:  # noqa: ARG002
        if not login.account_id:
            raise AdapterError("invalid_request", detail="no user to forget")
        answer = await self._ask("DELETE", f"/users/{quote(login.account_id, safe='')}", login)
        if answer.status not in {200, 202, 204, 404}:
            raise answers.error_of(answer)

    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        found: dict[str, RemoteVehicle] = {}
        for connection in await self._connections(login):
            vehicle = payloads.remote_vehicle(connection)
            if vehicle is not None:
                found[vehicle.provider_vehicle_id] = vehicle
        some = asyncio.Semaphore(VINS_AT_ONCE)
        return list(await asyncio.gather(*(self._with_vin(login, vehicle, some) for vehicle in found.values())))

    async def _with_vin(self, login: Login, vehicle: RemoteVehicle, some: asyncio.Semaphore) -> RemoteVehicle:
        access = login.to(vehicle.provider_vehicle_id)
        async with some:
            try:
                body = await self._get(f"{_vehicle(access)}/signals/vehicleidentification-vin", access)
            except AdapterError as error:
                if error.code not in NO_VIN:
                    raise
                body = {}
        return replace(vehicle, vin=payloads.vin_of(body))

    async def _connections(self, login: Login) -> list[dict[str, Any]]:
        """Return the connections of one owner, all pages followed."""
        found: list[dict[str, Any]] = []
        common = {"filter[userId]": login.account_id, "filter[vehicle.mode]": self._mode}
        for number in count(1):
            query = urlencode(common | {"page[number]": str(number), "page[size]": str(PAGE_SIZE)})
            body = await self._get(f"/connections?{query}", login)
            page = [one for one in _rows(body) if isinstance(one, dict)]
            # Should a filter ever not be understood, it must not open other owners' cars.
            found += [one for one in page if payloads.related_id(one, "user") in {login.account_id, ""}]
            links = body.get("links")
            if not page or number >= MAX_PAGES or not (isinstance(links, dict) and links.get("next")):
                return found
        raise AssertionError("counting ends before pages do")

    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        body = await self._get(f"{_vehicle(access)}/signals", access)
        now = datetime.now(UTC)
        raw_signals, car = _rows(body), _included(body, access)
        found = payloads.said_by_models(await self._compatible(car), car, checked_at=now)
        # The car itself knows better than a list of models.
        return found | payloads.said_by_signals(raw_signals, checked_at=now)

    async def _compatible(self, car: Mapping[str, Any]) -> list[object]:
        """Return the rows of the list of compatible cars for one make; none when it cannot be had."""
        rows: list[object] = []
        make, base = car.get("make"), self.app.urls.get("compatibility")
        if not make or not base:
            return rows
        for number in range(1, MAX_PAGES):
            query = urlencode({"filter[make]": str(make), "page[number]": str(number), "page[size]": str(PAGE_SIZE)})
            try:
                answer = await self.http.ask("GET", f"{base}/compatible-vehicles?{query}")
            except (NoAnswer, AdapterError):
                return []
            body = answer.json() if answer.status == 200 else None
            page = body.get("data") if body is not None else None
            if not isinstance(page, list):
                return []
            rows += page
            links = body.get("links") if body is not None else None
            if not page or not (isinstance(links, dict) and links.get("next")):
                break
        return rows

    async def read(self, access: Access) -> VehicleSnapshot:
        body = await self._get(f"{_vehicle(access)}/signals", access)
        _included(body, access)
        return signals.snapshot(_rows(body), received_at=datetime.now(UTC))

    async def wake(self, access: Access, *, budget_s: float) -> bool:  # noqa: ARG002
        return False

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        key = self.app.secrets.get("management_token", "")
        return webhooks.read_delivery(headers, body, key=key, received_at=datetime.now(UTC))

    async def check_setup(self) -> list[SetupCheck]:
        has_key = bool(self.app.secrets.get("management_token"))
        hooks = SetupCheck("webhooks", has_key, "" if has_key else "setup_required")
        try:
            tokens = await self.application_token()
        except AdapterError as error:
            return [_failed("credentials", error), SetupCheck("api", None), hooks]
        credentials = SetupCheck("credentials", True)
        try:
            await self._get("/connections?page[size]=1", Login(tokens.access_token))
        except AdapterError as error:
            return [credentials, _failed("api", error), hooks]
        return [credentials, SetupCheck("api", True), hooks]

    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:  # noqa: ARG002
        answer = await self.http.act(
            "POST",
            f"{self.app.urls['api']}{_vehicle(access)}/commands/{payloads.PATHS[command.kind]}",
            permit=permit,
            headers=_headers(access),
            json_body=payloads.command_body(command),
            # The outcome may come minutes after the status line; the client reads to the end of the body.
            timeout_s=self.manifest.answer_within_s,
        )
        return answers.verdict_of(answer, command.kind)

    @property
    def _mode(self) -> str:
        return self.app.options.get("mode", "live")

    async def _ask(self, method: str, path: str, who: Login | Access) -> Answer:
        try:
            return await self.http.ask(method, f"{self.app.urls['api']}{path}", headers=_headers(who))
        except NoAnswer as error:
            raise AdapterError("upstream_down", detail=error.detail) from error

    async def _get(self, path: str, who: Login | Access) -> dict[str, Any]:
        answer = await self._ask("GET", path, who)
        body = answer.json()
        if answer.status != 200 or answers.fault_in(answer) is not None:
            raise answers.error_of(answer)
        if body is None:
            raise AdapterError("upstream_error", detail="not a JSON object")
        return body


def _vehicle(access: Access) -> str:
    return f"/vehicles/{quote(access.provider_vehicle_id, safe='')}"


def _headers(who: Login | Access) -> dict[str, str]:
    owner = {"sc-user-id": who.account_id} if who.account_id else {}
    return {"Authorization": f"Bearer {who.access_token}"} | owner


def _rows(body: Mapping[str, Any]) -> list[object]:
    """Return the list that an answer is made of. Raises AdapterError when it has none: empty is another thing."""
    data = body.get("data")
    if not isinstance(data, list):
        raise AdapterError("upstream_error", detail="no list in the answer")
    return data


def _included(body: Mapping[str, Any], access: Access) -> Mapping[str, Any]:
    """Return what an answer says of the car it is about. Raises AdapterError when that is another car."""
    identity, attributes = payloads.included_vehicle(body)
    if identity not in {"", access.provider_vehicle_id}:
        raise AdapterError("upstream_error", detail="the answer is about another car")
    return attributes


def _failed(step: str, error: AdapterError) -> SetupCheck:
    """Say how a step of the test failed; a provider that did not answer has said nothing about our registration."""
    return SetupCheck(step, None if error.code == "upstream_down" else False, error.code, error.detail)
