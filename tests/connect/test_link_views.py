"""The team's share links: who may, what the form refuses, and that the secret is seen once."""

import re
from base64 import b64decode
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from connect.models import Recipient, ShareLink
from connect.sending.services import find_recipient
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import ProviderApp
from fleet.vehicles.sealing import hash_token
from tests.connect.conftest import make_link, make_member

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
GOOD = {"label": "Olga’s car", "scopes_needed": ["read_battery"], "days": "14", "max_uses": "1", "brands": []}


def signed_in(membership: Membership, **kwargs: bool) -> Client:
    client = Client(**kwargs)
    client.force_login(membership.user, backend=BACKEND)
    return client


def links_page(membership: Membership) -> str:
    return signed_in(membership).get(reverse("connect:links")).content.decode()


def test_links_when_made_shows_the_secret_once_and_keeps_its_hash(manager: Membership) -> None:
    client = signed_in(manager)

    made = client.post(reverse("connect:links"), GOOD | {"scopes_optional": ["control_charge"]})
    later = client.get(reverse("connect:links"))

    secret = re.search(r"/c/([A-Za-z0-9_-]{27})/", made.context["new_url"]).group(1)
    link = ShareLink.objects.get()
    assert link.secret_hash == hash_token(secret)
    assert (link.team, link.created_by, link.label, link.brands, link.max_uses) == (
        manager.team,
        manager.user,
        "Olga’s car",
        [],
        1,
    )
    assert (link.scopes_needed, link.scopes_optional) == (["read_battery", "read_vin"], ["control_charge"])
    assert timedelta(days=13, hours=23) < link.expires_at - timezone.now() <= timedelta(days=14)
    assert secret in made.content.decode()
    assert secret not in later.content.decode()
    assert "Olga’s car" in later.content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"label": "a\x00b"}, "label"),
        ({"scopes_needed": ["read_everything"]}, "scopes_needed"),
        ({"scopes_needed": []}, "scopes_needed"),
        ({"scopes_optional": ["read_battery"]}, "scopes_optional"),
        ({"brands": ["trabant"]}, "brands"),
        ({"days": "0"}, "days"),
        ({"days": "366"}, "days"),
        ({"days": "1e9"}, "days"),
        ({"days": ""}, "days"),
        ({"max_uses": "0"}, "max_uses"),
        ({"max_uses": "-1"}, "max_uses"),
        ({"max_uses": "99999999999999999999"}, "max_uses"),
    ],
)
def test_links_when_form_is_wrong_says_where_and_makes_nothing(
    manager: Membership, change: dict[str, object], field: str
) -> None:
    answer = signed_in(manager).post(reverse("connect:links"), GOOD | change)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert escape(answer.context["form"].errors[field][0]) in answer.content.decode()
    assert not ShareLink.objects.exists()


def test_links_when_brand_is_offered_can_be_fixed(manager: Membership, provider: ProviderApp) -> None:
    signed_in(manager).post(reverse("connect:links"), GOOD | {"brands": ["skoda"]})

    assert ShareLink.objects.get().brands == ["skoda"]
    assert "Škoda" in links_page(manager)


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403)]
)
def test_links_when_role_is_small_are_forbidden(manager: Membership, role: Role, status: int) -> None:
    member = make_member("colleague", role=role, of=manager)
    client = signed_in(member)

    shown = client.get(reverse("connect:links"))
    posted = client.post(reverse("connect:links"), GOOD)

    assert (shown.status_code, posted.status_code) == (status, status)
    assert ShareLink.objects.exists() == (status == 200)


def test_links_when_nobody_is_signed_in_asks_to_sign_in(db: None) -> None:
    answer = Client().get(reverse("connect:links"))

    assert answer["Location"] == f"{reverse('account_login')}?next={reverse('connect:links')}"


def test_links_when_csrf_token_is_missing_makes_nothing(manager: Membership) -> None:
    answer = signed_in(manager, enforce_csrf_checks=True).post(reverse("connect:links"), GOOD)

    assert answer.status_code == 403
    assert not ShareLink.objects.exists()


def test_links_when_another_team_has_some_shows_only_ones_own(manager: Membership) -> None:
    outsider = make_member("outsider")
    make_link(outsider)

    page = links_page(manager)

    assert "No share links yet" in page


def test_revoke_when_pressed_takes_the_link_back_and_says_so(manager: Membership) -> None:
    link, _ = make_link(manager)

    answer = signed_in(manager).post(reverse("connect:revoke", args=[link.id]), follow=True)

    link.refresh_from_db()
    assert link.revoked_at is not None
    assert "no longer works" in answer.content.decode()
    assert reverse("connect:revoke", args=[link.id]) not in answer.content.decode()


