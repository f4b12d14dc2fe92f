"""Cars that can't do what a link asks for: told before the owner decides, and never a reason to fail."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from connect.abilities import refusals_in
from connect.models import BrandList, Visit
from fleet.adapters.capabilities import Answer, Capability
from fleet.adapters.commands import KINDS
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, ProviderApp, VehicleLink
from tests.connect.conftest import OwnerBrowser, make_link, text_of
from tests.infrastructure.simulator import Simulator

TRUNK = ["trunk.open", "trunk.close", "frunk.open", "frunk.close"]
NEVER = datetime(2026, 1, 1, tzinfo=UTC)


def say(answer: Answer, why: str = "") -> Capability:
    return Capability(answer, "test", NEVER, why)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"lock": say(Answer.NO, "not_equipped"), "unlock": say(Answer.NO, "not_equipped")}, {}),
        ({}, {}),
        (
            {kind: say(Answer.NO, "not_offered") for kind, command in KINDS.items() if "security" in command.scope},
            {"control_security": "not_offered"},
        ),
        ({kind: say(Answer.NO, "needs_pairing") for kind in KINDS}, {}),
        ({kind: say(Answer.UNKNOWN) for kind in KINDS}, {}),
    ],
    ids=["lights still work", "nothing said", "none of it", "waits for pairing", "unknown"],
)
def test_refusals_when_a_maker_says_so_hold_only_scopes_of_which_nothing_can_be_done(
    said: dict[str, Capability], refused: dict[str, str]
) -> None:
    assert refusals_in("simulator", said, {}, ["control_security"]) == refused


def test_review_when_one_of_two_cars_lacks_what_is_needed_offers_the_other_alone(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"not_capable": TRUNK}, {})
    owner = OwnerBrowser(make_link(manager, needed=["control_trunk"], optional=["control_charge"])[1])
    visit = owner.sign_in(account)
    unable, able = (car["id"] for car in account.cars)

    page = owner.get("review", visit)
    forged = owner.decide(visit, [unable])
    owner.decide(visit, [able])

    lines = {line.id: (line.is_unable, line.lacks) for line in page.context["cars"]}
    needed = "Needed, but not possible: Open and close the trunk – this car is not equipped for it."
    assert lines == {unable: (True, [needed]), able: (False, [])}
    assert forged.status_code == 422
    assert list(VehicleLink.objects.values_list("provider_vehicle_id", flat=True)) == [able]


def test_exchange_when_no_car_can_do_what_is_needed_names_car_and_reason_and_shares_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"model": "Golf", "powertrain": "ICE"})
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(account)
    page = owner.get("wait", visit)

    assert (visit.step, visit.failure, visit.tokens_sealed) == ("failed", "vehicle_incompatible", None)
    assert account.cars[0]["vin"] not in str(visit.vehicles)
    assert "Your car can’t do what is needed" in text_of(page)
    assert page.context["cars"] == [
        {
            "make": "Volkswagen",
            "model": "Golf",
            "lacks": ["Needed, but not possible: Start and stop charging – this car is not equipped for it."],
        }
    ]
    assert reverse("connect:start", args=[owner.secret]) in text_of(page)


def test_review_when_no_car_can_do_an_optional_thing_says_so_and_does_not_offer_it(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"not_capable": TRUNK})
    owner = OwnerBrowser(make_link(manager, optional=["control_trunk", "control_security"])[1])
    visit = owner.sign_in(account)

    page = owner.get("review", visit)
    forged = owner.decide(visit, [account.cars[0]["id"]], ["control_trunk"])

    assert [line.key for line in page.context["impossible"]] == ["control_trunk"]
    assert [line.key for line in page.context["scopes"] if not line.is_needed] == ["control_security"]
    assert "but your car can’t:" in text_of(page)
    assert forged.status_code == 422


def test_exchange_when_the_maker_does_not_tell_what_cars_can_do_goes_on(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"not_capable": TRUNK})
    owner = OwnerBrowser(make_link(manager, needed=["control_trunk"])[1])
    simulator.behaviour(car=account.cars[0]["id"], status_before={"status": 503, "count": 50}, scope="all")

    visit = owner.sign_in(account)
    owner.decide(visit, [account.cars[0]["id"]])

    assert Visit.objects.get().step == "done"


def test_review_when_the_link_is_for_one_car_offers_it_alone(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({}, {})
    owner = OwnerBrowser(make_link(manager, vin=account.cars[1]["vin"])[1])
    visit = owner.sign_in(account)

    page = owner.get("review", visit)
    forged = owner.decide(visit, [account.cars[0]["id"]])

    assert [line.id for line in page.context["cars"]] == [account.cars[1]["id"]]
    assert account.cars[0]["vin"] not in str(visit.vehicles)
    assert forged.status_code == 422
    assert not Connection.objects.exists()


def test_exchange_when_the_car_of_the_link_is_not_in_the_account_says_which_car(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    owner = OwnerBrowser(make_link(manager, vin="WVWZZZE1ZPP012345")[1])

    visit = owner.sign_in(simulator.account())
    page = owner.get("wait", visit)

    assert (visit.step, visit.failure, visit.vehicles) == ("failed", "wrong_car", [])
    assert "whose VIN ends in 12345" in text_of(page)


def test_start_when_the_make_of_the_only_car_is_not_offered_says_so_before_the_sign_in(
    manager: Membership, provider: ProviderApp
) -> None:
    known, unknown = make_link(manager, vin="5YJ3E1EA7PF000316")[1], make_link(manager, vin="XXX3E1EA7PF000316")[1]
    BrandList.objects.update(brands=[["volkswagen", "Volkswagen", []]])

    told, tried = (Client().get(reverse("connect:start", args=[secret])) for secret in (known, unknown))

    assert "whose VIN ends in 00316, and its make is not offered here" in text_of(told)
    assert (told.context["next_step"], tried.context["step"]) == (None, 1)


def test_exchange_when_the_maker_is_silent_and_no_such_car_can_do_what_is_needed_ends_with_the_reason(
    manager: Membership, provider: ProviderApp, simulator: Simulator, declare_of_simulator: Callable[..., None]
) -> None:
    account = simulator.account({"model": "Golf", "year": 2019})
    kinds = " ".join(kind for kind, command in KINDS.items() if command.scope == "control_trunk")
    declare_of_simulator("Volkswagen", f"*,,*,everywhere,full,{kinds},", f"Golf,-2019,*,DE,none,{kinds},")
    owner = OwnerBrowser(make_link(manager, needed=["control_trunk"], country="DE")[1])
    simulator.behaviour(car=account.cars[0]["id"], status_before={"status": 503, "count": 50}, scope="all")

    visit = owner.sign_in(account)
    page = owner.get("wait", visit)

    assert (visit.step, visit.failure) == ("failed", "vehicle_incompatible")
    assert page.context["cars"][0]["lacks"] == [
        "Needed, but not possible: Open and close the trunk – it is not offered for cars like this."
    ]
