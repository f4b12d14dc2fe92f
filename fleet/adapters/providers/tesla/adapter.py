"""Tesla's adapter: sign-in, cars, reading and waking. Commands are sending.py's, the registration partner.py's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from urllib.parse import quote, urlencode

from fleet.adapters.base import Access, Adapter, Brand, Login, RemoteVehicle
from fleet.adapters.capabilities import Capability
from fleet.adapters.commands import Command
from fleet.adapters.errors import AdapterError, Verdict
from fleet.adapters.http import Http, OnePermit
from fleet.adapters.manifest import read_manifest
from fleet.adapters.oauth import AppCredential, TokenSet, authorize_url
from fleet.adapters.providers.tesla import cars, readings
from fleet.adapters.providers.tesla.cloud import Cloud
from fleet.adapters.providers.tesla.partner import Partner
from fleet.adapters.providers.tesla.scopes import PLACE, read_claims, to_tesla
from fleet.adapters.providers.tesla.sending import Sender
from fleet.adapters.providers.tesla.sessions import CarSessions
from fleet.adapters.providers.tesla.signing.keys import BadKey, SigningKey
from fleet.adapters.providers.tesla.tokens import ask_for_tokens
from fleet.adapters.sessions import SessionStore
from fleet.adapters.setup import SetupCheck
from fleet.adapters.signals import Reading, VehicleSnapshot

# The first looks come soon, for a car that was half awake; then at the pace that Tesla asks for. Each look is billed.
WAKE_LOOKS_S = (2.0, 4.0)
WAKE_LOOK_S = 5.0
PAGE_SIZE = 100
MAX_PAGES = 100


class TeslaAdapter(Adapter):
    """Tesla's own interface. Cars are named by their VIN."""

    manifest = read_manifest(__package__)

    def __init__(self, app: AppCredential, http: Http, sessions: SessionStore | None = None) -> None:
        super().__init__(app, http, sessions)
        self._cloud = Cloud(http, app.urls)
        self._partner = Partner(app, http, self._cloud)
        self._sender = Sender(self._cloud, self._signed(), answer_within_s=self.manifest.answer_within_s)

    def _signed(self) -> CarSessions | None:
        try:
            key = SigningKey.from_pem(self.app.secrets["signing_key"])
        except (KeyError, BadKey):
            return None
        return CarSessions(self._cloud, self.sessions, key)

    # Joining -----------------------------------------------------------------------------------------------------

    async def list_brands(self) -> list[Brand]:
        return [Brand("tesla", "Tesla")]

    def begin_connect(self, *, brand: str, state: str, verifier: str, scopes: Iterable[str], language: str) -> str:  # noqa: ARG002
        """Ask for what is missing only, and announce that a key has to be let into the car afterwards."""
        url = authorize_url(self.app, state=state, verifier=verifier, scopes=to_tesla(scopes), language=language)
        return f"{url}&{urlencode({'prompt_missing_scopes': 'true', 'show_keypair_step': 'true'})}"

    async def finish_connect(self, *, brand: str, answer: Mapping[str, str], verifier: str, our_id: str) -> TokenSet:  # noqa: ARG002
        audience = next(iter(self._cloud.regions.values()))
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": self.app.redirect_uri,
            "code_verifier": verifier,
            "audience": audience,
        }
        tokens = await ask_for_tokens(self.http, self.app, form)
        return replace(tokens, region=await self._find_region(tokens))

    async def refresh(self, *, brand: str, refresh_token: str) -> TokenSet:  # noqa: ARG002
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await ask_for_tokens(self.http, self.app, form)

    async def revoke(self, *, brand: str, refresh_token: str, login: Login) -> None:
        """Tesla documents no call for this: the owner ends it in the Tesla account. An address may be entered."""
        if "revoke" not in self.app.urls:
            raise AdapterError("account_action", detail="the owner ends it in the Tesla account")
        await super().revoke(brand=brand, refresh_token=refresh_token, login=login)

    async def _find_region(self, tokens: TokenSet) -> str:
        """Return where the login lives. The code is used up by now: nothing that goes wrong may lose the tokens."""
        login = Login(tokens.access_token, tokens.account_id or "", tokens.region)
        try:
            said = await self._cloud.get("/api/1/users/region", login)
        except AdapterError:
            return self._cloud.region_of(login)
        base, name = (said.get("fleet_api_base_url"), said.get("region")) if isinstance(said, dict) else ("", "")
        region = self._cloud.region_at(base) if isinstance(base, str) else ""
        if not region and isinstance(name, str) and name.lower() in self._cloud.regions:
            region = name.lower()
        return region or self._cloud.region_of(login)

    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        found: dict[str, RemoteVehicle] = {}
        for number in range(1, MAX_PAGES + 1):
            answer = await self._cloud.ask("GET", f"/api/1/vehicles?page={number}&per_page={PAGE_SIZE}", login)
            said = self._cloud.said(answer)
            if not isinstance(said, list):
                raise AdapterError("upstream_error", detail="not a list")
            for raw in said:
                vehicle = cars.remote_vehicle(raw) if isinstance(raw, dict) else None
                if vehicle is not None:
                    found[vehicle.provider_vehicle_id] = vehicle
            if not cars.has_next(answer.json() or {}, number):
                break
        return list(found.values())

    # Knowing -----------------------------------------------------------------------------------------------------

    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        found = await self._sender.find_standing(access, is_fresh=True)
        try:
            described = await self._sender.describe(access, "vehicle_config;vehicle_state")
        except AdapterError as error:
            if error.code != "vehicle_asleep":
                raise
            described = {}
        kinds = frozenset(self.manifest.commands)
        return cars.capabilities(kinds, found, described, checked_at=datetime.now(UTC))

    def pairing_url(self, *, brand: str, provider_vehicle_id: str) -> str:  # noqa: ARG002
        domain = self.app.options.get("domain", "")
        if not domain:
            return ""
        return f"{self.app.urls['pairing']}/{quote(domain, safe='')}?{urlencode({'vin': provider_vehicle_id})}"

    async def read(self, access: Access) -> VehicleSnapshot:
        """Ask how the car can be reached first: to read a car that sleeps is an error, and it is billed."""
        online = readings.online_state(await self._cloud.get(self._vehicle(access), access))
        if online == "online":
            with_location = PLACE in (read_claims(access.access_token).scopes or ())
            try:
                body = await self._sender.describe(access, readings.endpoints(with_location=with_location))
            except AdapterError as error:
                if error.code != "vehicle_asleep":
                    raise
                online = "asleep"
            else:
                return readings.snapshot(
                    body, online=online, received_at=datetime.now(UTC), with_location=with_location
                )
        now = datetime.now(UTC)
        return VehicleSnapshot(online_state=online, taken_at=now, readings={"online_state": Reading(online, now)})

    async def wake(self, access: Access, *, budget_s: float) -> bool:
        try:
            async with asyncio.timeout(budget_s):
                said = await self._cloud.post(f"{self._vehicle(access)}/wake_up", access, {})
                if readings.online_state(said) == "online":
                    return True
                for pause_s in chain(WAKE_LOOKS_S, repeat(WAKE_LOOK_S)):
                    await asyncio.sleep(pause_s)
                    if readings.online_state(await self._cloud.get(self._vehicle(access), access)) == "online":
                        return True
        except TimeoutError:
            pass
        return False

    # Being set up ------------------------------------------------------------------------------------------------

    async def check_setup(self) -> list[SetupCheck]:
        return await self._partner.check()

    async def register(self) -> list[SetupCheck]:
        """Tell Tesla, in every region, that our domain is ours. The public key must be served there by now."""
        return await self._partner.register()

    # Acting ------------------------------------------------------------------------------------------------------

    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:  # noqa: ARG002
        return await self._sender.send(access, command, permit)

    @staticmethod
    def _vehicle(access: Access) -> str:
        return f"/api/1/vehicles/{quote(access.provider_vehicle_id, safe='')}"
