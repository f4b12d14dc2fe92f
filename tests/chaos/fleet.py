"""The teams and cars of a run: made once, before anything is allowed to fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.oauth import read_token_answer
from fleet.events.services import acting_as
from fleet.teams.models import Membership, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member, create_team
from fleet.vehicles.models import Connection, Owner, ProviderApp, VehicleLink
from fleet.vehicles.providers import ensure_simulator
from fleet.vehicles.services import join_vehicle, open_connection, save_account
from tests.chaos.maker import ALL_SCOPES, LATENCY_S, Maker

PASSWORD = "a long enough phrase"
TEXT_VERSION = "chaos"
CLIENT_SECRET = "only-for-chaos"
TEAMS = 4
MEMBERS = 4
ACCOUNTS_PER_TEAM_AND_APP = 3
CARS_PER_ACCOUNT = 6
BRANDS = ("volkswagen", "tesla", "renault")


@dataclass(frozen=True)
class Profile:
    """A sort of car: what it is, how it stands at the beginning, and what it is asked for."""

    facts: dict[str, Any]
    signals: dict[str, Any]
    kinds: str


# A car is asked for nothing that its own state refuses: an open trunk does not lock, valet mode opens no trunk. All
# four retry classes are among them.
PROFILES: tuple[Profile, ...] = (
    Profile(
        {"model": "ID.3", "powertrain": "BEV"},
        {"soc_percent": 60},
        "lock unlock set_charge_limit set_temperature start_climate stop_climate flash_lights honk_horn "
        "send_destination",
    ),
    Profile(
        {"model": "ID.4", "powertrain": "BEV"},
        {"soc_percent": 40, "plugged_in": True, "charge_limit_percent": 90},
        "open_trunk close_trunk open_frunk close_frunk start_charge stop_charge set_temperature flash_lights",
    ),
    Profile(
        {"model": "Golf", "powertrain": "ICE"}, {}, "start_engine stop_engine lock unlock honk_horn set_temperature"
    ),
    Profile(
        {"model": "ID.3", "powertrain": "BEV"},
        {"soc_percent": 60},
        "set_pin reset_pin lock unlock set_charge_limit flash_lights",
    ),
    Profile(
        {"model": "ID.3", "powertrain": "BEV"},
        {"soc_percent": 60, "plugged_in": False},
        "enable_valet disable_valet lock unlock open_charge_port close_charge_port send_destination",
    ),
)


@dataclass(frozen=True)
class Car:
    """One car of one team: its vehicle there, its id at the maker, what it is asked for."""

    vehicle_id: str
    team_id: str
    car: str
    kinds: tuple[str, ...]
    is_faulty: bool


@dataclass
class Fleet:
    """Everything that the load presses on. initial: per car what was true of it at the beginning."""

    cars: list[Car]
    people: dict[str, list[str]]
    initial: dict[str, dict[str, Any]]


def make_fleet(maker: Maker, provider_urls: list[str]) -> Fleet:
    """Make teams with members, three registrations at the maker, and some two hundred cars; a third misbehaves later.

    One car in twelve is in two teams at once.
    """
    fleet = Fleet([], {}, {})
    apps = [_make_app(maker, url, number) for number, url in enumerate(provider_urls, 1)]
    teams = [_make_team(number) for number in range(1, TEAMS + 1)]
    for number, owner in enumerate(teams):
        fleet.people[str(owner.team_id)] = [
            user.email for user in User.objects.filter(membership__team=owner.team).order_by("email")
        ]
        for app, brand in zip(apps, BRANDS, strict=True):
            for account in range(ACCOUNTS_PER_TEAM_AND_APP):
                other = teams[(number + 1) % TEAMS] if account == 0 else None
                _join_account(fleet, maker, owner, app, brand, other=other)
    return fleet


def _make_app(maker: Maker, url: str, number: int) -> ProviderApp:
    client_id = f"chaos-{number}"
    maker.register_client(client_id, CLIENT_SECRET)
    return ensure_simulator(url=url, client_id=client_id, client_secret=CLIENT_SECRET)


def _make_team(number: int) -> Membership:
    def user(name: str) -> User:
        return User.objects.create_user(f"{name}{number}@example.com", PASSWORD, name=f"{name} {number}")

    owner = create_team(name=f"Fleet {number}", owner=user("owner"))
    for member in range(1, MEMBERS):
        add_member(team=owner.team, user=user(f"operator{member}-"), role=Role.MANAGER, actor="system:chaos")
    return owner


def _join_account(
    fleet: Fleet, maker: Maker, owner: Membership, app: ProviderApp, brand: str, *, other: Membership | None
) -> None:
    start = len(fleet.cars)
    profiles = [PROFILES[(start + offset) % len(PROFILES)] for offset in range(CARS_PER_ACCOUNT)]
    facts = [{"make": "Volkswagen", "year": 2023, **profile.facts} for profile in profiles]
    made = maker.account(f"owner{start}@owner.example", brand=brand, vehicles=facts)
    saved = save_account(
        app=app, brand=brand, tokens=read_token_answer(maker.tokens(made["account_id"], client_id=app.client_id))
    )
    connection = _open(owner, saved)
    second = _open(other, saved) if other is not None else None
    for offset, (raw, profile) in enumerate(zip(made["vehicles"], profiles, strict=True)):
        maker.set_car(raw["id"], locked=True, **profile.signals)
        maker.behave(raw["id"], latency_s=LATENCY_S)
        fleet.initial[raw["id"]] = maker.signals(raw["id"])
        # Two of six misbehave; the car that two teams share is one of them in half of the accounts.
        is_faulty = offset in {1, 4}
        joins = [connection, second] if second is not None and offset < 2 else [connection]
        for joined in joins:
            link = join(joined, _remote(raw))
            fleet.cars.append(
                Car(str(link.vehicle_id), str(link.team_id), raw["id"], tuple(profile.kinds.split()), is_faulty)
            )


def _open(owner: Membership, account: Any) -> Connection:
    with acting_as("system:chaos"):
        person = Owner.objects.create(team=owner.team, name="Olga Owner")
        return open_connection(
            team=owner.team, account=account, owner=person, scopes_granted=ALL_SCOPES, share_link_id=None
        )


def _remote(raw: dict[str, Any]) -> RemoteVehicle:
    return RemoteVehicle(
        raw["id"], raw["vin"], raw["make"], raw["model"], raw.get("year"), raw.get("powertrain"), None, None
    )


def join(connection: Connection, remote: RemoteVehicle) -> VehicleLink:
    """Put a car into a team, or link it anew after its owner took a permission back."""
    with acting_as("system:chaos"):
        return join_vehicle(connection=connection, remote=remote, scopes=ALL_SCOPES, text_version=TEXT_VERSION)
