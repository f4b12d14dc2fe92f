"""The whole flow against the real pretend maker, and what the decision refuses."""

import pytest
from django.test import Client
from django.urls import reverse

from connect.models import Visit
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Consent, ProviderApp, Vehicle, VehicleLink
from tests.connect.conftest import OwnerBrowser, make_link, text_of
from tests.infrastructure.simulator import Simulator


def test_flow_when_owner_allows_puts_car_into_fleet(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"license_plate": "DEMO 7"})
    link, secret = make_link(manager)
    owner = OwnerBrowser(secret)

    start = owner.client.get(reverse("connect:start", args=[secret]))
    brand = owner.client.get(reverse("connect:brand", args=[secret]))
    visit = owner.sign_in(account)
    review = owner.get("wait", visit)
    done = owner.decide(visit, [account.cars[0]["id"]], ["control_security"], name="Olga Owner")

    assert "Team of manager" in text_of(start)
    assert reverse("connect:go", args=[secret, "volkswagen"]) in text_of(brand)
    assert review.redirect_chain == [(reverse("connect:review", args=[visit.id]), 302)]
    assert account.cars[0]["vin"] in text_of(review)
    assert done.redirect_chain == [(reverse("connect:done", args=[visit.id]), 302)]
    vehicle = Vehicle.objects.get(team=manager.team)
    joined = VehicleLink.objects.get(vehicle=vehicle)
    assert (vehicle.vin, vehicle.plate) == (account.cars[0]["vin"], "DEMO 7")
    assert joined.connection.owner.name == "Olga Owner"
    assert joined.connection.share_link_id == link.id
    assert set(Consent.objects.filter(link=joined).values_list("scope", flat=True)) == {
        "read_vin",
        "read_battery",
        "read_odometer",
        "control_charge",
        "control_security",
    }
    link.refresh_from_db()
    assert link.uses == 1
    assert list(Event.objects.filter(team_id=manager.team_id).order_by("id").values_list("kind", flat=True))[-4:] == [
        "share_link.created",
        "connection.opened",
        "vehicle.joined",
        "share_link.used",
    ]


def test_flow_when_done_keeps_no_secret_in_the_visit(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    owner.decide(visit, [account.cars[0]["id"]])

    visit.refresh_from_db()
    assert (visit.step, visit.verifier_sealed, visit.code_sealed, visit.tokens_sealed, visit.vehicles) == (
        "done",
        None,
        None,
        None,
        [],
    )


def test_review_when_sent_twice_joins_once(manager: Membership, provider: ProviderApp, simulator: Simulator) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    owner.decide(visit, [account.cars[0]["id"]])
    second = owner.decide(visit, [account.cars[0]["id"]])

    assert second.redirect_chain[-1][0] == reverse("connect:done", args=[visit.id])
    assert Connection.objects.filter(team=manager.team).count() == 1


def test_review_when_no_car_is_chosen_says_so_and_writes_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({}, {})
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    answer = owner.decide(visit, [])

    assert answer.status_code == 422
    assert "Choose at least one car." in text_of(answer)
    assert not Vehicle.objects.exists()


@pytest.mark.parametrize(
    "forged",
    [{"cars": ["someone-elses-car"]}, {"scopes": ["control_engine"]}, {"name": "x" * 101}, {"name": "line\nbreak"}],
    ids=["foreign car", "scope not asked", "long name", "control characters"],
)
def test_review_when_forged_is_refused_and_writes_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator, forged: dict[str, object]
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    answer = owner.client.post(reverse("connect:review", args=[visit.id]), {"cars": [account.cars[0]["id"]]} | forged)

    assert answer.status_code == 422
    assert not Connection.objects.exists()
    assert Visit.objects.get(pk=visit.pk).step == "review"


def test_review_when_csrf_token_is_missing_writes_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1], client=Client(enforce_csrf_checks=True))
    visit = owner.sign_in(account)

    answer = owner.client.post(reverse("connect:review", args=[visit.id]), {"cars": [account.cars[0]["id"]]})

    assert answer.status_code == 403
    assert not Connection.objects.exists()


def test_review_when_optional_is_offered_starts_switched_off(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(simulator.account())

    review = owner.get("review", visit)

    switched = {line.key: line.is_chosen for line in review.context["scopes"] if not line.is_needed}
    assert switched == {"read_location": False, "control_security": False}
