"""Sign-up and sign-in through the real pages: what is taken, what is refused, and what nobody can find out."""

import re
import time
from collections.abc import Iterator

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from fleet.teams.models import Membership, Team, User
from tests.factories import PASSWORD, make_team, make_user

SIGN_UP, SIGN_IN, SIGN_OUT = (reverse(f"account_{name}") for name in ("signup", "login", "logout"))
GOOD = {
    "name": "Mika Manager",
    "team_name": "Hafen Test",
    "email": "mika@example.com",
    "password1": "sails over the harbour",
}


@pytest.fixture(autouse=True)
def _limits_start_anew(db: None) -> Iterator[None]:
    """allauth counts attempts in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


def sign_up(**change: str):
    return Client().post(SIGN_UP, GOOD | change)


def sign_in(email: str, password: str = PASSWORD, client: Client | None = None, **more: str):
    return (client or Client()).post(SIGN_IN, {"login": email, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return client.get(reverse("vehicles:list")).status_code == 200


def assert_refused(answer, field: str) -> None:
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not User.objects.filter(email=GOOD["email"]).exists()
    assert not Team.objects.exists()


def test_sign_up_when_all_is_well_makes_a_person_with_a_team_and_signs_them_in() -> None:
    browser = Client()

    answer = browser.post(SIGN_UP, GOOD)

    membership = Membership.objects.get()
    assert answer["Location"] == reverse("vehicles:list")
    assert (membership.user.email, membership.user.name, membership.team.name, membership.role) == (
        "mika@example.com",
        "Mika Manager",
        "Hafen Test",
        "owner",
    )
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody",
        "a@b@example.com",
        "a b@example.com",
        '"a b"@@example.com',
        "x" * 250 + "@example.com",
        "mika\r\nBcc: x@example.com",
        "mi\x00ka@example.com",
    ],
    ids=["empty", "no at", "two at", "space", "quoted", "long", "line break", "nul"],
)
def test_sign_up_when_the_address_is_wrong_says_so_at_the_field(email: str) -> None:
    assert_refused(sign_up(email=email), "email")


@pytest.mark.parametrize(
    "password",
    ["", "tiny", "password1234", "Fleetwell2026!", "mika@example.com", "x" * 1_000_000],
    ids=["empty", "short", "common", "own name", "like the address", "a megabyte"],
)
def test_sign_up_when_the_password_is_weak_says_so_at_the_field(password: str) -> None:
    started = time.perf_counter()

    answer = sign_up(password1=password)

    assert_refused(answer, "password1")
    assert time.perf_counter() - started < 2
    assert "xxxxxxxx" not in answer.content.decode()


def test_sign_up_when_the_password_has_spaces_and_emoji_works_exactly_as_typed() -> None:
    password = "  Grüße 🚗 e\u0301 " + "z" * 40 + "  "
    sign_up(password1=password)

    exact, trimmed = Client(), Client()
    sign_in(GOOD["email"], password, client=exact)
    sign_in(GOOD["email"], password.strip(), client=trimmed)

    assert is_signed_in(exact)
    assert not is_signed_in(trimmed)


@pytest.mark.parametrize("field", ["name", "team_name"])
@pytest.mark.parametrize(
    "text", ["", "x" * 101, "a\u202eb", "a\x00b", "a\nb"], ids=["empty", "long", "rtl", "nul", "lf"]
)
def test_sign_up_when_a_name_can_not_be_shown_says_so_at_the_field(field: str, text: str) -> None:
    assert_refused(sign_up(**{field: text}), field)


def test_sign_up_when_names_look_like_code_shows_them_as_text() -> None:
    browser = Client()
    browser.post(SIGN_UP, GOOD | {"name": "<img src=x onerror=alert(1)>", "team_name": "{{7*7}}<b>"})

    page = browser.get(reverse("vehicles:list")).content.decode()

    assert User.objects.get().name == "<img src=x onerror=alert(1)>"
    assert "<img src=x" not in page
    assert "{{7*7}}&lt;b&gt;" in page


@pytest.mark.parametrize("email", ["MIKA@Example.com", "mika@example.com", " mika@example.com "])
def test_sign_up_when_the_address_is_taken_makes_no_second_account(email: str) -> None:
    sign_up()

    sign_up(email=email, name="Somebody Else", team_name="Other")

    assert list(User.objects.values_list("email", "name")) == [("mika@example.com", "Mika Manager")]
    assert Team.objects.count() == 1


def test_sign_in_when_the_address_is_written_in_capitals_works() -> None:
    owner, browser = make_team(), Client()

    sign_in(owner.user.email.upper(), client=browser)

    assert is_signed_in(browser)


def test_sign_in_when_refused_says_the_same_for_unknown_wrong_and_disabled() -> None:
    known, disabled = make_user(), make_user()
    User.objects.filter(pk=disabled.pk).update(is_active=False)

    answers = [sign_in(email, "the wrong password") for email in ("nobody@example.com", known.email, disabled.email)]
    answers.append(sign_in(disabled.email))

    assert {answer.status_code for answer in answers} == {422}
    assert len({str(answer.context["form"].errors) for answer in answers}) == 1


def test_sign_in_when_the_account_is_disabled_signs_nobody_in() -> None:
    owner, browser = make_team(), Client()
    User.objects.filter(pk=owner.user_id).update(is_active=False)

    sign_in(owner.user.email, client=browser)

    assert not is_signed_in(browser)


@pytest.mark.parametrize("password", ["x" * 1_000_000, "nul\x00byte", ""], ids=["megabyte", "nul", "empty"])
def test_sign_in_when_the_password_is_malformed_is_refused_before_hashing(password: str) -> None:
    owner, browser = make_team(), Client()
    started = time.perf_counter()

    answer = sign_in(owner.user.email, password, client=browser)

    assert answer.status_code == 422
    assert time.perf_counter() - started < 2
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_sign_in_when_next_leads_elsewhere_goes_to_the_usual_page(target: str) -> None:
    owner = make_team()

    answer = sign_in(owner.user.email, next=target)

    assert answer["Location"] == reverse("vehicles:list")


def test_sign_in_when_next_is_ours_goes_there() -> None:
    owner = make_team()

    answer = sign_in(owner.user.email, next=reverse("connect:links"))

    assert answer["Location"] == reverse("connect:links")


def test_sign_in_when_tried_too_often_is_limited_whatever_the_proxy_header_says() -> None:
    owner = make_team()

    statuses = [
        Client(headers={"X-Forwarded-For": f"203.0.113.{number}"})
        .post(SIGN_IN, {"login": owner.user.email, "password": "the wrong password"})
        .status_code
        for number in range(12)
    ]
    right = sign_in(owner.user.email)

    assert statuses[0] == 422
    assert "too many" in right.content.decode().lower() or right.status_code == 429


def test_sign_in_when_done_gives_a_new_session_and_sign_out_ends_it() -> None:
    owner, browser = make_team(), Client()
    browser.get(SIGN_IN)
    before = browser.cookies["sessionid"].value if "sessionid" in browser.cookies else None
    sign_in(owner.user.email, client=browser)
    stolen = browser.cookies["sessionid"].value

    browser.post(SIGN_OUT)
    thief = Client()
    thief.cookies["sessionid"] = stolen

    assert stolen != before
    assert not is_signed_in(thief)


def test_sign_out_when_only_looked_at_signs_nobody_out() -> None:
    owner, browser = make_team(), Client()
    sign_in(owner.user.email, client=browser)

    browser.get(SIGN_OUT)

    assert is_signed_in(browser)


@pytest.mark.parametrize("url", [SIGN_UP, SIGN_IN, SIGN_OUT])
def test_account_forms_when_csrf_token_is_missing_or_origin_is_foreign_are_refused(url: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get(SIGN_IN).cookies["csrftoken"].value
    data = GOOD | {"login": GOOD["email"], "password": PASSWORD}

    missing = Client(enforce_csrf_checks=True).post(url, data)
    foreign = browser.post(url, data | {"csrfmiddlewaretoken": token}, headers={"Origin": "https://evil.example"})

    assert (missing.status_code, foreign.status_code) == (403, 403)
    assert not User.objects.exists()


def test_password_reset_when_address_is_unknown_looks_as_for_a_known_one() -> None:
    known = make_user()
    url = reverse("account_reset_password")

    answers = [Client().post(url, {"email": email}, follow=True) for email in (known.email, "nobody@example.com")]

    assert [answer.redirect_chain for answer in answers] == [[(reverse("account_reset_password_done"), 302)]] * 2
    assert [message.to for message in mail.outbox if known.email in message.to] == [[known.email]]


def test_password_reset_when_the_link_is_used_then_it_works_once() -> None:
    user, browser = make_user(), Client()
    browser.post(reverse("account_reset_password"), {"email": user.email})
    link = re.search(r"http\S+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)[1]

    form = browser.get(link, follow=True)
    refused = browser.post(form.request["PATH_INFO"], {"password1": "short", "password2": "short"})
    new = "sails of another ship"
    browser.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
    again = Client().get(link, follow=True)

    assert refused.status_code == 422
    assert sign_in(user.email, new)["Location"] == reverse("vehicles:list")
    assert again.context["token_fail"] is True
