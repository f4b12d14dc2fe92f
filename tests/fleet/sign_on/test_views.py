"""Coming in by a provider: who does, who stays out, and that nothing it answers is more than a page of words."""

import logging
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.sign_on import http
from fleet.sign_on.words import OUT
from fleet.teams.models import User
from tests.factories import PASSWORD, make_team
from tests.fleet.sign_on.conftest import Traveller
from tests.fleet.teams.factors import give_app
from tests.infrastructure.identity import CLIENT_SECRET, Person

pytestmark = pytest.mark.django_db
ROBIN = Person("sub-1", "robin@acme.example", name="Robin Example")


def way_out(answer: object) -> str:
    """Which of the ways out a page shows, by its status and heading."""
    heading = re.search(r"<h1>(.*?)</h1>", answer.content.decode())[1].replace("&#x27;", "'")  # type: ignore[attr-defined]
    return next(
        code
        for code, out in OUT.items()
        if (out.status, str(out.title) % {"provider": "Acme ID"}) == (answer.status_code, heading)  # type: ignore[attr-defined]
    )


def account(email: str = ROBIN.email, *, is_verified: bool = True) -> User:
    user = User.objects.create_user(email, PASSWORD, name="Robin")
    EmailAddress.objects.create(user=user, email=email, verified=is_verified, primary=True)
    return user


def test_sign_on_when_nobody_was_here_before_then_an_account_is_made_without_a_password(traveller: Traveller) -> None:
    answer = traveller.go(ROBIN)

    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/vehicles/")
    assert traveller.user_id == str(user.id)
    assert (user.email, user.name, user.has_usable_password()) == (ROBIN.email, ROBIN.name, False)
    assert EmailAddress.objects.values_list("email", "verified", "primary").get() == (ROBIN.email, True, True)
    kept = SocialAccount.objects.get()
    assert (kept.provider, len(kept.uid), kept.extra_data) == ("acme", 64, {})
    kinds = Event.objects.filter(actor=user.actor, kind__startswith="account.").order_by("id")
    assert list(kinds.values_list("kind", "data")) == [
        ("account.linked", {"provider": "acme", "is_new": True}),
        ("account.signed_in", {"by": ["socialaccount"]}),
    ]


def test_sign_on_when_leaving_then_the_provider_is_asked_with_pkce_state_and_nonce(traveller: Traveller) -> None:
    first, second = traveller.leave(), traveller.leave()

    asked = [parse_qs(urlsplit(answer["Location"]).query) for answer in (first, second)]
    fresh = ("state", "nonce", "code_challenge")
    assert all(len(asked[0][name][0]) >= 16 and asked[0][name] != asked[1][name] for name in fresh)
    assert asked[0]["redirect_uri"] == ["http://localhost:8000/accounts/sign-on/acme/callback/"]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert not {"prompt", "max_age"} & asked[0].keys()


def test_sign_on_when_come_again_then_it_is_the_same_person_whatever_their_address_there_is_now(
    traveller: Traveller,
) -> None:
    traveller.go(ROBIN)
    before = traveller.user_id
    traveller.client = Client()

    traveller.go(replace(ROBIN, email="robin.married@acme.example"))

    assert traveller.user_id == before
    assert list(User.objects.values_list("email", flat=True)) == [ROBIN.email]


def test_sign_on_when_the_address_has_an_account_then_it_is_linked_and_its_owner_gets_a_letter(
    traveller: Traveller,
) -> None:
    user = account()

    traveller.go(ROBIN)

    user.refresh_from_db()
    assert traveller.user_id == str(user.id)
    assert user.has_usable_password()
    assert [(letter.to, "Acme ID" in letter.body) for letter in mail.outbox] == [([user.email], True)]


def test_sign_on_when_the_address_was_never_confirmed_then_what_its_maker_could_come_in_with_ends(
    traveller: Traveller,
) -> None:
    squatter = account(is_verified=False)
    give_app(squatter)
    theirs = Client()
    theirs.force_login(squatter)

    traveller.go(ROBIN)

    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert not Authenticator.objects.exists()
    assert theirs.get(reverse("account_home")).status_code == 302
    assert traveller.client.get(reverse("account_home")).status_code == 200


