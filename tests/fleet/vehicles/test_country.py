"""The page on which a team says where a car is at home."""

import pytest
from django.test import Client

from fleet.events.models import Event
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.vehicles.models import Vehicle
from tests.factories import make_member, make_team
from tests.fleet.notifications.conftest import make_vehicle
from tests.signing_in import sign_in


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team()


@pytest.fixture
def vehicle(owner: Membership) -> Vehicle:
    return make_vehicle(owner, "HH-X 1")


def told() -> list[tuple[str, dict[str, str]]]:
    return list(Event.objects.filter(kind="vehicle.country_set").order_by("id").values_list("actor", "data"))


def test_country_when_it_is_said_then_the_car_keeps_it_and_the_log_tells_once(
    owner: Membership, vehicle: Vehicle
) -> None:
    Team.objects.filter(pk=owner.team_id).update(country="DE")
    browser, url = sign_in(Client(), owner), f"/vehicles/{vehicle.id}/country/"

    before = browser.get(url).content.decode()
    answers = [browser.post(url, {"country": "AT"}) for _ in range(2)]

    vehicle.refresh_from_db()
    assert "The team’s own: Germany" in before
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, f"/vehicles/{vehicle.id}/")] * 2
    assert (vehicle.country, told()) == ("AT", [(owner.user.actor, {"country": "AT"})])
    assert "Austria" in browser.get(f"/vehicles/{vehicle.id}/").content.decode()


@pytest.mark.parametrize("country", ["XX", "at", "Austria", "A\0"])
def test_country_when_there_is_none_such_then_422_at_the_field_and_nothing_changes(
    owner: Membership, vehicle: Vehicle, country: str
) -> None:
    answer = sign_in(Client(), owner).post(f"/vehicles/{vehicle.id}/country/", {"country": country})

    vehicle.refresh_from_db()
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["country"])
    assert (vehicle.country, told()) == ("", [])


def test_country_when_the_role_may_not_then_403_and_for_strangers_404(owner: Membership, vehicle: Vehicle) -> None:
    cast = [make_member(owner.team, Role.OPERATOR), make_team("Another Fleet"), make_member(owner.team, Role.MANAGER)]

    answers = [sign_in(Client(), one).post(f"/vehicles/{vehicle.id}/country/", {"country": "AT"}) for one in cast]

    assert [answer.status_code for answer in answers] == [403, 404, 302]
