"""The Adapter contract: what every maker's adapter offers, and the one gate that every command passes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from fleet.adapters.capabilities import Capability, Manifest
from fleet.adapters.commands import Command
from fleet.adapters.errors import MaybeExecuted, NotExecuted, Verdict
from fleet.adapters.http import Http, NoAnswer, OnePermit, Permit
from fleet.adapters.oauth import (
    AppCredential,
    TokenSet,
    authorize_url,
    exchange_code,
    refresh_tokens,
    revoke_token,
)
from fleet.adapters.rules import RetryClass
from fleet.adapters.sessions import SessionsInMemory, SessionStore
from fleet.adapters.setup import SetupCheck
from fleet.adapters.signals import VehicleSnapshot
from fleet.adapters.webhooks import Delivery


@dataclass(frozen=True)
class Brand:
    """A make whose owners sign in through this provider."""

    key: str
    name: str
    # Two letters each; empty means everywhere.
    countries: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteVehicle:
    """A car as the maker lists it. None means that the maker did not say."""

    provider_vehicle_id: str
    vin: str | None
    make: str
    model: str
    year: int | None
    powertrain: str | None
    display_name: str | None = None
    license_plate: str | None = None


@dataclass(frozen=True)
class Access:
    """A valid access token and the car it is used for. Lives only in the memory of the process that uses it."""

    provider_vehicle_id: str
    access_token: str = field(repr=False)
    account_id: str = ""
    region: str = ""


@dataclass(frozen=True)
class Login:
    """An owner's login at the maker and a valid token for it, which may be the whole application's.

    account_id: the maker's id of the owner; region: where the login lives, "" for makers with one cloud.
    """

    access_token: str = field(repr=False)
    account_id: str = ""
    region: str = ""

    def to(self, provider_vehicle_id: str) -> Access:
        """Return the access to one of the login's cars."""
        return Access(provider_vehicle_id, self.access_token, self.account_id, self.region)


