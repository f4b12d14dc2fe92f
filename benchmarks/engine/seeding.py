"""A team with thousands of cars, made fast: one car joins as any would, and its rows are copied for the rest.

Import it after Django is set up, that is, while a rig is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from benchmarks.engine.rig import Rig
from fleet.adapters.base import RemoteVehicle
from fleet.adapters.oauth import TokenSet, read_token_answer
from fleet.events.services import acting_as
from fleet.run.environment import CLIENT_ID
from fleet.teams.models import Membership, User
from fleet.teams.services import create_team
from fleet.vehicles.models import Connection, Lane, Owner, ProviderApp, Vehicle, VehicleLink
from fleet.vehicles.providers import ensure_simulator
from fleet.vehicles.services import join_vehicle, open_connection, read_vehicle, save_account

BRAND = "volkswagen"
CAR = {"make": "Volkswagen", "model": "ID.3", "year": 2023, "state": {"locked": True, "soc_percent": 60}}
READS = ("vin", "odometer", "battery", "charge", "location", "lock_state", "climate", "fuel", "tires")
CONTROLS = ("security", "charge", "climate", "navigation", "pin", "trunk", "engine")
SCOPES = [*(f"read_{name}" for name in READS), *(f"control_{name}" for name in CONTROLS)]
CARS_PER_ACCOUNT = 100

# What the first car allowed and last reported, for every other car of its team. Run without triggers and foreign keys.
COPY_CONSENTS = """
INSERT INTO vehicles_consent (id, team_id, link_id, scope, text_version)
SELECT gen_random_uuid(), k.team_id, l.id, k.scope, k.text_version
FROM vehicles_consent k JOIN vehicles_vehiclelink l ON l.team_id = k.team_id AND l.id <> k.link_id
WHERE k.link_id = %(link)s
"""
COPY_SIGNALS = """
INSERT INTO vehicles_vehiclesignal (team_id, vehicle_id, signal, value, observed_at, source)
SELECT s.team_id, l.vehicle_id, s.signal, s.value, s.observed_at, s.source
FROM vehicles_vehiclesignal s JOIN vehicles_vehiclelink l ON l.team_id = s.team_id AND l.vehicle_id <> s.vehicle_id
WHERE s.vehicle_id = %(vehicle)s
"""
# The state counts as just read: what the figure is about is sending, not looking first.
REFRESH = (
    "UPDATE vehicles_vehiclesignal SET observed_at = clock_timestamp(), received_at = clock_timestamp()",
    "UPDATE vehicles_vehicle SET read_at = clock_timestamp()",
)


@dataclass(frozen=True)
class Car:
    """One car of the fleet: our rows, and how its maker knows it."""

    vehicle_id: UUID
    link_id: UUID
    lane_id: UUID
    provider_vehicle_id: str
    access_token: str


@dataclass(frozen=True)
class Fleet:
    """A team with its owner and all its cars, at one provider."""

    membership: Membership
    app: ProviderApp
    cars: list[Car]


def make_fleet(rig: Rig, name: str, cars: int) -> Fleet:
    """Make a team with so many cars at the simulator, everything allowed, state just read."""
    user = User.objects.create_user(f"{uuid4().hex[:12]}@owner.example", None, name="Robin Example")
    membership = create_team(name=name, owner=user)
    app = ensure_simulator(url=rig.simulator_url, client_id=CLIENT_ID, client_secret=rig.client_secret)
    made: list[Car] = []
    with acting_as("system:benchmark"):
        for start in range(0, cars, CARS_PER_ACCOUNT):
            made += _make_account(rig, membership, app, number=min(CARS_PER_ACCOUNT, cars - start), join=not made)
    _copy_first_car(rig, made)
    return Fleet(membership, app, made)


def _make_account(rig: Rig, membership: Membership, app: ProviderApp, *, number: int, join: bool) -> list[Car]:
    answer = rig.control(
        "POST",
        "accounts",
        {"brand": BRAND, "email": f"{uuid4().hex[:12]}@owner.example", "password": "x", "vehicles": [CAR] * number},
    )
    wanted = {"account_id": answer["account_id"], "client_id": CLIENT_ID, "scopes": SCOPES}
    tokens = read_token_answer(rig.control("POST", "tokens", wanted))
    account = save_account(app=app, brand=BRAND, tokens=tokens)
    owner = Owner.objects.create(team=membership.team, name="Olga Owner")
    connection = open_connection(
        team=membership.team, account=account, owner=owner, scopes_granted=SCOPES, share_link_id=None
    )
    remotes = [
        RemoteVehicle(raw["id"], raw["vin"], raw["make"], raw["model"], raw["year"], raw["powertrain"])
        for raw in answer["vehicles"]
    ]
    links = []
    if join:
        links.append(join_vehicle(connection=connection, remote=remotes[0], scopes=SCOPES, text_version="benchmark"))
        read_vehicle(links[0], with_capabilities=True)
        links[0].refresh_from_db()
    links += _add_links(connection, remotes[len(links) :])
    return [_car(link, tokens) for link in links]


def _add_links(connection: Connection, remotes: Sequence[RemoteVehicle]) -> list[VehicleLink]:
    """Write the rows of more cars as join_vehicle would, many at once."""
    lanes = Lane.objects.bulk_create(Lane(key=uuid4().hex) for _ in remotes)
    vehicles = Vehicle.objects.bulk_create(
        Vehicle(
            team_id=connection.team_id,
            lane=lane,
            vin=remote.vin or "",
            make=remote.make,
            model=remote.model,
            year=remote.year,
            powertrain=remote.powertrain or "",
        )
        for lane, remote in zip(lanes, remotes, strict=True)
    )
    return VehicleLink.objects.bulk_create(
        VehicleLink(
            team_id=connection.team_id,
            connection=connection,
            vehicle=vehicle,
            provider_vehicle_id=remote.provider_vehicle_id,
        )
        for vehicle, remote in zip(vehicles, remotes, strict=True)
    )


def _car(link: VehicleLink, tokens: TokenSet) -> Car:
    return Car(link.vehicle_id, link.id, link.vehicle.lane_id, link.provider_vehicle_id, tokens.access_token)


def _copy_first_car(rig: Rig, cars: Sequence[Car]) -> None:
    first = {"link": cars[0].link_id, "vehicle": cars[0].vehicle_id}
    with rig.admin() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(COPY_CONSENTS, first)
        connection.execute(COPY_SIGNALS, first)
        connection.execute(
            "UPDATE vehicles_vehiclelink l SET capabilities = f.capabilities FROM vehicles_vehiclelink f "
            "WHERE f.id = %(link)s AND l.team_id = f.team_id AND l.id <> f.id",
            first,
        )
        for statement in REFRESH:
            connection.execute(statement)
        # What autovacuum would have done in the minutes in which a fleet of this size is joined.
        connection.execute("VACUUM ANALYZE")
