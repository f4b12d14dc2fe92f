"""What a provider's tests against its dialect stand on: a registration, an owner's login, cars of it in a team."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.commands import (
    KINDS,
    Command,
    EnableValet,
    Lock,
    SendDestination,
    SetChargeLimit,
    SetPin,
    SetTemperature,
    StartCharge,
    StopCharge,
    Unlock,
)
from fleet.adapters.http import Http
from fleet.adapters.oauth import TokenSet, read_token_answer
from fleet.adapters.providers.simulator.payloads import WORDS
from fleet.adapters.providers.tesla.adapter import TeslaAdapter
from fleet.adapters.providers.tesla.signing.keys import make_signing_key, public_key_pem
from fleet.adapters.registry import get_adapter
from fleet.events.services import acting_as
from fleet.teams.models import Membership
from fleet.vehicles.logins import get_login
from fleet.vehicles.models import Owner, ProviderAccount, ProviderApp, VehicleLink
from fleet.vehicles.providers import make_adapter, place_of_secrets
from fleet.vehicles.sealing import seal, unseal
from fleet.vehicles.services import join_vehicle, open_connection, read_vehicle, save_account
from tests.commands.rig import Car
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET, Account, Simulator

Known = tuple[str, str, str, str]
PIN = "8317"
PLUGGED: Mapping[str, Any] = {"plugged_in": True, "charging_state": "stopped"}
CHARGING: Mapping[str, Any] = {"plugged_in": True, "charging_state": "charging"}
# How a car has to be before an order, so that the order changes something.
BEFORE: Mapping[str, Mapping[str, Any]] = {
    "lock": {"locked": False},
    "unlock": {"locked": True},
    "start_charge": PLUGGED,
    "stop_charge": CHARGING,
    "close_charge_port": {"charge_port_open": True},
    "stop_climate": {"climate_on": True},
    "close_trunk": {"trunk_open": True},
    "close_frunk": {"frunk_open": True},
    "disable_valet": {"valet_mode": True},
    "stop_engine": {"engine_running": True},
}
ORDERS = {
    order.kind: order
    for order in (
        SetChargeLimit(70),
        SetTemperature(19.0),
        SendDestination(52.52, 13.405, "Depot"),
        SetPin(PIN),
        EnableValet(PIN),
    )
}


@dataclass(frozen=True)
class Joined:
    """A car in a team, and the same car in the lab."""

    link: VehicleLink
    car: Car
    account: Account


@dataclass(frozen=True)
class Case:
    """An order, how the car is before it, how the lab behaves, and what we know in the end."""

    order: Command
    state: Mapping[str, Any] = field(default_factory=dict)
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    known: Known = ("confirmed", "readback", "", "")


class Bench:
    """How one provider is reached in the lab. Inherit it, and say how a registration and a login come about."""

    provider: ClassVar[str]
    brand: ClassVar[str] = "volkswagen"
    make: ClassVar[Mapping[str, Any]] = {"make": "Volkswagen", "model": "ID.3", "year": 2023}
    # A command that may be sent once, one that may be sent three times, how the car is before, and the lab's words.
    once: ClassVar[Case] = Case(Unlock(), {"locked": True})
    thrice: ClassVar[Case] = Case(Lock(), {"locked": False})
    words: ClassVar[tuple[str, str]] = ("unlock", "lock")
    # What is known in the end of each order that is not confirmed by what the provider says.
    ends: ClassVar[Mapping[str, Known]] = {}
    says: ClassVar[Known] = ("confirmed", "readback", "", "")
    # How an order for a sleeping car ends where nobody can wake it.
    asleep: ClassVar[Known] = ("refused", "", "vehicle_asleep", "")
    # Statuses after which the lab's maker says that the car did not act: that it did is then no fault, but a lie.
    denials: ClassVar[frozenset[int]] = frozenset()
    # The adapter asks something before each command.
    asks_first: ClassVar[bool] = False
    pin = PIN

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.base = f"{simulator.url}/dialects/{self.provider}"

    # The registration -------------------------------------------------------------------------------------------

    def urls(self) -> dict[str, str]:
        raise NotImplementedError

    def secrets(self) -> dict[str, str]:
        return {}

    def options(self) -> dict[str, str]:
        return {}

    def app(self) -> ProviderApp:
        """Return the installation's registration at this provider, whose addresses are the lab's."""
        found = ProviderApp.objects.filter(provider=self.provider, client_id=CLIENT_ID).first()
        if found is not None:
            return found
        app = ProviderApp(provider=self.provider, client_id=CLIENT_ID, name=self.provider.title())
        app.urls, app.options = self.urls(), self.options()
        app.client_secret_sealed = seal(CLIENT_SECRET, bound_to=f"provider_app:{app.id}:client_secret")
        app.secrets_sealed = seal(json.dumps(self.secrets()), bound_to=place_of_secrets(app))
        app.save()
        self.register(app)
        return app

    def register(self, app: ProviderApp) -> None:
        """Do at the provider what an operator does besides writing down id and secret."""

    # The owner and the cars --------------------------------------------------------------------------------------

    def grant(self, account: Account) -> TokenSet:
        """Return the tokens that the owner's sign-in would bring."""
        raise NotImplementedError

    def login(self, account: Account) -> ProviderAccount:
        return save_account(app=self.app(), brand=account.brand, tokens=self.grant(account))

    def list_cars(self, saved: ProviderAccount) -> list[RemoteVehicle]:
        async def ask() -> list[RemoteVehicle]:
            async with Http() as http:
                return await make_adapter(saved.app, http).list_vehicles(get_login_now)

        get_login_now = get_login(saved.id)
        return asyncio.run(ask())

    def open_account(self, *vehicles: Mapping[str, Any]) -> Account:
        return self.simulator.account(*({**self.make, **vehicle} for vehicle in vehicles), brand=self.brand)

    def join(self, membership: Membership, *vehicles: Mapping[str, Any], learn: bool = False) -> list[Joined]:
        """Put cars of one owner into the team as an owner would have, everything allowed; none is read unless told."""
        account = self.open_account(*(vehicles or ({},)))
        saved = self.login(account)
        known = {remote.vin: remote for remote in self.list_cars(saved)}
        scopes = sorted(get_adapter(self.provider).manifest.scopes)
        joined = []
        with acting_as("system:test"):
            owner = Owner.objects.create(team=membership.team, name="Olga Owner")
            connection = open_connection(
                team=membership.team, account=saved, owner=owner, scopes_granted=scopes, share_link_id=None
            )
            for car in account.cars:
                remote = known[car["vin"]]
                link = join_vehicle(connection=connection, remote=remote, scopes=scopes, text_version="test")
                if learn:
                    read_vehicle(link, with_capabilities=True)
                joined.append(Joined(link, Car(self.simulator, car["id"]), account))
        return joined

    def join_one(self, membership: Membership, *, learn: bool = False, **vehicle: Any) -> Joined:
        return self.join(membership, vehicle, learn=learn)[0]

    def orders(self) -> list[Case]:
        """Return each order that the provider takes, and what is known of it in the end."""
        kinds = [kind for kind in KINDS if kind in get_adapter(self.provider).manifest.commands]
        return [
            Case(ORDERS.get(kind) or KINDS[kind](), BEFORE.get(kind, {}), known=self.ends.get(kind, self.says))
            for kind in kinds
        ]

    def refusals(self) -> list[Case]:
        """Return what cars and the maker say no to here, each by the lab's word for it."""
        raise NotImplementedError

    def vehicle_for(self, order: Command) -> dict[str, Any]:  # noqa: ARG002
        """Return the facts of a car that has what the order needs."""
        return {}

    def word(self, kind: str) -> str:
        """Return the ledger's word for what the car did."""
        return WORDS[kind]

    def tokens_of(self, account: ProviderAccount) -> list[str]:
        """Return every secret that stands for the owner: none of them may be read anywhere."""
        account.refresh_from_db()
        kept = [(account.access_token_sealed, "access"), (account.refresh_token_sealed, "refresh")]
        found = [
            unseal(sealed, bound_to=f"provider_account:{account.id}:{what}")
            for sealed, what in kept
            if sealed is not None
        ]
        return [*found, get_login(account.id).access_token, CLIENT_SECRET, *self.secrets().values()]

    def without_control(self, account: Account) -> TokenSet:
        """Return the tokens of an owner who left out at the maker what our order needs."""
        raise NotImplementedError

    def join_without_control(self, membership: Membership, **vehicle: Any) -> Joined:
        """Join a car whose owner allowed everything to us and less to the maker."""
        given, self.grant = self.grant, self.without_control  # type: ignore[method-assign]
        try:
            return self.join_one(membership, **vehicle)
        finally:
            self.grant = given  # type: ignore[method-assign]

    def ask_lab(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.simulator._ask(method, f"/dialects/{self.provider}/_control/{path}", body)


def refused(reason: str) -> Known:
    return "refused", "", "vehicle_refused", reason


class VolvoBench(Bench):
    provider, brand = "volvo", "volvo"
    asks_first = True
    make: ClassVar[Mapping[str, Any]] = {"make": "Volvo", "model": "EX30", "year": 2024}
    says: ClassVar[Known] = ("confirmed", "provider", "", "")
    once: ClassVar[Case] = Case(Unlock(), {"locked": True}, known=says)
    thrice: ClassVar[Case] = Case(Lock(), {"locked": False}, known=says)

    def urls(self) -> dict[str, str]:
        return {
            "authorize": f"{self.base}/as/authorization.oauth2",
            "token": f"{self.base}/as/token.oauth2",
            "api": self.base,
        }

    def secrets(self) -> dict[str, str]:
        return {"api_key": "volvo-lab-api-key"}

    def vehicle_for(self, order: Command) -> dict[str, Any]:
        return {"model": "XC60", "year": 2019, "powertrain": "ICE"} if "engine" in order.kind else {}

    def refusals(self) -> list[Case]:
        return [
            Case(Lock(), {"locked": False}, {"refuse": "door_open"}, refused("door_open")),
            Case(Lock(), {"locked": False}, {"refuse": "in_motion"}, refused("usage_mode")),
            Case(Lock(), {"locked": False}, {"refuse": "low_12v"}, refused("other")),
            Case(Unlock(), {}, {"refuse": "remote_access_disabled"}, ("refused", "", "account_action", "")),
            Case(Unlock(), {}, {"refuse": "busy"}, ("refused", "", "busy", "")),
            Case(Unlock(), {}, {"maker_says": {"word": "UNLOCK_TIME_FRAME_PASSED"}}, refused("window_passed")),
        ]

    def grant(self, account: Account) -> TokenSet:
        return self._tokens(account)

    def without_control(self, account: Account) -> TokenSet:
        scopes = ["openid", "conve:vehicle_relation", "conve:commands", "conve:command_accessibility"]
        return self._tokens(account, scopes=scopes)

    def _tokens(self, account: Account, **more: Any) -> TokenSet:
        answer = self.ask_lab("POST", "tokens", {"account_id": account.id, "client_id": CLIENT_ID, **more})
        return replace(read_token_answer(answer), scopes=None)


class TeslaBench(Bench):
    provider, brand = "tesla", "tesla"
    asks_first = True
    make: ClassVar[Mapping[str, Any]] = {"make": "Tesla", "model": "Model 3", "year": 2024}
    signing_key: ClassVar[str] = make_signing_key()
    says: ClassVar[Known] = ("confirmed", "vehicle_ack", "", "")
    once: ClassVar[Case] = Case(Unlock(), {"locked": True}, known=says)
    thrice: ClassVar[Case] = Case(Lock(), {"locked": False}, known=says)
    denials: ClassVar[frozenset[int]] = frozenset({503})  # by Tesla's own library the car did not act then
    # A car that holds a PIN already says yes and keeps the older one: nobody knows before a person has tried it.
    ends: ClassVar[Mapping[str, Known]] = {"set_pin": ("sent", "", "", "")}

    def refusals(self) -> list[Case]:
        return [
            Case(Lock(), {"locked": False}, {"refuse": "door_open"}, refused("door_open")),
            Case(Unlock(), {}, {"refuse": "in_motion"}, refused("not_parked")),
            Case(Unlock(), {}, {"refuse": "busy"}, ("refused", "", "busy", "")),
            Case(StartCharge(), PLUGGED, {"refuse": "low_battery"}, refused("low_battery")),
        ]

    def urls(self) -> dict[str, str]:
        return {
            "authorize": f"{self.base}/oauth2/v3/authorize",
            "token": f"{self.base}/oauth2/v3/token",
            "api_eu": f"{self.base}/eu",
            "api_na": f"{self.base}/na",
            "pairing": f"{self.base}/_ak",
        }

    def secrets(self) -> dict[str, str]:
        return {"signing_key": self.signing_key}

    def options(self) -> dict[str, str]:
        return {"domain": "fleet.example"}

    def grant(self, account: Account) -> TokenSet:
        return self._tokens(account)

    def without_control(self, account: Account) -> TokenSet:
        return self._tokens(account, scopes=["openid", "offline_access", "vehicle_device_data"])

    def _tokens(self, account: Account, **more: Any) -> TokenSet:
        answer = self.ask_lab("POST", "tokens", {"account_id": account.id, "client_id": CLIENT_ID, **more})
        tokens = read_token_answer(answer)
        return TokenSet(tokens.access_token, tokens.refresh_token, tokens.expires_in_s, None, account.id, "eu")

    def register(self, app: ProviderApp) -> None:
        self.ask_lab("PUT", "settings", {"domain_keys": {"fleet.example": public_key_pem(self.signing_key)}})

        async def tell() -> None:
            async with Http() as http:
                adapter = make_adapter(app, http)
                assert isinstance(adapter, TeslaAdapter)
                await adapter.register()

        asyncio.run(tell())


class SmartcarBench(Bench):
    provider = "smartcar"
    says: ClassVar[Known] = ("confirmed", "provider", "", "")
    denials: ClassVar[frozenset[int]] = frozenset({502, 503})  # its word for them is KNOWN_ISSUE
    once: ClassVar[Case] = Case(Unlock(), {"locked": True}, known=says)
    thrice: ClassVar[Case] = Case(Lock(), {"locked": False}, known=says)

    def refusals(self) -> list[Case]:
        return [
            Case(Lock(), {"locked": False}, {"refuse": "door_open"}, refused("door_open")),
            Case(Unlock(), {}, {"refuse": "in_motion"}, refused("in_motion")),
            Case(StartCharge(), {"plugged_in": False}, {}, refused("plug_not_connected")),
        ]

    def urls(self) -> dict[str, str]:
        return {
            "authorize": f"{self.base}/oauth/authorize",
            "token": f"{self.base}/oauth2/token",
            "api": f"{self.base}/v3",
            "compatibility": f"{self.base}/v3",
        }

    def secrets(self) -> dict[str, str]:
        return {"management_token": "smartcar-lab-management-token"}

    def grant(self, account: Account) -> TokenSet:
        return self._connect(account)

    def without_control(self, account: Account) -> TokenSet:
        return self._connect(account, permissions=["read_vin", "read_vehicle_info", "read_security"])

    def _connect(self, account: Account, **more: Any) -> TokenSet:
        given = self.ask_lab("POST", "connections", {"account_id": account.id, "client_id": CLIENT_ID, **more})
        return TokenSet("", None, 3600, None, given["user_id"])


class EnodeBench(Bench):
    provider = "enode"
    once: ClassVar[Case] = Case(StartCharge(), {"plugged_in": True, "charging_state": "stopped"})
    thrice: ClassVar[Case] = Case(StopCharge(), {"plugged_in": True, "charging_state": "charging"})
    words: ClassVar[tuple[str, str]] = ("charge.start", "charge.stop")
    asleep: ClassVar[Known] = ("queued", "", "vehicle_unreachable", "")

    def refusals(self) -> list[Case]:
        failed = ("failed", "", "vehicle_refused", "other")  # taken first, and given up later
        return [Case(StartCharge(), PLUGGED, {"refuse": "plug_not_connected"}, failed)]

    def urls(self) -> dict[str, str]:
        return {"token": f"{self.base}/oauth2/token", "api": self.base}

    def secrets(self) -> dict[str, str]:
        return {"webhook_secret": "only-for-tests-only-for-tests"}

    def grant(self, account: Account) -> TokenSet:
        return self._link(account)

    def without_control(self, account: Account) -> TokenSet:
        return self._link(account, scopes=["vehicle:read:data", "vehicle:read:location"])

    def _link(self, account: Account, **more: Any) -> TokenSet:
        fields = {"account_id": account.id, "client_id": CLIENT_ID, "user_id": f"user-{account.id}", **more}
        self.ask_lab("POST", "links", fields)
        return TokenSet("", None, 3600, None, fields["user_id"])
