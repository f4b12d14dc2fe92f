"""Joining, joining again, withdrawing, ending and removing: what stays, what ends, and what the log says."""

from collections.abc import Iterable

import pytest
from django.db import IntegrityError, connection

from fleet.adapters.base import RemoteVehicle
from fleet.adapters.errors import AdapterError
from fleet.adapters.oauth import TokenSet
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes, withdraw_consent
from fleet.vehicles.models import Connection, Consent, Lane, Owner, ProviderAccount, Vehicle, VehicleLink
from fleet.vehicles.services import (
    end_link,
    join_vehicle,
    open_connection,
    remove_vehicle,
    save_account,
)
from tests.factories import make_simulator_app, make_team

VIN = "WVWZZZE1ZMP012345"
SCOPES = ("read_battery", "control_security")


@pytest.fixture
def manager(db: None) -> Membership:
    return make_team()


def tokens(account_id: str | None = "acc-1", *, has_refresh_token: bool = True) -> TokenSet:
    return TokenSet("access", "refresh" if has_refresh_token else None, 3600, frozenset(SCOPES), account_id)


def make_connection(membership: Membership, *, login: str = "acc-1", scopes: Iterable[str] = SCOPES) -> Connection:
    account = save_account(app=make_simulator_app(), brand="volkswagen", tokens=tokens(login))
    owner = Owner.objects.create(team=membership.team, name="Olga Owner")
    return open_connection(
        team=membership.team, account=account, owner=owner, scopes_granted=scopes, share_link_id=None
    )


def remote(vin: str | None = VIN, car: str = "car-1") -> RemoteVehicle:
    return RemoteVehicle(car, vin, "Volkswagen", "ID.3", 2023, "BEV", license_plate="DEMO 1")


def join(grant: Connection, car: RemoteVehicle | None = None, scopes: Iterable[str] = SCOPES) -> VehicleLink:
    return join_vehicle(connection=grant, remote=car or remote(), scopes=scopes, text_version="v1")


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("lacking", [tokens(None), tokens(has_refresh_token=False)], ids=["account", "refresh token"])
def test_save_account_when_answer_lacks_something_keeps_nothing(manager: Membership, lacking: TokenSet) -> None:
    with pytest.raises(AdapterError) as error:
        save_account(app=make_simulator_app(), brand="volkswagen", tokens=lacking)

    assert error.value.code == "upstream_error"
    assert not ProviderAccount.objects.exists()


def test_save_account_when_the_same_login_comes_again_is_one_row(manager: Membership) -> None:
    app = make_simulator_app()

    first = save_account(app=app, brand="volkswagen", tokens=tokens())
    again = save_account(app=app, brand="volkswagen", tokens=tokens())
    elsewhere = save_account(app=app, brand="skoda", tokens=tokens())

    assert (first.id, again.token_version) == (again.id, 2)
    assert elsewhere.id != first.id


def test_join_vehicle_when_new_makes_a_car_a_link_consents_and_an_event(manager: Membership) -> None:
    link = join(make_connection(manager))

    vehicle = link.vehicle
    assert (vehicle.vin, vehicle.make, vehicle.model, vehicle.year, vehicle.plate) == (
        VIN,
        "Volkswagen",
        "ID.3",
        2023,
        "DEMO 1",
    )
    assert set(Consent.objects.values_list("link_id", "scope", "text_version")) == {
        (link.id, "read_battery", "v1"),
        (link.id, "control_security", "v1"),
    }
    assert kinds()[-2:] == ["connection.opened", "vehicle.joined"]


def test_join_vehicle_when_rejoined_ends_the_older_link_and_keeps_the_car(manager: Membership) -> None:
    older = join(make_connection(manager))
    Vehicle.objects.update(name="Anna", plate="OURS 7")

    newer = join(make_connection(manager), scopes=["read_battery"])

    older.refresh_from_db()
    assert newer.vehicle_id == older.vehicle_id
    assert older.ended_at is not None
    assert older.consent_version == 2
    assert Connection.objects.get(pk=older.connection_id).status == "ended"
    assert allowed_scopes(older) == frozenset()
    assert allowed_scopes(newer) == {"read_battery"}
    assert (newer.vehicle.name, newer.vehicle.plate) == ("Anna", "OURS 7")
    assert kinds()[-1] == "vehicle.rejoined"


def test_join_vehicle_when_through_another_login_keeps_both_links(manager: Membership) -> None:
    first = join(make_connection(manager))

    second = join(make_connection(manager, login="acc-2"))

    first.refresh_from_db()
    assert first.ended_at is None
    assert first.vehicle_id == second.vehicle_id


def test_join_vehicle_when_another_team_has_it_shares_the_lane_and_nothing_else(manager: Membership) -> None:
    mine = join(make_connection(manager))

    theirs = join(make_connection(make_team()))

    assert mine.vehicle_id != theirs.vehicle_id
    assert mine.vehicle.lane_id == theirs.vehicle.lane_id
    assert VIN not in Lane.objects.get().key


def test_join_vehicle_when_vin_is_no_vin_knows_the_car_by_the_makers_id(manager: Membership) -> None:
    grant = make_connection(manager)

    links = [join(grant, remote(vin, car)) for vin, car in ((None, "a"), ("TOO SHORT", "b"), (VIN[:-1] + "O", "c"))]

    assert [link.vehicle.vin for link in links] == ["", "", ""]
    assert Vehicle.objects.count() == Lane.objects.count() == 3


def test_withdraw_consent_when_given_takes_it_back_once(manager: Membership) -> None:
    link = join(make_connection(manager))

    first = withdraw_consent(link=link, scope="control_security", actor="owner:1")
    second = withdraw_consent(link=link, scope="control_security", actor="owner:1")

    link.refresh_from_db()
    assert (first, second, link.consent_version) == (True, False, 2)
    assert allowed_scopes(link) == {"read_battery"}
    assert kinds().count("consent.withdrawn") == 1


def test_allowed_scopes_when_maker_granted_less_is_what_both_allow(manager: Membership) -> None:
    link = join(make_connection(manager, scopes=["read_battery"]), scopes=SCOPES)

    assert allowed_scopes(link) == {"read_battery"}


def test_end_link_when_another_car_stays_keeps_the_connection(manager: Membership) -> None:
    grant = make_connection(manager)
    first, second = join(grant), join(grant, remote(None, "car-2"))

    end_link(link=first, actor="user:1")
    status_with_one = Connection.objects.get().status
    end_link(link=second, actor="user:1")

    assert (status_with_one, Connection.objects.get().status) == ("active", "ended")


def test_remove_vehicle_when_done_ends_every_link_and_a_later_join_makes_a_new_car(manager: Membership) -> None:
    first, second = join(make_connection(manager)), join(make_connection(manager, login="acc-2"))

    remove_vehicle(vehicle=first.vehicle, actor=manager.user.actor)
    later = join(make_connection(manager))

    assert not VehicleLink.objects.filter(pk__in=[first.pk, second.pk], ended_at__isnull=True).exists()
    assert later.vehicle_id != first.vehicle_id
    assert later.vehicle.lane_id == first.vehicle.lane_id
    assert "vehicle.removed" in kinds()


def test_link_when_it_names_another_teams_vehicle_is_refused_by_the_database(manager: Membership) -> None:
    mine, theirs = join(make_connection(manager)), join(make_connection(make_team()))

    VehicleLink.objects.filter(pk=mine.pk).update(vehicle=theirs.vehicle)

    with pytest.raises(IntegrityError, match="same_team"):
        connection.check_constraints()
