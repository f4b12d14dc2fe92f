"""Setting up an authenticator app, and what is committed: codes, a letter, an event, no open secret."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.models import Membership
from tests.factories import make_team
from tests.fleet.teams.factors import by_password, code_now, kinds_of, sign_in

ACTIVATE, STEP = reverse("mfa_activate_totp"), reverse("mfa_authenticate")
CODES = reverse("mfa_view_recovery_codes")


@pytest.fixture(autouse=True)
def _limits_start_anew(committed_db):
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def owner(committed_db) -> Membership:
    return make_team()


def test_set_up_when_the_code_is_right_then_the_app_is_on_with_recovery_codes_and_a_letter(owner):
    browser = by_password(owner)
    page = browser.get(ACTIVATE)
    secret = page.context["form"].secret

    answer = browser.post(ACTIVATE, {"code": code_now(secret)})

    assert (answer.status_code, answer["Location"]) == (302, CODES)
    assert sorted(Authenticator.objects.values_list("type", flat=True)) == ["recovery_codes", "totp"]
    assert len(browser.get(CODES).context["unused_codes"]) == 10
    assert [letter.to for letter in mail.outbox] == [[owner.user.email]]
    assert kinds_of(owner) == ["account.second_factor_added", "account.second_factor_added"]


def test_set_up_when_done_then_no_secret_lies_open_in_the_database(owner):
    browser = by_password(owner)
    secret = browser.get(ACTIVATE).context["form"].secret
    browser.post(ACTIVATE, {"code": code_now(secret)})
    codes = browser.get(CODES).context["unused_codes"]

    kept = json.dumps(
        [*Authenticator.objects.values_list("data", flat=True), *Event.objects.values_list("data", flat=True)]
    )
    assert secret not in kept
    assert [code for code in codes if code in kept] == []
    assert "mfa.totp.secret" not in browser.session


def test_recovery_code_when_used_then_it_signs_in_once(owner):
    setting_up = by_password(owner)
    secret = setting_up.get(ACTIVATE).context["form"].secret
    setting_up.post(ACTIVATE, {"code": code_now(secret)})
    code = setting_up.get(CODES).context["unused_codes"][3]
    first, second = Client(), Client()
    for browser in (first, second):
        sign_in(browser, owner.user)

    assert first.post(STEP, {"code": f"{code[:4]} {code[4:]}"}).status_code == 302
    assert second.post(STEP, {"code": code}).status_code == 422
    assert code not in first.get(CODES).context["unused_codes"]