def test_revoke_when_not_ones_own_does_nothing(manager: Membership) -> None:
    link, _ = make_link(manager)
    viewer = make_member("viewer", role=Role.VIEWER, of=manager)
    outsider = make_member("outsider")
    url = reverse("connect:revoke", args=[link.id])

    statuses = [
        signed_in(viewer).post(url).status_code,
        signed_in(outsider).post(url).status_code,
        signed_in(manager).post(reverse("connect:revoke", args=[uuid4()])).status_code,
        signed_in(manager).get(url).status_code,
    ]

    link.refresh_from_db()
    assert statuses == [403, 404, 404, 405]
    assert link.revoked_at is None


def test_links_when_there_are_many_asks_no_more_queries(manager: Membership) -> None:
    client = signed_in(manager)
    make_link(manager)
    client.get(reverse("connect:links"))

    with CaptureQueriesContext(connection) as with_one:
        client.get(reverse("connect:links"))
    for _ in range(29):
        make_link(manager)
    with CaptureQueriesContext(connection) as with_thirty:
        client.get(reverse("connect:links"))

    assert len(with_thirty) == len(with_one)


def test_new_link_when_opened_then_the_form_stands_beside_the_owners_screen(manager: Membership) -> None:
    page = signed_in(manager).get(reverse("connect:new_link"))

    assert page.status_code == 200
    assert "Team of manager asks to connect your car" in page.content.decode()


def test_links_when_every_field_is_given_then_all_of_it_is_kept(manager: Membership, provider: ProviderApp) -> None:
    manager.team.time_zone = "Europe/Berlin"
    manager.team.save(update_fields=["time_zone"])
    day = (timezone.now() + timedelta(days=100)).date()
    more = {
        "brands": ["volkswagen", "skoda"],
        "vin": " wvwzzz1jzxw000001",
        "consent_ends": day.isoformat(),
        "language": "de",
        "country": "AT",
        "message": "For\r\nyou",
        "max_uses": "",
    }

    signed_in(manager).post(reverse("connect:links"), GOOD | more)

    link = ShareLink.objects.get()
    assert (link.brands, link.vin, link.language, link.country, link.message, link.max_uses) == (
        ["skoda", "volkswagen"],
        "WVWZZZ1JZXW000001",
        "de",
        "AT",
        "For\nyou",
        None,
    )
    assert link.consent_ends_at.astimezone(manager.team.zone).isoformat()[:19] == f"{day.isoformat()}T23:59:59"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": "x" * 501}, "message"),
        ({"message": "a\x00b"}, "message"),
        ({"message": "a\u202eb"}, "message"),
        ({"vin": "WVWZZZ1JZXW00000"}, "vin"),
        ({"vin": "WVWZZZ1JZXW00000O"}, "vin"),
        ({"vin": "1M8GDM9A0KP042788"}, "vin"),
        ({"vin": "ZFF00000000000001"}, "vin"),
        ({"vin": "WVWZZZ1JZXW000001", "brands": ["skoda"]}, "vin"),
        ({"consent_ends": "2020-01-01"}, "consent_ends"),
        ({"consent_ends": "3020-01-01"}, "consent_ends"),
        ({"consent_ends": "soon"}, "consent_ends"),
        ({"consent_ends": (timezone.now() + timedelta(days=3)).date().isoformat()}, "consent_ends"),
        ({"language": "tlh"}, "language"),
        ({"country": "XX"}, "country"),
    ],
)
def test_links_when_a_rare_field_is_wrong_says_where_and_makes_nothing(
    manager: Membership, provider: ProviderApp, change: dict[str, object], field: str
) -> None:
    answer = signed_in(manager).post(reverse("connect:links"), GOOD | change)

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert escape(answer.context["form"].errors[field][0]) in answer.content.decode()
    assert not ShareLink.objects.exists()


def test_preview_when_the_form_stands_half_done_shows_the_owners_screen_and_makes_nothing(manager: Membership) -> None:
    client, url = signed_in(manager), reverse("connect:preview")
    half = {"scopes_optional": ["read_location"], "message": "<b>Hi</b>", "language": "de", "days": "x"}

    part = client.post(url, half, headers={"HX-Request": "true"})
    whole = client.post(url, half)

    assert part.content.decode().strip().startswith('<div class="phone connect" id="link-preview"')
    assert "&lt;b&gt;Hi&lt;/b&gt;" in part.content.decode()
    assert 'lang="de"' in part.content.decode()
    assert "asks to connect" not in part.content.decode()
    assert whole.status_code == 200
    assert "&lt;b&gt;Hi&lt;/b&gt;" in whole.content.decode()
    assert not ShareLink.objects.exists()


