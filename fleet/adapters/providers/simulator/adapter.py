"""The simulator's adapter. The wire is described in simulator/README.md."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any
from urllib.parse import quote

from fleet.adapters.base import Access, Adapter, Brand, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.errors import AdapterError, NotExecuted, Verdict
from fleet.adapters.http import Answer, NoAnswer, OnePermit, error_for_status
from fleet.adapters.manifest import read_manifest
from fleet.adapters.oauth import AppCredential
from fleet.adapters.providers.simulator import payloads
from fleet.adapters.signals import VehicleSnapshot

# The first looks come soon, for a car that was half awake; then seldom, since each look is a call that may be counted.
WAKE_LOOKS_S = (0.25, 0.5, 1.0)
WAKE_LOOK_S = 2.0
MAX_PAGES = 200


class SimulatorAdapter(Adapter):
    """Every command, every answer and every fault, so that the product can be tried and tested without a real car."""

    manifest = read_manifest(__package__)

    def app_for_brand(self, brand: str) -> AppCredential:
        urls = {name: url.replace("{brand}", quote(brand, safe="")) for name, url in self.app.urls.items()}
        return replace(self.app, urls=urls)

    async def list_brands(self) -> list[Brand]:
        body = await self._get("/brands", access_token=None, base=self.app.urls["brands"])
        raw_brands = body.get("brands")
        return [
            Brand(raw["key"], raw["name"], payloads.countries(raw))
            for raw in (raw_brands if isinstance(raw_brands, list) else [])
            if isinstance(raw, dict) and isinstance(raw.get("key"), str) and isinstance(raw.get("name"), str)
        ]

    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        found: dict[str, RemoteVehicle] = {}
        cursor = ""
        for _ in range(MAX_PAGES):
            body = await self._get(f"/vehicles?cursor={quote(cursor, safe='')}", access_token=login.access_token)
            raw_vehicles = body.get("vehicles")
            for raw in raw_vehicles if isinstance(raw_vehicles, list) else []:
                vehicle = payloads.remote_vehicle(raw) if isinstance(raw, dict) else None
                if vehicle is not None:
                    found[vehicle.provider_vehicle_id] = vehicle
            cursor = body.get("next_cursor") or ""
            if not isinstance(cursor, str) or not cursor:
                break
        return list(found.values())

    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        body = await self._get(f"{self._vehicle(access)}/capabilities", access_token=access.access_token)
        return payloads.capabilities(body, checked_at=datetime.now(UTC))

    def pairing_url(self, *, brand: str, provider_vehicle_id: str) -> str:
        return f"{self.app.urls['brands']}/{quote(brand, safe='')}/pair/{quote(provider_vehicle_id, safe='')}"

    async def read(self, access: Access) -> VehicleSnapshot:
        asked_at = datetime.now(UTC)
        body = await self._get(f"{self._vehicle(access)}/state", access_token=access.access_token)
        return payloads.snapshot(body, asked_at=asked_at, received_at=datetime.now(UTC))

    async def wake(self, access: Access, *, budget_s: float) -> bool:
        try:
            async with asyncio.timeout(budget_s):
                answer = await self._ask("POST", f"{self._vehicle(access)}/wake", access.access_token)
                if answer.status == 200:
                    return True
                if answer.status != 202:
                    raise error_for_status(answer)
                for pause_s in chain(WAKE_LOOKS_S, repeat(WAKE_LOOK_S)):
                    await asyncio.sleep(pause_s)
                    body = await self._get(self._vehicle(access), access_token=access.access_token)
                    if body.get("state") == "online":
                        return True
        except TimeoutError:
            pass
        return False

    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:
        answer = await self.http.act(
            "POST",
            f"{self.app.urls['api']}{self._vehicle(access)}/commands",
            permit=permit,
            headers={"Authorization": f"Bearer {access.access_token}", "X-Request-Id": request_id},
            json_body=payloads.command_body(command),
            timeout_s=self.manifest.answer_within_s,
        )
        return payloads.verdict_of(answer)

    async def poll(self, access: Access, ref: str) -> Verdict | None:
        body = await self._get(f"/commands/{quote(ref, safe='')}", access_token=access.access_token)
        verdict = payloads.verdict_of_poll(body)
        return verdict if not isinstance(verdict, NotExecuted) else replace(verdict, written=True)

    @staticmethod
    def _vehicle(access: Access) -> str:
        return f"/vehicles/{quote(access.provider_vehicle_id, safe='')}"

    async def _ask(self, method: str, path: str, access_token: str | None, base: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {access_token}"} if access_token is not None else {}
        try:
            return await self.http.ask(method, f"{base or self.app.urls['api']}{path}", headers=headers)
        except NoAnswer as error:
            raise AdapterError("upstream_down", detail=error.detail) from error

    async def _get(self, path: str, *, access_token: str | None, base: str | None = None) -> dict[str, Any]:
        answer = await self._ask("GET", path, access_token, base)
        if answer.status != 200:
            raise error_for_status(answer)
        body = answer.json()
        if body is None:
            raise AdapterError("upstream_error", detail="not a JSON object")
        return body
