"""Nobody learns whether an address has an account: neither from the answer, nor from the work that it cost."""

import re
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.installation import set_sign_up
from fleet.teams.models import Installation, User
from tests.factories import PASSWORD, make_user
from tests.fleet.teams.factors import give_app

SIGN_IN, SIGN_UP, RESET = (reverse(f"account_{name}") for name in ("login", "signup", "reset_password"))
SENT = reverse("account_email_verification_sent")
WHO = ["unknown", "known", "disabled", "with a second factor"]


@pytest.fixture(autouse=True)
def _mandatory(db, settings) -> Iterator[None]:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def hashes(monkeypatch) -> list[str]:
    """The passwords that were hashed, in order: hashing is what takes time."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counting(self, password, salt, *args, **kwargs):
        hashed.append(password)
        return encode(self, password, salt, *args, **kwargs)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    return hashed


@pytest.fixture
def addresses() -> dict[str, str]:
    known, disabled, careful = make_user(), make_user(), make_user()
    User.objects.filter(pk=disabled.pk).update(is_active=False)
    give_app(careful)
    set_sign_up(policy=Installation.SignUp.ANYONE, actor="system:test")
    for user in (known, disabled, careful):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    # As long as the others: the size of an answer must not depend on more than what was typed.
    return dict(zip(WHO, (f"no{known.email[2:]}", known.email, disabled.email, careful.email), strict=True))


def seen(answer: HttpResponse, email: str) -> tuple[int, dict[str, str], str]:
    """What can be told apart: status, headers, body; without what is drawn anew and the address that was typed."""
    body = re.sub(r"[A-Za-z0-9]{64}", "TOKEN", answer.content.decode()).replace(email, "ADDRESS")
    headers = {name: value for name, value in answer.headers.items() if name != "Expires"}  # now, to the second
    return answer.status_code, headers, body


def all_alike(found: dict[str, object]) -> bool:
    first = next(iter(found.values()))
    return all(one == first for one in found.values())


@pytest.mark.parametrize("who", WHO)
def test_sign_in_when_refused_then_it_costs_one_hash_whoever_it_is(addresses, hashes, who):
    hashes.clear()

    Client().post(SIGN_IN, {"login": addresses[who], "password": "the wrong password"})

    assert hashes == ["the wrong password"]


def test_sign_in_when_refused_then_nothing_tells_whose_address_it_is(addresses):
    found, queries = {}, {}
    for who, email in addresses.items():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = Client().post(SIGN_IN, {"login": email, "password": "the wrong password"})
        found[who] = seen(answer, email)
        queries[who] = len(asked)

    assert all_alike(found)
    # allauth looks for an unknown address in one more table: a hundredth of the time that one hash takes.
    assert max(queries.values()) - min(queries.values()) <= 1, queries


def test_sign_in_when_the_account_is_disabled_and_the_password_right_then_it_looks_like_a_wrong_one(addresses):
    email = addresses["disabled"]

    right, wrong = (
        Client().post(SIGN_IN, {"login": email, "password": word}) for word in (PASSWORD, "the wrong password")
    )

    assert seen(right, email) == seen(wrong, email)


def test_sign_in_when_tried_too_often_then_unknown_and_known_addresses_are_limited_alike(addresses):
    found = {}
    for who, email in addresses.items():
        cache.clear()
        found[who] = [seen(Client().post(SIGN_IN, {"login": email, "password": "wrong"}), email) for _ in range(8)]

    assert all_alike(found)
    assert [status for status, _, _ in found["known"]] == [422] * 5 + [429] * 3
    assert found["known"][-1][1]["Retry-After"] == "300"


def test_failed_sign_in_when_the_address_is_unknown_then_the_log_keeps_nothing(addresses):
    for email in addresses.values():
        Client().post(SIGN_IN, {"login": email, "password": "the wrong password"})

    actors = set(Event.objects.filter(kind="account.sign_in_failed").values_list("actor", flat=True))
    assert actors == {user.actor for user in User.objects.all()}


def sign_up(email: str, **more: str) -> HttpResponse:
    person = {"name": "Mika", "team_name": "Hafen", "password1": "sails over the harbour"}
    return Client().post(SIGN_UP, person | {"email": email} | more)


def test_sign_up_when_the_address_is_taken_then_the_answer_and_the_work_are_those_of_a_new_one(addresses, hashes):
    found, worked = {}, {}
    for who, email in addresses.items():
        hashes.clear()
        answer = sign_up(email)
        found[who], worked[who] = seen(answer, email), len(hashes)

    assert all_alike(found)
    assert found["known"][0:2] == (302, found["known"][1])
    assert found["known"][1]["Location"] == SENT
    assert worked == dict.fromkeys(WHO, 1)


def test_sign_up_when_the_address_is_taken_in_other_letters_then_its_owner_gets_a_letter_and_nobody_else(addresses):
    sign_up(addresses["known"].upper())

    assert [letter.to for letter in mail.outbox] == [[addresses["known"]]]
    assert User.objects.count() == 3


@pytest.mark.parametrize("email", ["x{0}\r\nBcc: e@example.com", "{0}\r\n", "{0}\n", "{0}\x00"])
def test_sign_up_when_the_address_holds_a_line_break_then_no_letter_goes_anywhere_new(addresses, email):
    sign_up(email.format(addresses["known"]))

    assert {address for letter in mail.outbox for address in letter.recipients()} <= {addresses["known"]}
    assert User.objects.count() == 3


def test_sign_up_when_new_then_nobody_is_in_before_the_address_is_confirmed():
    browser = Client()
    person = {"name": "Mika", "team_name": "Hafen", "email": "mika@example.com", "password1": "sails over the harbour"}
    sent = browser.post(SIGN_UP, person)
    refused = Client().post(SIGN_IN, {"login": "mika@example.com", "password": "sails over the harbour"})
    (link,) = set(re.findall(r"http\S+(/accounts/confirm-email/\S+)", mail.outbox[0].body))

    looked = Client().get(link)
    unconfirmed = EmailAddress.objects.get().verified
    Client().post(link)
    again = Client().get(link)
    entered = Client()
    entered.post(SIGN_IN, {"login": "mika@example.com", "password": "sails over the harbour"})

    assert (sent["Location"], refused["Location"]) == (SENT, SENT)
    assert browser.get(reverse("vehicles:list")).status_code == 302
    assert (looked.status_code, unconfirmed, EmailAddress.objects.get().verified) == (200, False, True)
    assert again.status_code == 200
    assert entered.get(reverse("vehicles:list")).status_code == 200


@pytest.mark.parametrize("key", ["x", "MQ:1abc:def", "a" * 5000, "MQ:1", "::::"])
def test_confirmation_when_the_key_is_made_up_then_the_page_is_the_same_neutral_one(key):
    url = f"/accounts/confirm-email/{key}/"

    looked, sent = Client().get(url), Client().post(url)

    assert looked.status_code == 200
    assert "no longer works" in looked.content.decode()
    assert sent.status_code in {302, 404}


def test_reset_when_asked_for_then_nothing_tells_whose_address_it_is(addresses, hashes):
    found, worked = {}, {}
    for who, email in addresses.items():
        hashes.clear()
        browser = Client()
        answer = browser.post(RESET, {"email": email})
        found[who] = (seen(answer, email), seen(browser.get(answer["Location"]), email))
        worked[who] = (len(hashes), len(mail.outbox))
        mail.outbox.clear()

    assert all_alike(found)
    assert worked == dict.fromkeys(WHO, (0, 1))  # an unknown address gets a letter as well, so that it costs the same


def reset_link(email: str) -> str:
    Client().post(RESET, {"email": email})
    return re.search(r"http\S+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1]


def test_reset_link_when_changed_used_or_outdated_then_the_page_is_one_and_the_same(addresses):
    user = User.objects.get(email=addresses["known"])
    other = User.objects.get(email=addresses["with a second factor"])
    link = reset_link(user.email)
    flipped = link[:-2] + ("a" if link[-2] != "a" else "b") + "/"
    used = reset_link(other.email)
    browser = Client()
    form = browser.get(used, follow=True)
    browser.post(form.request["PATH_INFO"], dict.fromkeys(("password1", "password2"), "sails of another ship"))
    User.objects.filter(pk=user.pk).update(email="moved@example.com")
    unknown = re.sub(r"key/[^-]+-", "key/zzzz-", link)

    pages = {
        name: Client().get(url, follow=True)
        for name, url in {"flipped": flipped, "used": used, "moved": link, "unknown": unknown}.items()
    }

    assert {name: page.context.get("token_fail") for name, page in pages.items()} == dict.fromkeys(pages, True)
    assert all_alike(
        {
            name: re.sub(r"[A-Za-z0-9]{64}", "TOKEN", page.content.decode()).replace(page.request["PATH_INFO"], "")
            for name, page in pages.items()
        }
    )


def test_reset_when_done_then_a_second_factor_is_still_asked_for(addresses):
    email = addresses["with a second factor"]
    browser = Client()
    form = browser.get(reset_link(email), follow=True)
    browser.post(form.request["PATH_INFO"], dict.fromkeys(("password1", "password2"), "sails of another ship"))

    answer = browser.post(SIGN_IN, {"login": email, "password": "sails of another ship"})

    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert Event.objects.get(kind="account.password_changed").data == {"by": "letter"}
