"""People of a domain that requires its provider: no other door opens, and none tells who has an account."""

import re
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import hashers
from django.core import mail
from django.test import Client
from django.urls import reverse

from fleet.teams.models import Installation, User
from tests.factories import PASSWORD
from tests.fleet.sign_on.conftest import Traveller
from tests.fleet.teams.factors import with_session
from tests.infrastructure.identity import Person

pytestmark = pytest.mark.django_db
KIM = "kim@harbour.example"
UNKNOWN = "nobody@harbour.example"
WORDS = "People of harbour.example sign in with Harbour."


@pytest.fixture
def kim() -> User:
    """Somebody with a password from before the domain required its provider."""
    user = User.objects.create_user(KIM, PASSWORD, name="Kim")
    EmailAddress.objects.create(user=user, email=KIM, verified=True, primary=True)
    return user


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that was hashed or checked."""
    seen: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def noting(self: Any, password: str, *args: Any, **more: Any) -> str:
        seen.append(password)
        return encode(self, password, *args, **more)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", noting)
    return seen


def page_of(answer: Any) -> str:
    text = re.sub(r"[A-Za-z0-9]{64}", "TOKEN", answer.content.decode())
    return re.sub(r"(kim|nobody)@", "SOMEBODY@", text)


def test_sign_in_when_the_domain_requires_its_provider_then_no_password_is_looked_at(
    kim: User, hashed: list[str]
) -> None:
    answers = [
        Client().post(reverse("account_login"), {"login": address, "password": PASSWORD}) for address in (KIM, UNKNOWN)
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert WORDS in answers[0].content.decode()
    assert page_of(answers[0]) == page_of(answers[1])
    assert hashed == []


def test_sign_up_when_the_domain_requires_its_provider_then_nobody_gets_a_password(kim: User) -> None:
    Installation.objects.update_or_create(pk=1, defaults={"sign_up": "anyone"})
    form = {"name": "Mika", "team_name": "Hafen", "password1": "sails over the harbour"}

    answers = [Client().post(reverse("account_signup"), form | {"email": address}) for address in (KIM, UNKNOWN)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert WORDS in answers[0].content.decode()
    assert page_of(answers[0]) == page_of(answers[1])
    assert User.objects.count() == 1


def test_reset_when_the_domain_requires_its_provider_then_the_letter_leads_there_and_the_page_is_the_usual_one(
    kim: User,
) -> None:
    User.objects.create_user("robin@example.com", PASSWORD)
    pages = []
    for address in (KIM, UNKNOWN, "robin@example.com"):
        browser = Client()
        answer = browser.post(reverse("account_reset_password"), {"email": address})
        pages.append((answer.status_code, answer["Location"], page_of(browser.get(answer["Location"]))))

    assert pages[0] == pages[1] == pages[2]
    assert [(letter.to, "key/" in letter.body, "Harbour" in letter.body) for letter in mail.outbox] == [
        ([KIM], False, True),
        ([UNKNOWN], False, True),
        (["robin@example.com"], True, False),
    ]


def test_reset_link_when_it_was_sent_before_then_it_sets_no_password(kim: User) -> None:
    key = f"{user_pk_to_url_str(kim)}-{default_token_generator.make_token(kim)}"

    page = Client().get(f"/accounts/password/reset/key/{key}/", follow=True)

    assert page.context["token_fail"] is True


def test_passkey_when_the_domain_requires_its_provider_then_it_signs_nobody_in(
    kim: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from allauth.account.internal.flows.login import perform_login
    from allauth.account.models import Login

    from fleet.teams.account_views import SignInByPasskey

    # As if the key had signed: what allauth does then, and nothing before it.
    monkeypatch.setattr(SignInByPasskey, "post", lambda _, request: perform_login(request, Login(user=kim)))
    browser = Client()

    answer = browser.post(reverse("mfa_login_webauthn"))

    assert answer.status_code == 403
    assert "Sign in with Harbour" in answer.content.decode()
    assert "_auth_user_id" not in browser.session


def test_provider_when_the_domain_requires_it_then_it_lets_in_with_its_second_factor(
    kim: User, traveller: Traveller
) -> None:
    traveller.go(Person("sub-5", KIM, amr=("pwd", "mfa")), provider="harbour")

    assert traveller.user_id == str(kim.id)


def test_change_of_address_when_the_provider_is_required_then_nobody_takes_the_account_elsewhere(kim: User) -> None:
    browser = with_session(Client(), kim, {"method": "password"})

    answer = browser.post(reverse("account_email"), {"email": "kim@example.com", "action_add": ""})

    assert answer.status_code == 422
    assert "Your address is looked after by Harbour." in answer.content.decode()
    assert not EmailAddress.objects.filter(email="kim@example.com").exists()
