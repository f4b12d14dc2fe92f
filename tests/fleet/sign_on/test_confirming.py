"""Confirming at the provider who it is, and what its second factor counts for."""

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from fleet.teams.models import Membership, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member, create_team
from tests.factories import make_team
from tests.fleet.sign_on.conftest import Traveller
from tests.fleet.teams.factors import by_password, give_app, require_second_factor
from tests.infrastructure.identity import Person

pytestmark = pytest.mark.django_db
ROBIN = Person("sub-1", "robin@acme.example")
KIM = Person("sub-2", "kim@harbour.example")
LONG_AGO = 3600


def signed_in_long_ago(traveller: Traveller, person: Person = ROBIN, provider: str = "acme") -> User:
    """Somebody who came by the provider just now, whose password the provider saw an hour ago."""
    traveller.go(replace(person, auth_time=time.time() - LONG_AGO), provider=provider)
    return User.objects.get(email=person.email)


def confirm(traveller: Traveller, person: Person, **query: str) -> Any:
    return traveller.come_back(traveller.client.get(reverse("sign_on_confirm"), query), person)


def is_asked(traveller: Traveller) -> bool:
    """Whether a page of the account asks first who it is."""
    return traveller.client.get(reverse("mfa_activate_totp")).status_code == 302


def test_account_when_the_provider_saw_them_just_now_then_nothing_is_asked(traveller: Traveller) -> None:
    traveller.go(ROBIN)

    assert not is_asked(traveller)


def test_account_when_the_provider_saw_them_long_ago_then_it_leads_there_and_back(traveller: Traveller) -> None:
    signed_in_long_ago(traveller)
    wished = reverse("mfa_activate_totp")

    led = traveller.client.get(wished, follow=False)
    while led["Location"].startswith("/"):
        led = traveller.client.get(led["Location"])
    asked = parse_qs(urlsplit(led["Location"]).query)
    back = traveller.come_back(led, ROBIN)

    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    assert back["Location"] == wished
    assert traveller.client.get(wished).status_code == 200


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (replace(ROBIN, auth_time=time.time() - LONG_AGO), "did not ask you anew"),
        (replace(ROBIN, auth_time=0), "did not ask you anew"),
        (replace(ROBIN, auth_time=time.time() + LONG_AGO), "did not ask you anew"),
        (replace(ROBIN, sub="sub-9", email="other@acme.example"), "This is not you"),
    ],
)
def test_confirming_when_it_was_not_now_or_not_them_then_nothing_is_confirmed(
    traveller: Traveller, person: Person, words: str
) -> None:
    signed_in_long_ago(traveller)

    answer = confirm(traveller, person)

    assert (answer.status_code, words in answer.content.decode()) == (403, True)
    assert is_asked(traveller)
    assert User.objects.count() == 1


def test_confirming_when_another_is_signed_in_meanwhile_then_it_confirms_nothing(traveller: Traveller) -> None:
    signed_in_long_ago(traveller)
    left = traveller.client.get(reverse("sign_on_confirm"))
    states = traveller.client.session["socialaccount_states"]
    traveller.client = by_password(make_team(), minutes_ago=30)
    session = traveller.client.session
    session["socialaccount_states"] = states
    session.save()

    answer = traveller.come_back(left, ROBIN)

    assert "This is not you" in answer.content.decode()
    assert is_asked(traveller)


def test_confirming_when_nowhere_to_go_on_then_a_page_says_that_it_is_done(traveller: Traveller) -> None:
    signed_in_long_ago(traveller)

    answer = confirm(traveller, ROBIN)

    assert (answer.status_code, "Close this page" in answer.content.decode()) == (200, True)
    assert not is_asked(traveller)


def test_confirming_when_there_is_no_provider_of_theirs_then_a_password_by_letter_is_the_way() -> None:
    answer = by_password(make_team(), minutes_ago=30).get(reverse("sign_on_confirm"))

    assert (answer.status_code, answer["Location"]) == (302, reverse("account_reset_password"))


def test_form_of_a_page_when_there_is_no_password_then_it_leads_to_the_provider(traveller: Traveller) -> None:
    owner = create_team(name="Acme Fleet", owner=signed_in_long_ago(traveller))
    page = "/teams/sign-on/"
    form = {"domain": "acme.example", "role": "viewer", "reach": "all"}

    refused = traveller.client.post(page, form)
    typed = traveller.client.post(page, form | {"password": "made up"})
    confirm(traveller, ROBIN)
    done = traveller.client.post(page, form)

    assert (refused.status_code, typed.status_code, done.status_code) == (422, 422, 302)
    assert reverse("sign_on_confirm") in refused.content.decode()
    assert owner.team.signondomain_set.count() == 1


def team_that_asks(user: User) -> Membership:
    owner = make_team("Asks for two")
    membership = add_member(team=owner.team, user=user, role=Role.OPERATOR, actor="system:test")
    require_second_factor(owner.team)
    return membership


@pytest.mark.parametrize(
    ("provider", "person", "is_open"),
    [
        ("harbour", replace(KIM, amr=("pwd", "mfa")), True),
        ("harbour", replace(KIM, amr=("pwd",)), False),
        ("harbour", replace(KIM, acr="urn:whatever"), False),
        ("acme", replace(ROBIN, amr=("pwd", "mfa")), False),  # its word is not believed
    ],
)
def test_team_that_asks_for_two_when_the_provider_says_so_then_only_a_believed_one_counts(
    traveller: Traveller, provider: str, person: Person, is_open: bool
) -> None:
    traveller.go(person, provider=provider)
    team_that_asks(User.objects.get(email=person.email))

    answer = traveller.client.get("/vehicles/")

    assert answer.status_code == (200 if is_open else 302)
    assert is_open or answer["Location"].startswith(reverse("account_second_factor"))


def test_second_factor_of_a_provider_when_it_is_believed_no_longer_then_it_counts_no_more(
    traveller: Traveller, settings: Any
) -> None:
    traveller.go(replace(KIM, amr=("mfa",)), provider="harbour")
    team_that_asks(User.objects.get(email=KIM.email))
    settings.SIGN_ON_PROVIDERS = tuple(replace(one, gives_second_factor=False) for one in settings.SIGN_ON_PROVIDERS)

    assert traveller.client.get("/vehicles/").status_code == 302


def test_sign_on_when_the_person_has_an_app_of_ours_then_its_code_is_asked_for(traveller: Traveller) -> None:
    traveller.go(ROBIN)
    give_app(User.objects.get(email=ROBIN.email))
    traveller.client = Client()

    answer = traveller.go(ROBIN)

    assert answer["Location"] == reverse("mfa_authenticate")
    assert traveller.user_id is None
