"""Browsers that a person signed in in before, and those that are news."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.events.models import Event
from fleet.notifications.devices import COOKIE, MOST_BROWSERS, name_browser
from fleet.notifications.models import KnownBrowser
from fleet.teams.models import User
from tests.factories import PASSWORD, make_team
from tests.fleet.notifications.conftest import read, says, waits
from tests.infrastructure.databases import CommittedDatabase

FIREFOX = "Mozilla/5.0 (Android 16; Mobile; rv:148.0) Gecko/148.0 Firefox/148.0"


@pytest.fixture
def user(db: None) -> User:
    return make_team().user


def sign_in(user: User, browser: Client | None = None, agent: str = FIREFOX) -> Client:
    """Sign in at the form, as a person does."""
    browser = browser or Client()
    data = {"login": user.email, "password": PASSWORD}
    answer = browser.post("/accounts/login/", data, headers={"user-agent": agent})
    assert (answer.status_code, answer["Location"]) == (302, "/vehicles/")
    return browser


def news() -> list[dict[str, Any]]:
    return list(Event.objects.filter(kind="account.new_device").order_by("id").values_list("data", flat=True))


def test_sign_in_when_it_is_the_first_ever_or_in_a_known_browser_then_it_is_no_news(user: User) -> None:
    browser = sign_in(user)
    browser.post("/accounts/logout/")

    sign_in(user, browser)

    assert (news(), KnownBrowser.objects.count()) == ([], 1)


def test_sign_in_when_the_browser_is_new_then_it_is_news_once_without_an_address(user: User) -> None:
    sign_in(user)
    browser = sign_in(user)
    browser.post("/accounts/logout/")
    sign_in(user, browser)

    assert news() == [{"browser": "Firefox", "system": "Android"}]
    event = Event.objects.get(kind="account.new_device")
    assert (event.actor, event.subject, event.team_id) == (user.actor, user.actor, None)


def test_cookie_when_set_then_scripts_and_other_sites_have_nothing_of_it(user: User) -> None:
    cookie = sign_in(user).cookies[COOKIE]

    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 400 * 86400)
    assert cookie.value.split(":")[0] not in str(KnownBrowser.objects.values_list("secret_hash", flat=True))


@pytest.mark.parametrize("forged", ["x", "x:y:z", ""])
def test_cookie_when_it_was_not_made_by_us_then_the_browser_is_not_known(user: User, forged: str) -> None:
    browser = sign_in(user)
    browser.post("/accounts/logout/")
    browser.cookies[COOKIE] = forged or browser.cookies[COOKIE].value[:-1] + "-"

    sign_in(user, browser)

    assert len(news()) == 1


def test_cookie_when_it_is_another_persons_then_it_says_nothing_about_this_one(user: User) -> None:
    browser = sign_in(make_team().user)
    sign_in(user)
    browser.post("/accounts/logout/")

    sign_in(user, browser)

    assert len(news()) == 1
    hashes = {bytes(value) for value in KnownBrowser.objects.values_list("secret_hash", flat=True)}
    assert len(hashes) == 3


def test_browser_when_not_used_for_more_than_a_year_then_it_is_new_again(user: User) -> None:
    browser = sign_in(user)
    browser.post("/accounts/logout/")
    KnownBrowser.objects.update(last_used_at=timezone.now() - timedelta(days=401))

    sign_in(user, browser)

    assert (len(news()), KnownBrowser.objects.count()) == (1, 1)


def test_browsers_when_there_are_many_then_the_least_used_is_forgotten(user: User) -> None:
    old = timezone.now() - timedelta(days=30)
    KnownBrowser.objects.bulk_create(
        KnownBrowser(user=user, secret_hash=bytes([number] * 32), last_used_at=old + timedelta(hours=number))
        for number in range(MOST_BROWSERS)
    )

    sign_in(user)

    assert KnownBrowser.objects.count() == MOST_BROWSERS
    assert not KnownBrowser.objects.filter(secret_hash=bytes(32)).exists()


def test_new_browser_when_read_then_the_person_is_told_by_bell_and_letter(committed_db: CommittedDatabase) -> None:
    user = make_team().user
    sign_in(user)
    sign_in(user)

    read()

    assert says(user)[0] == "Your account was signed in to in a browser that we did not know: Firefox · Android."
    assert waits(user) == [("account.new_device", 1)]


def test_browser_when_it_says_nothing_known_then_it_is_left_open() -> None:
    assert name_browser("curl/8") == {"browser": "", "system": ""}
