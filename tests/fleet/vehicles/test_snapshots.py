"""Storing what a read brought: the newest per signal, within the owner's consent; pages hear of changes alone."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from fleet.adapters.signals import Reading, VehicleSnapshot
from fleet.teams.models import Membership
from fleet.vehicles.models import (
    Connection,
    Consent,
    Lane,
    Owner,
    ProviderAccount,
    Vehicle,
    VehicleLink,
    VehicleSignal,
)
from fleet.vehicles.snapshots import save_snapshot
from tests.factories import make_simulator_app, make_team
from tests.infrastructure.databases import CommittedDatabase

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SCOPES = {"read_battery", "read_lock_state"}


def make_vehicle(membership: Membership) -> Vehicle:
    lane = Lane.objects.create(key=uuid4().hex)
    vehicle = Vehicle.objects.create(team=membership.team, lane=lane, make="Volkswagen", model="ID.3")
    account = ProviderAccount.objects.create(app=make_simulator_app(), brand="volkswagen", provider_user_id=lane.key)
    owner = Owner.objects.create(team=membership.team)
    connection = Connection.objects.create(team=membership.team, account=account, owner=owner)
    link = VehicleLink.objects.create(
        team=membership.team, connection=connection, vehicle=vehicle, provider_vehicle_id=lane.key
    )
    Consent.objects.bulk_create(
        Consent(team=membership.team, link=link, scope=scope, text_version="test") for scope in sorted(SCOPES)
    )
    return vehicle


def save(vehicle: Vehicle, *, at: datetime = NOON, scopes: set[str] = SCOPES, **values: object) -> None:
    snapshot = VehicleSnapshot("online", at, {name: Reading(value, at) for name, value in values.items()})
    link = VehicleLink.objects.get(vehicle=vehicle)
    save_snapshot(snapshot, link=link, scopes=scopes, source="simulator", purpose="regular")


def stored(vehicle: Vehicle) -> dict[str, tuple[object, datetime]]:
    return {row.signal: (row.value, row.observed_at) for row in VehicleSignal.objects.filter(vehicle=vehicle)}


def test_save_snapshot_when_first_stores_values_with_their_time_and_source(db: None) -> None:
    vehicle = make_vehicle(make_team())

    save(vehicle, soc_percent=68, locked=True)

    assert stored(vehicle) == {"soc_percent": (68, NOON), "locked": (True, NOON)}
    assert set(VehicleSignal.objects.values_list("source", "team_id")) == {("simulator", vehicle.team_id)}
    vehicle.refresh_from_db()
    assert vehicle.read_at is not None


def test_save_snapshot_when_older_never_overwrites(db: None) -> None:
    vehicle = make_vehicle(make_team())
    save(vehicle, soc_percent=80)

    save(vehicle, at=NOON - timedelta(seconds=1), soc_percent=20, locked=True)
    save(vehicle, at=NOON + timedelta(seconds=1), locked=False)

    assert stored(vehicle) == {"soc_percent": (80, NOON), "locked": (False, NOON + timedelta(seconds=1))}


def test_save_snapshot_when_a_signal_is_missing_keeps_its_last_value(db: None) -> None:
    vehicle = make_vehicle(make_team())
    save(vehicle, soc_percent=80)

    save(vehicle, at=NOON + timedelta(minutes=1))

    assert stored(vehicle) == {"soc_percent": (80, NOON)}


def test_save_snapshot_when_owner_did_not_allow_it_drops_the_signal(db: None) -> None:
    vehicle = make_vehicle(make_team())

    save(vehicle, scopes={"read_battery"}, soc_percent=68, locked=True, location={"latitude": 1.0, "longitude": 2.0})

    assert stored(vehicle) == {"soc_percent": (68, NOON)}


@pytest.fixture
def pages(committed_db: CommittedDatabase) -> psycopg.Connection:
    with psycopg.connect(committed_db.url, autocommit=True) as listener:
        listener.execute("LISTEN fleetwell_live")
        yield listener


def told(listener: psycopg.Connection) -> list[str]:
    return [note.payload for note in listener.notifies(timeout=0.2) if "vehicle.read" in note.payload]


def test_save_snapshot_when_nothing_changed_tells_no_page(pages: psycopg.Connection) -> None:
    vehicle = make_vehicle(make_team())
    save(vehicle, soc_percent=68)
    first = told(pages)

    save(vehicle, at=NOON + timedelta(minutes=1), soc_percent=68)
    second = told(pages)
    save(vehicle, at=NOON + timedelta(minutes=2), soc_percent=69)
    third = told(pages)

    assert [len(first), len(second), len(third)] == [1, 0, 1]
    assert str(vehicle.id) in first[0]
    assert "68" not in first[0].replace(str(vehicle.id), "").replace(str(vehicle.team_id), "")
