"""manage.py help_sign_in: the operator's way for somebody who lost all second factors."""

import io
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.models import User
from tests.factories import make_user
from tests.fleet.sign_on.rows import make_linked_user
from tests.fleet.teams.factors import give_app, sign_in

pytestmark = pytest.mark.django_db


def run(monkeypatch: pytest.MonkeyPatch, address: str, typed: str, *options: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n" if typed else ""))
    said = io.StringIO()
    call_command("help_sign_in", address, *options, stdout=said)
    return said.getvalue()


def test_help_when_confirmed_then_factors_and_sessions_end_and_the_person_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user, other = make_user(), make_user()
    browser = Client()
    sign_in(browser, user)
    for one in (user, other):
        give_app(one)
    mail.outbox.clear()

    said = run(monkeypatch, user.email.upper(), user.email)

    assert list(Authenticator.objects.values_list("user_id", flat=True)) == [other.id]
    assert browser.get(reverse("account_home")).status_code == 302
    assert User.objects.get(pk=user.pk).password == user.password
    assert [letter.to for letter in mail.outbox] == [[user.email]]
    assert "Taken away: 1." in said
    told = Event.objects.filter(subject=user.actor).exclude(
        kind__in=["account.signed_in", "account.second_factor_added"]
    )
    assert list(told.values_list("kind", "actor", "data")) == [
        ("account.factors_removed", "system:operator", {"types": ["totp"], "links": 0, "sessions": 1})
    ]


def test_help_when_told_to_forget_the_provider_then_the_link_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_linked_user()

    run(monkeypatch, user.email, user.email, "--forget-sign-on")

    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("typed", ["", "yes", "robin@example.org"])
def test_help_when_another_address_is_typed_then_nothing_happens(monkeypatch: Any, typed: str) -> None:
    user = make_user()
    give_app(user)

    with pytest.raises(CommandError, match="Nothing was done"):
        run(monkeypatch, user.email, typed)

    assert Authenticator.objects.count() == 1
    assert not Event.objects.filter(kind="account.factors_removed").exists()


def test_help_when_nobody_has_the_address_then_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="Nobody has an account"):
        run(monkeypatch, "nobody@example.com", "nobody@example.com")
