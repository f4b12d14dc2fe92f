"""The page of makes: what is offered where, and a make that is missing."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from connect.countries import guess_country
from connect.models import BrandList, BrandWish
from connect.wishes import MOST_WISHES, keep_wish
from fleet.adapters.commands import KINDS
from fleet.teams.models import Membership
from fleet.vehicles.models import ProviderApp
from tests.connect.conftest import make_link, text_of


def names(answer) -> set[str]:
    return {brand.name for brand in answer.context["brands"]}


@pytest.mark.parametrize(
    ("said", "country"),
    [
        ("de-CH, de;q=0.9", "CH"),
        ("fr, en-GB;q=0.7", "GB"),
        ("en-US,en;q=0.9", ""),
        ("de", ""),
        ("", ""),
        ("de-XX", ""),
        ("zh-Hant-TW, pt-br", "BR"),
        ("x" * 10_000 + "-DE", ""),
    ],
)
def test_country_when_guessed_is_that_of_the_first_language_that_names_one(said: str, country: str) -> None:
    assert guess_country(said) == country


def test_brands_when_a_country_is_known_leave_out_what_is_not_offered_there(
    manager: Membership, provider: ProviderApp
) -> None:
    url = reverse("connect:brand", args=[make_link(manager, country="JP")[1]])
    browser = Client(headers={"Accept-Language": "de-DE"})

    of_the_link = browser.get(url)
    chosen = browser.get(url, {"country": "DE"})
    anywhere = browser.get(url, {"country": ""})
    nonsense = browser.get(url, {"country": "<b>"})

    assert names(of_the_link).isdisjoint({"Opel", "Renault", "Peugeot"})
    assert (of_the_link.context["country"], of_the_link.context["elsewhere"]) == ("JP", 3)
    assert "3 weitere" in text_of(of_the_link) or "3 more makes are not offered in Japan." in text_of(of_the_link)
    assert len(names(chosen)) == len(names(anywhere)) == len(names(nonsense)) == 12


def test_brands_when_no_car_of_a_make_can_do_what_is_needed_say_so_before_the_sign_in(
    manager: Membership, provider: ProviderApp, declare_of_simulator: Callable[..., None]
) -> None:
    charging = " ".join(kind for kind, command in KINDS.items() if command.scope == "control_charge")
    declare_of_simulator("Tesla", f"*,,*,DE,none,{charging},")
    url = reverse("connect:brand", args=[make_link(manager, needed=["control_charge"], country="DE")[1]])

    page = Client().get(url)

    lacks = {brand.name: brand.lacks for brand in page.context["brands"] if brand.lacks}
    assert lacks == {"Tesla": "Can’t do what is needed: Start and stop charging"}
    assert "Can’t do what is needed: Start and stop charging" in text_of(page)
    assert {brand.lacks for brand in Client().get(url, {"country": "FR"}).context["brands"]} == {""}


def test_brands_when_the_country_changes_then_htmx_gets_the_choices_alone(
    manager: Membership, provider: ProviderApp
) -> None:
    url = reverse("connect:brand", args=[make_link(manager)[1]])

    part = Client().get(url, {"country": "DE"}, headers={"HX-Request": "true"}).content.decode()

    assert part.strip().startswith('<div id="choices">')
    assert "Volkswagen" in part
    assert "<html" not in part


def test_brands_when_read_before_countries_were_known_are_offered_everywhere(
    manager: Membership, provider: ProviderApp
) -> None:
    BrandList.objects.update(brands=[["opel", "Opel"]])

    answer = Client().get(reverse("connect:brand", args=[make_link(manager)[1]]), {"country": "JP"})

    assert names(answer) == {"Opel"}


def test_wish_when_sent_is_counted_once_a_browser_and_says_what_follows(
    manager: Membership, provider: ProviderApp
) -> None:
    secret = make_link(manager)[1]
    url, first, second = reverse("connect:wish", args=[secret]), Client(), Client()

    page = first.post(url, {"brand": " Rivian ", "country": "US"}, follow=True)
    first.post(url, {"brand": "rivian", "country": "US"})
    second.post(url, {"brand": "RIVIAN", "country": "US"})
    second.post(url, {"brand": "Rivian", "country": ""})

    assert "Thank you, noted." in text_of(page)
    wishes = BrandWish.objects.filter(team=manager.team).order_by("country")
    assert list(wishes.values_list("brand", "country", "count")) == [("Rivian", "", 1), ("Rivian", "US", 2)]


@pytest.mark.parametrize(
    "data",
    [{}, {"brand": ""}, {"brand": "x" * 61}, {"brand": "a\x00b"}, {"brand": "a", "country": "XX"}],
    ids=["nothing", "empty", "long", "nul", "no country"],
)
def test_wish_when_malformed_is_422_at_the_field_and_keeps_nothing(
    manager: Membership, provider: ProviderApp, data: dict[str, str]
) -> None:
    answer = Client().post(reverse("connect:wish", args=[make_link(manager)[1]]), data)

    assert answer.status_code == 422
    assert "wrong" in text_of(answer)
    assert not BrandWish.objects.filter(team=manager.team).exists()


def test_wish_when_a_team_has_many_keeps_no_more_but_counts_the_known(manager: Membership) -> None:
    for number in range(MOST_WISHES):
        keep_wish(team=manager.team, brand=f"make {number}", country="")

    keep_wish(team=manager.team, brand="one more", country="")
    keep_wish(team=manager.team, brand="make 0", country="")

    wishes = BrandWish.objects.filter(team=manager.team)
    assert (wishes.count(), wishes.get(brand="make 0").count) == (MOST_WISHES, 2)


def test_wish_when_a_browser_sends_many_counts_five(manager: Membership, provider: ProviderApp) -> None:
    url, browser = reverse("connect:wish", args=[make_link(manager)[1]]), Client()

    for number in range(8):
        assert browser.post(url, {"brand": f"make {number}"}).status_code == 302

    assert BrandWish.objects.filter(team=manager.team).count() == 5
