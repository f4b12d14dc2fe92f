"""Whether somebody proved lately who they are, and asking them to: the record, the limits, and what is never kept."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.test import Client, RequestFactory

from fleet.adapters.commands import KINDS
from fleet.teams import stepup
from fleet.teams.models import User
from tests.factories import PASSWORD, make_team
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_tries_yet():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def user():
    return make_team().user


def request_of(user, *, minutes_ago=None, password=None):
    """A request of a browser that signed in so many minutes ago, or never gave a password."""
    request = RequestFactory().post("/", {} if password is None else {"password": password})
    request.user = user
    if minutes_ago is None or isinstance(user, AnonymousUser):
        request.session = SessionStore()
    else:
        request.session = sign_in(Client(), user.membership_set.get(), minutes_ago=minutes_ago).session
    return request


@pytest.mark.parametrize(
    ("minutes_ago", "is_recent"), [(0, True), (14.9, True), (15, False), (60, False), (-5, False), (None, False)]
)
def test_recent_when_some_time_has_passed_then_it_is_for_a_quarter_of_an_hour(user, minutes_ago, is_recent):
    assert stepup.is_recent(request_of(user, minutes_ago=minutes_ago)) is is_recent


def test_recent_when_nobody_is_signed_in_then_it_is_not():
    assert stepup.is_recent(request_of(AnonymousUser())) is False


def test_recent_when_the_record_is_another_persons_then_it_is_not(user):
    request = request_of(make_team().user, minutes_ago=0)
    request.user = user

    assert stepup.is_recent(request) is False


def test_recent_when_the_proof_is_of_an_unknown_kind_then_it_is_not(user):
    request = request_of(user, minutes_ago=0)
    request.session["account_authentication_methods"][0]["method"] = "password_reset"

    assert stepup.is_recent(request) is False


def test_confirm_when_the_password_is_right_then_it_is_remembered_and_the_password_is_not(user):
    request = request_of(user, minutes_ago=60)

    confirmed = stepup.confirm(request, PASSWORD)

    assert (confirmed, stepup.is_recent(request)) == (True, True)
    assert PASSWORD not in str(dict(request.session))


@pytest.mark.parametrize("password", ["wrong", "", PASSWORD.upper(), f" {PASSWORD}", "x" * 5000, "a\x00b"])
def test_confirm_when_the_password_is_wrong_then_nothing_is_remembered(user, password):
    request = request_of(user, minutes_ago=60)

    assert (stepup.confirm(request, password), stepup.is_recent(request)) == (False, False)


def test_confirm_when_it_is_another_persons_password_then_it_is_wrong(user):
    other = make_team().user
    other.set_password("sails over the harbour")
    other.save()

    assert stepup.confirm(request_of(user), "sails over the harbour") is False


def test_confirm_when_another_account_claims_the_same_address_then_its_password_is_wrong_here(user):
    other = make_team().user
    other.set_password("sails over the harbour")
    other.save()
    EmailAddress.objects.create(user=other, email=user.email, verified=True, primary=True)

    assert stepup.confirm(request_of(user), "sails over the harbour") is False


def test_confirm_when_the_account_has_no_password_then_nothing_confirms_it():
    user = make_team().user
    User.objects.filter(pk=user.pk).update(password="!")

    assert [stepup.confirm(request_of(User.objects.get(pk=user.pk)), text) for text in ("", "!", PASSWORD)] == [
        False
    ] * 3


def test_check_when_it_is_recent_then_no_password_is_asked_for(user):
    request = request_of(user, minutes_ago=0)

    assert (stepup.ask(request), stepup.check(request)) == (None, None)


def test_check_when_it_is_long_ago_then_the_form_says_what_is_wrong_and_forgets_the_password(user):
    missing = stepup.check(request_of(user))
    wrong = stepup.check(request_of(user, password="not this one"))

    assert missing.errors == {"password": ["Please enter your password: it was too long ago that you did."]}
    assert wrong.errors == {"password": ["This is not your password."]}
    assert (wrong.status, "not this one" in wrong.as_p()) == (422, False)


def test_check_when_the_password_is_right_then_it_is_confirmed(user):
    request = request_of(user, minutes_ago=16, password=PASSWORD)

    assert (stepup.check(request), stepup.is_recent(request)) == (None, True)


def test_check_when_it_was_tried_too_often_then_even_the_right_one_has_to_wait(user):
    tries = [stepup.check(request_of(user, password="wrong")).status for _ in range(6)]
    right = stepup.check(request_of(user, password=PASSWORD))

    assert tries == [422] * 5 + [429]
    assert (right.status, right.errors) == (429, {"password": ["Too many tries. Please wait some minutes."]})


def test_check_when_somebody_tried_too_often_then_another_person_is_not_kept_out(user):
    for _ in range(6):
        stepup.check(request_of(user, password="wrong"))

    assert stepup.check(request_of(make_team().user, password=PASSWORD)) is None


def test_sign_in_when_it_was_tried_too_often_here_then_it_shares_the_limit(user, client):
    for _ in range(5):
        stepup.check(request_of(user, password="wrong"))

    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert "Too many failed login attempts" in answer.content.decode()


def test_sign_in_when_it_is_by_the_form_then_it_is_recent(user, client):
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    request = request_of(user)
    request.session = client.session

    assert stepup.is_recent(request) is True


def test_sign_up_when_it_is_done_then_it_is_recent(client):
    values = {"name": "Robin", "team_name": "Hafen", "email": "robin@example.com", "password1": "sails over the sea"}
    answer = client.post("/accounts/signup/", values)
    request = request_of(User.objects.get(email="robin@example.com"))
    request.session = client.session

    assert (answer.status_code, stepup.is_recent(request)) == (302, True)


def test_risky_when_a_command_opens_starts_or_hands_over_then_it_asks_first_too():
    asking = {kind for kind, command in KINDS.items() if command.asks}

    # A horn frightens, but gives nobody the car.
    assert asking - stepup.RISKY == {"honk_horn"}
    assert asking >= stepup.RISKY
