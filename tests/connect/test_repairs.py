"""Repair links: the owner signs in again, all is as it was, the old grant ends only when the new one works."""

import pytest
from django.urls import reverse

from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes, withdraw_consent
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from tests.connect.conftest import OwnerBrowser, make_link, text_of, yes
from tests.infrastructure.simulator import Account, Simulator


@pytest.fixture
def account(manager: Membership, provider: ProviderApp, simulator: Simulator) -> Account:
    """An owner's login with two cars, one of them shared, with a switched-on option; the login is dead now."""
    account = simulator.account({}, {})
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)
    owner.decide(
        visit, [account.cars[0]["id"]], ["control_security", "read_location"], name="Olga", email="o@x.example"
    )
    withdraw_consent(link=VehicleLink.objects.get(), scope="read_location", actor="owner:x")
    ProviderAccount.objects.update(status=ProviderAccount.Status.NEEDS_OWNER)
    return account


def make_repair(manager: Membership) -> OwnerBrowser:
    return OwnerBrowser(make_link(manager, repairs=Connection.objects.get(), brands=["volkswagen"])[1])


def test_repair_when_owner_signs_in_again_is_set_as_before_and_keeps_the_car(
    manager: Membership, account: Account
) -> None:
    old, vehicle = VehicleLink.objects.get(), Vehicle.objects.get()
    owner = make_repair(manager)

    start = owner.client.get(reverse("connect:start", args=[owner.secret]))
    visit = owner.sign_in(account)
    old.refresh_from_db()
    still_live = old.ended_at is None
    page = owner.get("review", visit)
    form = page.context["form"]
    owner.decide(visit, form["cars"].value(), form["scopes"].value())

    old.refresh_from_db()
    new = VehicleLink.objects.get(ended_at__isnull=True)
    assert "stopped working" in text_of(start)
    assert reverse("connect:go", args=[owner.secret, "volkswagen"]) in text_of(start)
    assert still_live
    assert (form["cars"].value(), form["name"].value()) == ([account.cars[0]["id"]], "Olga")
    assert old.ended_at is not None
    assert (new.vehicle_id, Vehicle.objects.count()) == (vehicle.id, 1)
    # What the owner took back before stays taken back.
    assert allowed_scopes(new) == {"read_vin", "read_battery", "read_odometer", "control_charge", "control_security"}
    assert list(Owner.objects.values_list("name", "email")) == [("Olga", "o@x.example")]


def test_repair_when_owner_declines_leaves_what_stood(manager: Membership, account: Account) -> None:
    owner = make_repair(manager)
    visit = owner.sign_in(account)

    owner.client.post(reverse("connect:decline", args=[visit.id]))

    assert VehicleLink.objects.get().ended_at is None
    assert Connection.objects.get().status == "active"


def test_repair_when_login_works_again_already_can_still_be_confirmed(manager: Membership, account: Account) -> None:
    ProviderAccount.objects.update(status=ProviderAccount.Status.ACTIVE)
    owner = make_repair(manager)

    page = owner.get("wait", owner.sign_in(account))

    assert page.context["form"]["cars"].value() == [account.cars[0]["id"]]


def test_repair_when_owner_uses_another_login_ends_the_link_of_the_dead_one(
    manager: Membership, provider: ProviderApp, account: Account, simulator: Simulator
) -> None:
    vin = account.cars[0]["vin"]
    second = simulator.account({"vin": vin})
    owner = make_repair(manager)
    visit = owner.sign_in(second)

    page = owner.get("review", visit)
    yes(visit, second.cars[0]["id"])

    live = VehicleLink.objects.get(ended_at__isnull=True)
    assert page.context["form"]["cars"].value() == [second.cars[0]["id"]]
    assert live.provider_vehicle_id == second.cars[0]["id"]
    assert (Vehicle.objects.count(), Owner.objects.count()) == (1, 1)


def test_repair_when_somebody_else_opens_the_link_shows_and_gives_them_nothing_of_the_owner(
    manager: Membership, provider: ProviderApp, account: Account, simulator: Simulator
) -> None:
    stranger = simulator.account()
    owner = make_repair(manager)
    visit = owner.sign_in(stranger)

    page = owner.get("review", visit)
    owner.decide(visit, [stranger.cars[0]["id"]], name="Stranger", email="stranger@x.example")

    assert "Olga" not in text_of(page)
    assert "o@x.example" not in text_of(page)
    assert set(Owner.objects.values_list("name", "email")) == {
        ("Olga", "o@x.example"),
        ("Stranger", "stranger@x.example"),
    }
