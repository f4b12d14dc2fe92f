"""Coming in by a key and staying in: nothing secret in an address, nobody else's session, an hour, no guessing."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.access import MISSES_PER_MINUTE
from connect.models import PortalKey
from connect.portal_keys import find_key, mint_key
from fleet.portal.access import COOKIE, SESSION_KEY
from fleet.teams.models import Membership
from fleet.vehicles.models import Consent, Owner, VehicleLink
from fleet.vehicles.sealing import hash_token, make_token
from tests.factories import PASSWORD, join_simulated_car, make_team
from tests.fleet.portal.conftest import Browser
from tests.infrastructure.simulator import Simulator

HOME = "/my/"


def open_with(secret: str, client: Client | None = None):
    return (client or Client()).get(reverse("portal:open", args=[secret]))


def test_key_when_opened_then_it_leads_to_an_address_without_it_and_stays_good(owner: Owner) -> None:
    secret = mint_key(owner)

    first, second = open_with(secret), open_with(secret)

    for answer in (first, second):
        assert (answer.status_code, answer["Location"], answer["Referrer-Policy"]) == (302, HOME, "no-referrer")
        assert "no-store" in answer["Cache-Control"]
        cookie = answer.cookies[COOKIE]
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/my/", True, "Lax")
    key = PortalKey.objects.get()
    assert (key.secret_hash, key.revoked_at) == (hash_token(secret), None)
    assert secret not in str(vars(key))


def test_pages_when_open_then_the_secret_is_in_none_of_them(owner: Owner) -> None:
    secret = mint_key(owner)
    client = Client()
    open_with(secret, client)

    seen = [client.get(reverse(f"portal:{name}")) for name in ("home", "log", "hours", "stop", "forget")]

    assert [page.status_code for page in seen] == [200] * 5
    assert not [page for page in seen if secret in page.content.decode()]
    assert {page["X-Frame-Options"] for page in seen} == {"DENY"}


@pytest.mark.parametrize("name", ["home", "log", "hours", "stop", "forget"])
def test_page_when_nobody_came_in_then_it_says_how_to_get_a_new_link(db: None, name: str) -> None:
    answer = Client().get(reverse(f"portal:{name}"))

    assert answer.status_code == 404
    assert 'name="email"' in answer.content.decode()


def test_key_when_wrong_or_taken_back_or_of_a_forgotten_owner_then_it_opens_nothing(owner: Owner) -> None:
    revoked = mint_key(owner)
    PortalKey.objects.update(revoked_at=timezone.now())
    other = Owner.objects.create(team_id=owner.team_id, forgotten_at=timezone.now())
    secrets = [revoked, mint_key(other), make_token(), "x", "y" * 200]

    answers = [open_with(secret) for secret in secrets]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert {answer["Referrer-Policy"] for answer in answers} == {"no-referrer"}
    assert not [answer for answer in answers if COOKIE in answer.cookies]


def test_keys_when_guessed_too_often_then_the_guesser_is_asked_to_wait_and_who_has_one_still_gets_in(
    owner: Owner,
) -> None:
    client = Client()

    statuses = [open_with(make_token(), client).status_code for _ in range(MISSES_PER_MINUTE + 2)]

    assert statuses == [404] * MISSES_PER_MINUTE + [429] * 2
    assert open_with(mint_key(owner), client).status_code == 302


def test_pages_when_an_hour_went_by_then_they_are_closed(pages: Browser) -> None:
    session = pages.client.session
    session[SESSION_KEY] |= {"seen": (timezone.now() - timedelta(minutes=61)).timestamp()}
    session.save()

    assert pages.get("home").status_code == 404


def test_pages_when_used_then_the_hour_begins_anew(pages: Browser) -> None:
    session = pages.client.session
    session[SESSION_KEY] |= {"seen": (timezone.now() - timedelta(minutes=50)).timestamp()}
    session.save()

    pages.get("home")

    assert timezone.now().timestamp() - pages.client.session[SESSION_KEY]["seen"] < 60


def test_pages_when_the_key_is_taken_back_then_the_open_browser_is_closed_too(pages: Browser) -> None:
    answer = pages.post("revoke_links")

    assert answer.status_code == 200
    assert pages.get("home").status_code == 404
    assert PortalKey.objects.filter(revoked_at__isnull=True, secret_hash__isnull=False).count() == 0


def test_pages_when_somebody_else_knows_the_session_then_they_stay_closed_to_them(pages: Browser) -> None:
    thief = Client()
    thief.cookies["sessionid"] = pages.client.cookies["sessionid"].value

    assert thief.get(HOME).status_code == 404
    assert pages.get("home").status_code == 200


def test_pages_when_left_then_they_are_closed(pages: Browser) -> None:
    pages.post("leave")

    assert pages.get("home").status_code == 404


def test_key_when_a_member_of_another_team_opens_it_then_they_stay_signed_in_and_see_the_owners_page(
    owner: Owner,
) -> None:
    other = make_team("Another Fleet")
    client = Client()
    assert client.login(email=other.user.email, password=PASSWORD)
    before = client.get("/vehicles/").content.decode()

    open_with(mint_key(owner), client)
    page = client.get(HOME).content.decode()

    assert "Harbour Cars" in page
    after = client.get("/vehicles/").content.decode()
    assert ("Another Fleet" in before, "Another Fleet" in after) == (True, True)
    assert "Harbour Cars" not in after
    # Signed out, the owner's pages are closed in this browser as well.
    client.logout()
    assert client.get(HOME).status_code == 404


@pytest.mark.parametrize(("language", "title"), [("de", "freigeben"), ("en", "share")])
def test_pages_when_first_opened_then_they_speak_the_owners_language(owner: Owner, language: str, title: str) -> None:
    Owner.objects.update(language=language)
    client = Client(HTTP_ACCEPT_LANGUAGE="fr")
    open_with(mint_key(owner), client)

    page = client.get(HOME).content.decode()

    assert f'lang="{language}"' in page
    assert title in re.sub(r"<[^>]+>", " ", page)


def test_another_owners_car_when_asked_for_then_it_does_not_exist(
    pages: Browser, manager: Membership, simulator: Simulator
) -> None:
    foreign = join_simulated_car(manager, simulator, learn=False)
    given = Consent.objects.filter(link=foreign, withdrawn_at__isnull=True).count()

    answers = [
        pages.get("stop_car", foreign.id),
        pages.post("stop_car", foreign.id),
        pages.post("scope", foreign.id, "read_location"),
        pages.post("scope", foreign.id, "read_location", on="1"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert VehicleLink.objects.get(pk=foreign.pk).ended_at is None
    assert Consent.objects.filter(link=foreign, withdrawn_at__isnull=True).count() == given
    assert foreign.vehicle.vin not in pages.text("home")


def test_post_when_nobody_came_in_then_nothing_happens(link: VehicleLink, owner: Owner) -> None:
    client = Client()
    names = [
        ("scope", [link.id, "read_location"]),
        ("stop_car", [link.id]),
        ("stop", []),
        ("forget", []),
        ("hours", []),
    ]
    names += [("export", []), ("revoke_links", [])]

    answers = [client.post(reverse(f"portal:{name}", args=args)) for name, args in names]

    assert [answer.status_code for answer in answers] == [404] * 7
    assert VehicleLink.objects.get().ended_at is None
    owner.refresh_from_db()
    assert owner.forgotten_at is None


def test_post_when_it_has_no_csrf_token_then_it_is_refused(pages: Browser, link: VehicleLink) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = pages.client.cookies

    assert strict.post(reverse("portal:stop")).status_code == 403
    assert VehicleLink.objects.get().ended_at is None


def test_way_in_when_asked_for_again_then_known_and_unknown_addresses_get_the_same(owner: Owner) -> None:
    known = Client().post(reverse("portal:again"), {"email": owner.email.upper()})
    unknown = Client().post(reverse("portal:again"), {"email": "nobody@owner.example"})

    def plain(answer) -> str:
        return re.sub(r"[\w.-]+@[\w.-]+|[A-Za-z0-9]{64}", "X", answer.content.decode(), flags=re.IGNORECASE)

    assert (known.status_code, plain(known)) == (unknown.status_code, plain(unknown))
    assert known.status_code == 200
    # The letter is a worker's to write: nothing left while the browser waited.
    assert mail.outbox == []
    assert PortalKey.objects.filter(send_at__isnull=False).count() == 1


def test_way_in_when_asked_for_again_without_an_address_then_the_field_says_so(db: None) -> None:
    answers = [Client().post(reverse("portal:again"), {"email": email}) for email in ("", "olga", "a\x00b@c.example")]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert 'id="id_email-errors"' in answers[0].content.decode()


def test_way_in_when_asked_for_again_and_again_then_it_is_slowed_down(db: None) -> None:
    client = Client()

    statuses = [
        client.post(reverse("portal:again"), {"email": "nobody@owner.example"}).status_code
        for _ in range(MISSES_PER_MINUTE + 1)
    ]

    assert statuses == [200] * MISSES_PER_MINUTE + [429]


def test_find_key_when_asked_for_an_empty_secret_then_a_letter_that_waits_is_not_found(owner: Owner) -> None:
    PortalKey.objects.create(team_id=owner.team_id, owner=owner, send_at=timezone.now())

    assert find_key("") is None
