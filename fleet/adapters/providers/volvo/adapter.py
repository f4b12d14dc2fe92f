"""Volvo's adapter: the Connected Vehicle API v2, the Energy API v2 and the Location API v1."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fleet.adapters.base import Access, Adapter, Brand, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.errors import AdapterError, GrantRefused, Verdict
from fleet.adapters.http import Answer, Http, NoAnswer, OnePermit
from fleet.adapters.manifest import read_manifest
from fleet.adapters.oauth import AppCredential, TokenSet, ask_token, authorize_url, read_token_answer, revoke_token
from fleet.adapters.providers.volvo import payloads, readings
from fleet.adapters.providers.volvo.scopes import from_volvo, to_volvo
from fleet.adapters.sessions import SessionStore
from fleet.adapters.setup import SetupCheck
from fleet.adapters.signals import VehicleSnapshot

CARS = "/connected-vehicle/v2/vehicles"
# What a read asks for, and where. Fuel comes in litres, tyres as warnings: neither is a reading of ours.
RESOURCES = {
    "command-accessibility": CARS,
    "doors": CARS,
    "engine-status": CARS,
    "odometer": CARS,
    "state": "/energy/v2/vehicles",
    "location": "/location/v1/vehicles",
}
# A resource that a car lacks, or whose scope was not given, is not asked for again for so long: calls are counted.
LACKING_FOR_S = 6 * 3600.0
MOST_LACKING = 10_000
MOST_CARS = 100
# Stands for a token where a test of the set-up needs one that is certainly no good.
PROBE = "set-up-test"


class VolvoAdapter(Adapter):
    """Volvo's own interface: owners sign in with their Volvo ID, and each car lists what it can be told."""

    manifest = read_manifest(__package__)

    def __init__(self, app: AppCredential, http: Http, sessions: SessionStore | None = None) -> None:
        super().__init__(app, http, sessions)
        self._lacking: dict[tuple[str, str, str], float] = {}

    async def list_brands(self) -> list[Brand]:
        return [Brand("volvo", "Volvo")]

    # Joining -----------------------------------------------------------------------------------------------------

    def begin_connect(self, *, brand: str, state: str, verifier: str, scopes: Iterable[str], language: str) -> str:  # noqa: ARG002
        return authorize_url(self.app, state=state, verifier=verifier, scopes=to_volvo(scopes), language=language)

    async def finish_connect(self, *, brand: str, answer: Mapping[str, str], verifier: str, our_id: str) -> TokenSet:  # noqa: ARG002
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": self.app.redirect_uri,
            "code_verifier": verifier,
        }
        return await self._ask_tokens(form)

    async def refresh(self, *, brand: str, refresh_token: str) -> TokenSet:  # noqa: ARG002
        return await self._ask_tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def _ask_tokens(self, form: dict[str, str]) -> TokenSet:
        body = await ask_token(self.http, self.app, form, is_basic=True)
        tokens = read_token_answer(body)
        granted = None if tokens.scopes is None else from_volvo(tokens.scopes)
        return replace(tokens, scopes=granted, account_id=_subject_of(body.get("id_token")) or tokens.account_id)

    async def revoke(self, *, brand: str, refresh_token: str, login: Login) -> None:  # noqa: ARG002
        """Volvo documents no call for this (2026-11-22). Where a registration names an address it is used."""
        if "revoke" not in self.app.urls:
            raise AdapterError("upstream_error", detail="Volvo offers no way to take a grant back")
        await revoke_token(self.http, self.app, token=refresh_token)

    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        listed = payloads.vins(await self._get(CARS, login.access_token))
        found = []
        for vin in listed[:MOST_CARS]:
            body = await self._get_if_there(f"{CARS}/{quote(vin, safe='')}", login.access_token) or {}
            data = body.get("data")
            found.append(payloads.remote_vehicle(vin, data if isinstance(data, dict) else {}))
        return found

    # Knowing -----------------------------------------------------------------------------------------------------

    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        body = await self._get(self._address(CARS, access, "commands"), access.access_token)
        return payloads.capabilities(body, checked_at=datetime.now(UTC))

    async def read(self, access: Access) -> VehicleSnapshot:
        names = [name for name in RESOURCES if not self._is_lacking(access, name)]
        answers = await asyncio.gather(*(self._read(access, name) for name in names), return_exceptions=True)
        parts: dict[str, Mapping[str, Any]] = {}
        errors: list[AdapterError] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, AdapterError):
                errors.append(answer)
            elif isinstance(answer, BaseException):
                raise answer
            elif answer is not None:
                parts[name] = answer
        # A token or a limit concerns all calls; for anything else, what came is better than nothing.
        grave = [error for error in errors if error.code in {"needs_reconnect", "setup_required", "rate_limited"}]
        if grave or (errors and not parts):
            raise (grave or errors)[0]
        for name, error in zip(names, answers, strict=True):
            if isinstance(error, AdapterError) and error.code == "needs_consent":
                self._note_lacking(access, name)
        return readings.snapshot(parts, received_at=datetime.now(UTC))

    async def _read(self, access: Access, name: str) -> Mapping[str, Any] | None:
        """Ask for one resource; None when the car does not have it."""
        body = await self._get_if_there(self._address(RESOURCES[name], access, name), access.access_token)
        if body is None:
            self._note_lacking(access, name)
            return None
        # The Energy API alone has no envelope.
        data = body if name == "state" else body.get("data")
        if not isinstance(data, dict):
            raise AdapterError("upstream_error", detail="no data")
        return data

    async def wake(self, access: Access, *, budget_s: float) -> bool:  # noqa: ARG002
        """Nobody can wake a Volvo from here."""
        return False

    # Being set up -------------------------------------------------------------------------------------------------

    async def check_setup(self) -> list[SetupCheck]:
        """Try id and secret with a refresh token that cannot be good, and the key with a token that cannot be."""
        return [await self._check_credentials(), await self._check_key()]

    async def _check_credentials(self) -> SetupCheck:
        try:
            await self.refresh(brand="volvo", refresh_token=PROBE)
        except GrantRefused:
            return SetupCheck("credentials", True)
        except AdapterError as error:
            is_ok = False if error.code == "setup_required" else None
            return SetupCheck("credentials", is_ok, error.code, error.detail)
        return SetupCheck("credentials", True)

    async def _check_key(self) -> SetupCheck:
        try:
            await self._get(CARS, PROBE)
        except AdapterError as error:
            # That the token is no good is what was to be expected; only then the key was looked at and accepted.
            if error.code in {"needs_reconnect", "needs_consent"}:
                return SetupCheck("api", True)
            is_ok = False if error.code == "setup_required" else None
            return SetupCheck("api", is_ok, error.code, error.detail)
        return SetupCheck("api", True)

    # Acting ------------------------------------------------------------------------------------------------------

    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:  # noqa: ARG002
        json_body = payloads.command_body(command)
        available = await self._get(self._address(CARS, access, "command-accessibility"), access.access_token)
        data = available.get("data")
        error = payloads.why_unreachable(data if isinstance(data, dict) else {})
        if error is not None:
            raise error
        word, _ = payloads.WORDS[command.kind]
        answer = await self.http.act(
            "POST",
            self.app.urls["api"] + self._address(CARS, access, f"commands/{word}"),
            permit=permit,
            # Exactly this type, also where the body is empty: with a charset behind it Volvo answers 415.
            headers=self._headers(access.access_token) | {"Content-Type": "application/json"},
            json_body=json_body,
            timeout_s=self.manifest.answer_within_s,
        )
        return payloads.verdict_of(answer, access.provider_vehicle_id)

    # The calls ---------------------------------------------------------------------------------------------------

    def _headers(self, access_token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {access_token}",
            "vcc-api-key": self.app.secrets.get("api_key", ""),
            "Accept": "application/json",
        }

    @staticmethod
    def _address(base: str, access: Access, what: str) -> str:
        return f"{base}/{quote(access.provider_vehicle_id, safe='')}/{what}"

    async def _ask(self, path: str, access_token: str) -> Answer:
        try:
            return await self.http.ask("GET", self.app.urls["api"] + path, headers=self._headers(access_token))
        except NoAnswer as error:
            raise AdapterError("upstream_down", detail=error.detail) from error

    async def _get(self, path: str, access_token: str) -> dict[str, Any]:
        return _body_of(await self._ask(path, access_token))

    async def _get_if_there(self, path: str, access_token: str) -> dict[str, Any] | None:
        """Return None for what the car does not have (404)."""
        answer = await self._ask(path, access_token)
        return None if answer.status == 404 else _body_of(answer)

    # What a car lacks --------------------------------------------------------------------------------------------

    def _is_lacking(self, access: Access, name: str) -> bool:
        return self._lacking.get((access.account_id, access.provider_vehicle_id, name), 0.0) > time.monotonic()

    def _note_lacking(self, access: Access, name: str) -> None:
        if len(self._lacking) >= MOST_LACKING:
            self._lacking.clear()
        self._lacking[access.account_id, access.provider_vehicle_id, name] = time.monotonic() + LACKING_FOR_S


def _body_of(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        raise payloads.error_of(answer)
    body = answer.json()
    if body is None:
        raise AdapterError("upstream_error", detail="not a JSON object")
    return body


def _subject_of(id_token: object) -> str | None:
    """Return whose login it is. The token came from the token endpoint itself, so its signature says nothing more."""
    parts = id_token.split(".") if isinstance(id_token, str) else []
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) and 0 < len(subject) <= 200 else None