@pytest.mark.parametrize(
    ("person", "code"),
    [
        (replace(ROBIN, email_verified=False), "unverified"),
        (replace(ROBIN, email_verified=None), "unverified"),
        (replace(ROBIN, email_verified="true"), "unverified"),
        (replace(ROBIN, email="robin@example.com"), "foreign_address"),
        (replace(ROBIN, email="robin@sub.acme.example"), "foreign_address"),
        (replace(ROBIN, email="robin@harbour.example"), "foreign_address"),
        (replace(ROBIN, email="a@evil.example\r\nBcc: x@acme.example"), "foreign_address"),
        (replace(ROBIN, email=""), "foreign_address"),
    ],
)
def test_sign_on_when_the_provider_is_not_believed_about_the_address_then_nobody_comes_in(
    traveller: Traveller, person: Person, code: str
) -> None:
    account()

    answer = traveller.go(person)

    assert (way_out(answer), traveller.user_id) == (code, None)
    assert not SocialAccount.objects.exists()


def test_sign_on_when_the_address_went_to_another_subject_then_the_account_stays_closed_to_them(
    traveller: Traveller,
) -> None:
    traveller.go(ROBIN)
    traveller.client = Client()

    answer = traveller.go(replace(ROBIN, sub="sub-2"))

    assert (way_out(answer), traveller.user_id) == ("other_subject", None)


def test_sign_on_when_the_account_moved_to_another_address_then_the_provider_no_longer_opens_it(
    traveller: Traveller,
) -> None:
    traveller.go(ROBIN)
    User.objects.update(email="robin@example.com")
    traveller.client = Client()

    answer = traveller.go(ROBIN)

    assert (way_out(answer), traveller.user_id) == ("moved_away", None)


def test_sign_on_when_the_account_is_closed_then_it_stays_closed(traveller: Traveller) -> None:
    User.objects.filter(pk=account().pk).update(is_active=False)

    assert (way_out(traveller.go(ROBIN)), traveller.user_id) == ("closed", None)


NOT_VALID = [
    "alg_none",
    "hs256",
    "wrong_key",
    "unknown_kid",
    "changed",
    "wrong_issuer",
    "wrong_audience",
    "two_audiences",
    "wrong_nonce",
    "no_nonce",
    "expired",
    "no_expiry",
    "from_tomorrow",
    "no_subject",
    "empty_subject",
    "no_id_token",
    "token_html",
    "token_list",
    "token_500",
    "keys_list",
    "keys_html",
]
UNREACHABLE = ["keys_500", "keys_redirect", "keys_huge", "token_huge", "token_cut"]


@pytest.mark.parametrize(
    ("fault", "code"), [(fault, "not_valid") for fault in NOT_VALID] + [(fault, "unreachable") for fault in UNREACHABLE]
)
def test_sign_on_when_the_provider_proves_nothing_then_nobody_comes_in_and_no_secret_is_logged(
    traveller: Traveller, fault: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = traveller.leave()
    back = urlsplit(traveller.identity.authorize(answer["Location"], ROBIN))

    with traveller.identity.failing(fault), caplog.at_level(logging.DEBUG):
        came = traveller.client.get(f"{back.path}?{back.query}")

    assert (way_out(came), traveller.user_id) == (code, None)
    assert not User.objects.exists()
    secrets = (parse_qs(back.query)["code"][0], CLIENT_SECRET, "the-access-token", "eyJ")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("fleet.")]
    assert [message for message in ours if f"sign-on by acme failed: {code}" in message]
    assert not [secret for secret in secrets if secret in caplog.text]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("discovery_500", "unreachable"),
        ("discovery_html", "not_valid"),
        ("discovery_list", "not_valid"),
        ("discovery_redirect", "unreachable"),
        ("other_issuer", "not_valid"),
        ("unsafe_endpoint", "not_valid"),
        ("no_endpoint", "not_valid"),
    ],
)
def test_sign_on_when_the_provider_describes_itself_badly_then_nobody_is_led_there(
    traveller: Traveller, fault: str, code: str
) -> None:
    with traveller.identity.failing(fault):
        answer = traveller.leave()

    assert way_out(answer) == code


