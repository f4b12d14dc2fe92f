"""One's own account: name and language, address, password and sessions, with the letter and the event of each."""

import re

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.models import Membership, User
from tests.factories import PASSWORD, make_team
from tests.fleet.teams.factors import by_both, by_password, give_app, kinds_of, sign_in

ACCOUNT, HOME, SESSIONS = reverse("account_home"), reverse("vehicles:list"), reverse("usersessions_list")
EMAIL, CHANGE_PASSWORD = reverse("account_email"), reverse("account_change_password")
NEW = "sails of another ship"


@pytest.fixture(autouse=True)
def _limits_start_anew(db):
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def owner() -> Membership:
    return make_team()


def is_signed_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_account_when_name_and_language_are_saved_then_the_pages_speak_it(owner):
    browser = by_password(owner)

    answer = browser.post(ACCOUNT, {"name": "Mika <b>", "language": "de"})
    page = browser.get(ACCOUNT)

    user = User.objects.get(pk=owner.user_id)
    assert (answer.status_code, user.name, user.language) == (302, "Mika <b>", "de")
    assert '<html lang="de"' in page.content.decode()
    assert "Mika &lt;b&gt;" in page.content.decode()


def test_account_when_a_language_was_chosen_then_it_holds_at_the_next_sign_in_and_in_letters(owner):
    by_password(owner).post(ACCOUNT, {"name": "Mika", "language": "de"})
    another = Client(headers={"Accept-Language": "en"})

    another.post("/accounts/password/reset/", {"email": owner.user.email})
    another.post("/accounts/login/", {"login": owner.user.email, "password": PASSWORD})

    assert '<html lang="de"' in another.get(ACCOUNT).content.decode()
    assert "Passwort" in mail.outbox[-1].body
    another.post("/i18n/setlang/", {"language": "en"})
    assert '<html lang="en"' in another.get(ACCOUNT).content.decode()


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "x" * 101}, {"name": "a\u202eb"}, {"name": "a\x00b"}, {"language": "xx"}]
)
def test_account_when_a_value_is_bad_then_the_error_is_at_its_field(owner, change):
    answer = by_password(owner).post(ACCOUNT, {"name": "Mika", "language": "en"} | change)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(change)
    assert User.objects.get(pk=owner.user_id).name == "Robin Example"


def change_email(browser: Client, email: str):
    return browser.post(EMAIL, {"email": email, "action_add": ""})


def link_in(letter) -> str:
    return re.search(r"http\S+(/accounts/confirm-email/\S+)", letter.body)[1]


def test_address_when_changed_then_the_old_one_stays_until_the_new_is_confirmed_and_then_gets_a_letter(owner):
    browser, old = by_password(owner), owner.user.email

    asked = change_email(browser, "new@example.com")
    still = User.objects.get(pk=owner.user_id).email
    (letter,) = mail.outbox
    Client().get(link_in(letter))
    unseen = User.objects.get(pk=owner.user_id).email
    browser.post(link_in(letter))

    assert (asked.status_code, still, unseen, letter.to) == (302, old, old, ["new@example.com"])
    assert User.objects.get(pk=owner.user_id).email == "new@example.com"
    assert [message.to for message in mail.outbox[1:]] == [[old]]
    assert kinds_of(owner) == ["account.email_changed"]
    assert "example.com" not in str(Event.objects.get(kind="account.email_changed").data)


def test_address_when_a_second_factor_is_on_then_it_can_be_changed_as_well(owner):
    browser = by_both(owner, give_app(owner.user))

    change_email(browser, "new@example.com")
    browser.post(link_in(mail.outbox[0]))

    assert User.objects.get(pk=owner.user_id).email == "new@example.com"


def test_address_when_another_account_has_it_then_nobody_learns_and_nothing_changes(owner):
    browser, known = by_password(owner), make_team().user.email

    answers = [change_email(browser, known)]
    taken = Client().post(link_in(mail.outbox[0]))
    answers.append(change_email(browser, "nobody@example.com"))

    assert [answer.status_code for answer in answers] == [302, 302]
    assert taken["Location"] == reverse("account_login")
    assert User.objects.get(pk=owner.user_id).email == owner.user.email
    assert User.objects.filter(email=known).count() == 1


@pytest.mark.parametrize("email", ["", "nobody", "a@b@example.com", "x" * 250 + "@example.com", "a\x00@example.com"])
def test_address_when_it_is_none_then_the_error_is_at_the_field(owner, email):
    answer = change_email(by_password(owner), email)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["email"]
    assert mail.outbox == []


