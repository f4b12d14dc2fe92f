"""Where an owner says that the car is at home: kept on the pass, and given to a car that says nothing yet."""

import pytest
from django.test import Client
from django.urls import reverse

from connect.models import Visit
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp, Vehicle
from tests.connect.conftest import OwnerBrowser, make_link, yes
from tests.infrastructure.simulator import Simulator


def addresses(answer) -> set[str]:
    """The parameters of the links to makers."""
    return {brand.url.partition("?")[2] for brand in answer.context["brands"]}


@pytest.mark.parametrize(
    ("of_link", "query", "parameters"),
    [
        ("", {"country": "AT"}, {"country=AT"}),
        ("DE", {}, {"country=DE"}),
        ("DE", {"country": "AT"}, {"country=AT"}),
        ("", {}, {""}),  # what the browser speaks is a guess, and nobody's word
        ("", {"country": ""}, {""}),
        ("", {"country": "<b>"}, {""}),
    ],
)
def test_makes_when_a_country_was_named_then_their_links_carry_it_and_a_guess_is_not_taken(
    manager: Membership, provider: ProviderApp, of_link: str, query: dict[str, str], parameters: set[str]
) -> None:
    url = reverse("connect:brand", args=[make_link(manager, country=of_link)[1]])

    answer = Client(headers={"Accept-Language": "de-CH"}).get(url, query)

    assert addresses(answer) == parameters


@pytest.mark.parametrize(("asked", "kept"), [("?country=AT", "AT"), ("?country=XX", ""), ("", "DE")])
def test_pass_when_it_begins_then_it_keeps_what_the_owner_said_else_what_the_link_says(
    manager: Membership, provider: ProviderApp, asked: str, kept: str
) -> None:
    secret = make_link(manager, country="DE")[1]

    Client().get(reverse("connect:go", args=[secret, "volkswagen"]) + asked)

    assert Visit.objects.get().country == kept


def test_car_when_it_joins_then_it_is_at_home_where_its_owner_says_and_what_the_team_said_stands(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({}, {})
    found = []

    for country in ("AT", "CH"):
        visit = OwnerBrowser(make_link(manager, country=country)[1]).sign_in(account)
        yes(visit, *(car["id"] for car in account.cars))
        found.append(sorted(Vehicle.objects.values_list("country", flat=True)))
        Vehicle.objects.filter(pk=Vehicle.objects.order_by("id").first().pk).update(country="")

    assert found == [["AT", "AT"], ["AT", "CH"]]