def test_sign_on_when_the_provider_drips_then_the_wait_has_an_end(
    traveller: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TOTAL_S", 0.3)

    with traveller.identity.failing("discovery_drip"):
        answer = traveller.leave()

    assert (way_out(answer), answer["Retry-After"]) == ("unreachable", "300")


def test_sign_on_when_nobody_listens_there_then_a_page_says_so(
    traveller: Traveller, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]  # type: ignore[attr-defined]
    monkeypatch.setitem(apps[0], "settings", {"server_url": "http://127.0.0.1:9/acme"})

    assert way_out(traveller.leave()) == "unreachable"


def test_sign_on_when_a_callback_is_replayed_then_it_is_over_and_the_provider_is_not_asked(
    traveller: Traveller,
) -> None:
    back = urlsplit(traveller.identity.authorize(traveller.leave()["Location"], ROBIN))
    traveller.client.get(f"{back.path}?{back.query}")
    signed_in = traveller.user_id
    traveller.identity.paths.clear()

    again = traveller.client.get(f"{back.path}?{back.query}")
    elsewhere = Client().get(f"{back.path}?{back.query}")

    assert (way_out(again), way_out(elsewhere)) == ("strange_state", "strange_state")
    assert traveller.user_id == signed_in
    assert traveller.identity.paths == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state={state}&error=access_denied", "cancelled"),
        ("state={state}&error=server_error&error_description=<script>", "refused_there"),
        ("state={state}", "refused_there"),
        ("state={state}&code=made-up", "not_valid"),
        ("state={state}&code={code}&iss=http://other.example", "not_valid"),
        ("state=other&code={code}", "strange_state"),
        ("code={code}", "strange_state"),
        ("", "strange_state"),
        ("state=%00&code=%00", "strange_state"),
    ],
)
def test_callback_when_it_is_not_what_was_asked_for_then_a_page_says_which(
    traveller: Traveller, query: str, code: str
) -> None:
    back = urlsplit(traveller.identity.authorize(traveller.leave()["Location"], ROBIN))
    given = parse_qs(back.query)

    answer = traveller.client.get(f"{back.path}?{query.format(state=given['state'][0], code=given['code'][0])}")

    assert (way_out(answer), traveller.user_id) == (code, None)


def test_callback_when_it_comes_from_the_other_provider_then_it_is_not_taken(traveller: Traveller) -> None:
    back = urlsplit(traveller.identity.authorize(traveller.leave("acme")["Location"], ROBIN))

    answer = traveller.client.get(f"{back.path.replace('acme', 'harbour')}?{back.query}")

    assert (answer.status_code, traveller.user_id) == (400, None)


def test_sign_on_when_the_token_holds_no_address_then_the_provider_is_asked_for_it(traveller: Traveller) -> None:
    traveller.identity.person = ROBIN
    with traveller.identity.failing("thin_token"):
        traveller.go(ROBIN)

    assert list(User.objects.values_list("email", "name")) == [(ROBIN.email, ROBIN.name)]


@pytest.mark.parametrize("provider_id", ["unknown", "confirm2"])
def test_sign_on_when_there_is_no_such_provider_then_neither_is_the_page(client: Client, provider_id: str) -> None:
    answers = [client.get(f"/accounts/sign-on/{provider_id}/{rest}") for rest in ("", "callback/")]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_on_when_it_shall_lead_elsewhere_afterwards_then_it_does_not(traveller: Traveller, target: str) -> None:
    assert traveller.go(ROBIN, next=target)["Location"] == "/vehicles/"


def test_sign_on_when_somebody_else_is_signed_in_then_they_are_signed_out_first(traveller: Traveller) -> None:
    other = make_team().user
    traveller.client.force_login(other)
    traveller.client.session["left"] = "behind"

    traveller.go(ROBIN)

    assert traveller.user_id == str(User.objects.get(email=ROBIN.email).id)
    assert "left" not in traveller.client.session


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "\u202egnp.exe", "x" * 10_000, "a\x00b", 7])
def test_sign_on_when_the_name_is_strange_then_it_is_shortened_escaped_or_left_out(
    traveller: Traveller, name: str
) -> None:
    traveller.go(replace(ROBIN, name=name))

    page = traveller.client.get(reverse("account_home"))
    assert page.status_code == 200
    assert len(User.objects.get().name) <= 100
    assert "<img src=x" not in page.content.decode()
    assert "\u202e" not in page.content.decode()


def test_sign_on_when_there_are_too_many_then_it_says_so(traveller: Traveller) -> None:
    statuses = [traveller.leave().status_code for _ in range(61)]

    assert statuses == [302] * 60 + [429]


def test_pages_of_signing_in_when_there_are_providers_then_each_has_a_link(client: Client) -> None:
    page = client.get(reverse("account_login"), {"next": "/join/"}).content.decode()

    assert 'href="/accounts/sign-on/acme/?next=/join/"' in page
    assert "Continue with Harbour" in page