def test_link_when_a_list_is_checked_then_sent_then_letters_wait_and_nothing_before(manager: Membership) -> None:
    link, _ = make_link(manager)
    client, url = signed_in(manager), reverse("connect:send", args=[link.id])
    file = SimpleUploadedFile("owners.csv", "\ufeffName;E-Mail\nAda;ada@example.com\n".encode())

    checked = client.post(url, {"file": file})
    before = Recipient.objects.count()
    sent = client.post(url, {"entries": checked.context["checked_text"], "act": "send"}, follow=True)

    assert (before, Recipient.objects.get().email, Recipient.objects.get().name) == (0, "ada@example.com", "Ada")
    assert "1 letter is on its way." in sent.content.decode()
    assert "Waiting to be sent" in sent.content.decode()


@pytest.mark.parametrize(
    "data",
    [
        {"entries": "", "act": "send"},
        {"entries": "nobody", "act": "send"},
        {"entries": "a\x00b@example.com"},
        {"file": SimpleUploadedFile("x.csv", b"\xff\xfe\x00")},
        {"file": SimpleUploadedFile("x.csv", b"a@example.com\x00")},
        {"file": SimpleUploadedFile("x.csv", b"x" * 1_048_577)},
        {"file": SimpleUploadedFile("x.csv", b'email,name\n"' + b"x" * 200_000)},
        {"entries": "x" * 200_001},
    ],
)
def test_send_when_the_list_is_bad_says_so_at_the_field_and_sends_nothing(
    manager: Membership, data: dict[str, object]
) -> None:
    link, _ = make_link(manager)

    answer = signed_in(manager).post(reverse("connect:send", args=[link.id]), data)

    assert answer.status_code == 422
    assert 'class="wrong"' in answer.content.decode()
    assert not Recipient.objects.exists()


def test_vins_when_links_are_made_shows_each_once_and_keeps_their_hashes(manager: Membership) -> None:
    link, _ = make_link(manager)
    client, url = signed_in(manager), reverse("connect:vins", args=[link.id])

    judged = client.post(url, {"entries": "WVWZZZ1JZXW000001\nnonsense"})
    before = Recipient.objects.count()
    sheet = client.post(url, {"entries": judged.context["good_text"], "act": "make"})
    later = client.get(reverse("connect:link", args=[link.id])).content.decode()

    (car,) = sheet.context["cars"]
    secret = car.url.rstrip("/").rsplit("/", 1)[1]
    assert (before, judged.context["good"]) == (0, ["WVWZZZ1JZXW000001"])
    assert find_recipient(secret) == Recipient.objects.get()
    assert Recipient.objects.get().secret_hash == hash_token(secret)
    rows = b64decode(sheet.context["csv_url"].partition(",")[2]).decode("utf-8-sig").splitlines()
    assert rows == ["VIN,Make,Link", f"WVWZZZ1JZXW000001,Volkswagen,{car.url}"]
    assert secret not in later
    assert "WVWZZZ1JZXW000001" in later


def test_personal_link_when_reminded_or_withdrawn_by_others_stays(manager: Membership) -> None:
    link, _ = make_link(manager)
    one = Recipient.objects.create(team=manager.team, link=link, email="a@example.com", sent_count=1)
    viewer, outsider = make_member("viewer", role=Role.VIEWER, of=manager), make_member("outsider")
    urls = [reverse(f"connect:{name}", args=[one.id]) for name in ("remind_one", "withdraw")]

    statuses = [[signed_in(who).post(url).status_code for url in urls] for who in (viewer, outsider, manager)]

    assert statuses == [[403, 403], [404, 404], [302, 302]]
    one.refresh_from_db()
    assert one.revoked_at is not None


def test_link_when_it_has_many_owners_asks_no_more_queries(manager: Membership) -> None:
    link, _ = make_link(manager)
    client, url = signed_in(manager), reverse("connect:link", args=[link.id])
    Recipient.objects.create(team=manager.team, link=link, email="a@example.com")
    client.get(url)

    with CaptureQueriesContext(connection) as with_one:
        client.get(url)
    Recipient.objects.bulk_create(Recipient(team=manager.team, link=link, email=f"a{n}@example.com") for n in range(29))
    with CaptureQueriesContext(connection) as with_thirty:
        client.get(url)

    assert len(with_thirty) == len(with_one)