class Adapter(ABC):
    """One maker's (or broker's) cloud behind the common words.

    Made per event loop and application: `Adapter(app, http, sessions)`. A maker's own words and quirks stay behind it:
    no method raises anything but AdapterError (and, from `send`, PermitRefused, NotWritten, PermitUsedTwice).
    """

    manifest: ClassVar[Manifest]

    def __init__(self, app: AppCredential, http: Http, sessions: SessionStore | None = None) -> None:
        self.app = app
        self.http = http
        self.sessions: SessionStore = sessions or SessionsInMemory()

    # Joining -----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def list_brands(self) -> list[Brand]:
        """Return the makes an owner can choose here, in the maker's spelling. Raises AdapterError."""

    def begin_connect(self, *, brand: str, state: str, verifier: str, scopes: Iterable[str], language: str) -> str:
        """Return the address to which the owner's browser is sent. Does no network call."""
        return authorize_url(
            self.app_for_brand(brand), state=state, verifier=verifier, scopes=scopes, language=language
        )

    async def open_sign_in(self, *, brand: str, state: str, scopes: Iterable[str], language: str, our_id: str) -> str:
        """Ask the provider for the address of one sign-in (SignIn.ASKED). our_id: our name for the owner to be.

        Raises AdapterError.
        """
        raise NotImplementedError

    async def finish_connect(self, *, brand: str, answer: Mapping[str, str], verifier: str, our_id: str) -> TokenSet:  # noqa: ARG002
        """Trade what the way back carried (manifest.callback_fields) for tokens. Raises GrantRefused or AdapterError.

        The answer names the login (account_id); with tokens of the owner's it brings a refresh token too.
        """
        return await exchange_code(self.http, self.app_for_brand(brand), code=answer["code"], verifier=verifier)

    async def application_token(self) -> TokenSet:
        """Return a token of the application itself (Tokens.APPLICATION). Raises AdapterError."""
        raise NotImplementedError

    async def refresh(self, *, brand: str, refresh_token: str) -> TokenSet:
        """Return new tokens. Raises GrantRefused (definite) or AdapterError (the grant may still live)."""
        return await refresh_tokens(self.http, self.app_for_brand(brand), refresh_token=refresh_token)

    async def revoke(self, *, brand: str, refresh_token: str, login: Login) -> None:  # noqa: ARG002
        """End the grant at the maker. Raises AdapterError when the maker did not confirm it.

        refresh_token: "" with tokens of the application's; login: with a token that may be over.
        """
        await revoke_token(self.http, self.app_for_brand(brand), token=refresh_token)

    def app_for_brand(self, brand: str) -> AppCredential:  # noqa: ARG002
        """Return the registration to use for one make; a provider with one sign-in for all returns its own."""
        return self.app

    @abstractmethod
    async def list_vehicles(self, login: Login) -> list[RemoteVehicle]:
        """Return every car of the login, all pages followed, none twice. Raises AdapterError."""

    # Knowing -----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def read_capabilities(self, access: Access) -> Mapping[str, Capability]:
        """Return what this car can do, per command kind; what the maker does not say is absent. Raises AdapterError."""

    def pairing_url(self, *, brand: str, provider_vehicle_id: str) -> str:  # noqa: ARG002
        """Return where the owner lets our key into a car whose capabilities say needs_pairing; "" where there is no
        such page. Does no network call.
        """
        return ""

    @abstractmethod
    async def read(self, access: Access) -> VehicleSnapshot:
        """Return the last values the maker has, without waking the car. Raises AdapterError."""

    @abstractmethod
    async def wake(self, access: Access, *, budget_s: float) -> bool:
        """Wake the car and wait at most budget_s; True when it is awake. Acts once at most. Raises AdapterError."""

    # Being told, and being set up ---------------------------------------------------------------------------------

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Check and read one delivery; body is every byte as it came. headers: names in lower case. No network call.

        Raises BadSignature, and AdapterError("upstream_error") for what is signed and makes no sense.
        """
        raise NotImplementedError

    async def check_setup(self) -> list[SetupCheck]:
        """Try our registration, without an owner, and say step by step what works. Never raises AdapterError."""
        return []

    async def register(self) -> list[SetupCheck]:
        """Tell the provider of our public key, where its cars take signed commands alone; as check_setup says it."""
        return []

    # Acting ------------------------------------------------------------------------------------------------------

    async def send(
        self, access: Access, command: Command, *, permit: Permit, request_id: str, left_s: float | None = None
    ) -> Verdict:
        """Send one command by exactly one request that may act, and say what is known afterwards.

        left_s: seconds until its deadline, for makers whose cars can be told until when an order holds.

        permit is awaited once, between connect and the first byte. Raises PermitRefused or NotWritten when it was not
        given (nothing left), PermitUsedTwice when an adapter tries a second acting request. Everything else is a
        verdict; after the first byte the default is MaybeExecuted.
        """
        if command.kind not in self.manifest.commands:
            return NotExecuted("not_capable", written=False)
        once = OnePermit(permit, may_reuse=command.retry_class is RetryClass.A, left_s=left_s)
        try:
            verdict = await self._send(access, command, once, request_id)
        except NoAnswer as error:
            if error.was_written:
                return MaybeExecuted(detail=error.detail)
            return NotExecuted("upstream_down", retry_after_s=2.0, written=False)
        if not once.is_released and not isinstance(verdict, NotExecuted):
            raise AssertionError(f"{self.manifest.key} answered {verdict} without asking the permit")
        return verdict

    @abstractmethod
    async def _send(self, access: Access, command: Command, permit: OnePermit, request_id: str) -> Verdict:
        """Make the request with `self.http.act(..., permit=permit)` and translate the answer. May raise NoAnswer."""

    async def poll(self, access: Access, ref: str) -> Verdict | None:  # noqa: ARG002
        """Ask the maker what became of an accepted command; None when it does not know or cannot say."""
        return None