def change_password(browser: Client, **change: str):
    return browser.post(CHANGE_PASSWORD, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW} | change)


def test_password_when_changed_then_other_browsers_are_out_and_a_letter_tells(owner):
    here, there = Client(), Client()
    for browser in (here, there):
        sign_in(browser, owner.user)
    mail.outbox.clear()

    answer = change_password(here)

    assert answer["Location"] == ACCOUNT
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert [letter.to for letter in mail.outbox] == [[owner.user.email]]
    assert kinds_of(owner)[-1] == "account.password_changed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"oldpassword": "wrong"}, "oldpassword"),
        ({"oldpassword": "x" * 900_000}, "oldpassword"),
        ({"oldpassword": "nul\x00"}, "oldpassword"),
        ({"password1": "short", "password2": "short"}, "password1"),
        ({"password1": "password1234", "password2": "password1234"}, "password1"),
        ({"password2": "another one here"}, "password2"),
    ],
)
def test_password_when_a_value_is_bad_then_the_error_is_at_its_field(owner, change, field):
    answer = change_password(by_password(owner), **change)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert User.objects.get(pk=owner.user_id).check_password(PASSWORD)
    assert "xxxxxxxx" not in answer.content.decode()


def test_password_when_there_is_a_second_factor_then_it_is_asked_for_first(owner):
    app = give_app(owner.user)

    answer = change_password(by_both(owner, app, minutes_ago=16))

    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert User.objects.get(pk=owner.user_id).check_password(PASSWORD)


def test_sessions_when_listed_then_this_one_is_first_and_named_in_words(owner):
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"
    here, there, odd = Client(headers={"User-Agent": chrome}), Client(headers={"User-Agent": phone}), Client()
    for browser in (here, there, odd):
        sign_in(browser, owner.user)

    found = here.get(SESSIONS).context["sessions"]

    assert [(one.browser, one.system, one.is_here) for one in found] == [
        ("Chrome", "Linux", True),
        ("", "", False),
        ("Safari", "iPhone", False),
    ]


def test_session_when_one_is_ended_then_that_browser_is_out_and_the_others_stay(owner):
    here, there, third = Client(), Client(), Client()
    for browser in (here, there, third):
        sign_in(browser, owner.user)
    row = UserSession.objects.get(session_key=there.session.session_key)

    here.post(reverse("usersessions_end", args=[row.pk]))

    assert [is_signed_in(browser) for browser in (here, there, third)] == [True, False, True]
    assert kinds_of(owner)[-1] == "account.session_ended"


def test_sessions_when_all_others_are_ended_then_only_this_one_stays(owner):
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        sign_in(browser, owner.user)

    browsers[0].post(SESSIONS)

    assert [is_signed_in(browser) for browser in browsers] == [True, False, False]
    assert kinds_of(owner)[-2:] == ["account.session_ended"] * 2


def test_session_when_it_is_this_one_then_it_signs_out(owner):
    here = Client()
    sign_in(here, owner.user)

    answer = here.post(reverse("usersessions_end", args=[UserSession.objects.get().pk]))

    assert answer["Location"] == reverse("account_login")
    assert not is_signed_in(here)


def test_session_of_another_person_when_ended_then_it_is_absent_and_stays(owner):
    theirs = Client()
    sign_in(theirs, owner.user)

    answer = by_password(make_team()).post(reverse("usersessions_end", args=[UserSession.objects.get().pk]))

    assert answer.status_code == 404
    assert is_signed_in(theirs)


CHANGING = [reverse("usersessions_end", args=[1])]


@pytest.mark.parametrize("url", CHANGING)
def test_change_when_only_looked_at_then_it_is_405(owner, url):
    assert by_password(owner).get(url).status_code == 405


def test_sign_in_and_out_when_done_then_the_log_has_it_without_an_address(owner):
    browser = Client()
    browser.post(reverse("account_login"), {"login": owner.user.email, "password": "wrong one here"})
    sign_in(browser, owner.user)
    browser.post(reverse("account_logout"))

    events = list(Event.objects.filter(team_id=None).order_by("id").values_list("kind", "actor", "data"))
    assert events == [
        ("account.sign_in_failed", owner.user.actor, {}),
        ("account.signed_in", owner.user.actor, {"by": ["password"]}),
        ("account.signed_out", owner.user.actor, {}),
    ]
