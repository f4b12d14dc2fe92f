"""The last page: what is shared until when, what the maker still asks for, and the way to the owner's own page."""

from datetime import timedelta
from urllib.request import urlopen

import pytest
from django.urls import reverse
from django.utils import timezone

from connect.models import PortalKey, Visit
from connect.portal_keys import find_key
from fleet.teams.models import Membership
from fleet.vehicles.models import Owner, ProviderApp, VehicleLink
from fleet.vehicles.tasks import read_link
from tests.connect.conftest import OwnerBrowser, make_link, text_of
from tests.infrastructure.simulator import Account, Simulator


@pytest.fixture
def account(manager: Membership, provider: ProviderApp, simulator: Simulator) -> Account:
    return simulator.account({"make": "Tesla", "model": "Model 3", "needs_pairing": True}, brand="tesla")


def join(manager: Membership, account: Account, **data: str) -> tuple[OwnerBrowser, Visit]:
    ends_at = timezone.now() + timedelta(days=30)
    owner = OwnerBrowser(make_link(manager, consent_ends_at=ends_at)[1])
    visit = owner.sign_in(account)
    owner.decide(visit, [account.cars[0]["id"]], **data)
    read_link(str(VehicleLink.objects.get().id), with_capabilities=True)  # as the worker does after an acceptance
    visit.refresh_from_db()
    return owner, visit


def test_done_when_car_needs_pairing_guides_there_and_says_when_it_is_done(
    manager: Membership, account: Account
) -> None:
    owner, visit = join(manager, account)

    before = owner.get("done", visit)
    checked = owner.client.post(reverse("connect:check", args=[visit.id]))
    waiting = owner.client.get(checked["Location"])
    part = owner.client.get(waiting.context["steps_url"], headers={"HX-Request": "true"})
    pair(before.context["steps"][0].url)
    read_link(str(VehicleLink.objects.get().id), with_capabilities=True)
    after = owner.client.get(checked["Location"])

    assert [step.car for step in before.context["steps"]] == ["Tesla Model 3"]
    assert "Let the key in" in text_of(before)
    assert "We are asking the maker again" in text_of(waiting)
    assert text_of(part).strip().startswith('<section class="grant" id="steps" hx-get=')
    assert (after.context["steps"], after.context["steps_url"]) == ([], "")
    assert "Done: the car takes commands." in text_of(after)


def test_done_when_maker_was_asked_again_and_still_waits_says_so(manager: Membership, account: Account) -> None:
    owner, visit = join(manager, account)
    checked = owner.client.post(reverse("connect:check", args=[visit.id]))
    read_link(str(VehicleLink.objects.get().id), with_capabilities=True)

    page = owner.client.get(checked["Location"])

    assert "Not yet: the maker still waits for the key." in text_of(page)
    assert page.context["steps_url"] == ""


def test_check_when_opened_by_get_or_after_the_end_asks_nobody(manager: Membership, account: Account) -> None:
    owner, visit = join(manager, account)
    url = reverse("connect:check", args=[visit.id])

    looked = owner.client.get(url)
    owner.client.get(reverse("connect:done", args=[visit.id]), {"checked": "x" * 13})
    odd = owner.client.get(reverse("connect:done", args=[visit.id]), {"checked": "٣" * 13})

    assert (looked.status_code, odd.status_code) == (405, 200)


def test_done_when_consent_has_an_end_names_it(manager: Membership, account: Account) -> None:
    owner, visit = join(manager, account)

    page = owner.get("done", visit)

    assert page.context["ends_at"] == visit.connection.ends_at is not None
    assert "then it ends by itself." in text_of(page)


def test_done_when_owner_asks_for_the_link_shows_it_once_and_a_get_makes_none(
    manager: Membership, account: Account
) -> None:
    owner, visit = join(manager, account)
    url = reverse("connect:portal_link", args=[visit.id])

    owner.get("done", visit)
    looked = owner.client.get(url)
    made_by_looking = PortalKey.objects.across_teams().count()
    page = owner.client.post(url)
    again = owner.get("done", visit)

    secret = page.context["portal_url"].rstrip("/").rsplit("/", 1)[1]
    assert (looked.status_code, made_by_looking) == (405, 0)
    assert find_key(secret).owner_id == visit.owner_id
    assert secret in text_of(page)
    assert secret not in text_of(again)


def test_done_when_an_hour_has_passed_gives_no_key_to_who_sits_there_now(manager: Membership, account: Account) -> None:
    owner, visit = join(manager, account)
    Visit.objects.filter(pk=visit.pk).update(finished_at=timezone.now() - timedelta(hours=1))

    page = owner.client.post(reverse("connect:portal_link", args=[visit.id]), follow=True)
    owner.client.post(reverse("connect:letter", args=[visit.id]), {"email": "thief@x.example"})

    assert page.context["portal_url"] == ""
    assert not PortalKey.objects.across_teams().exists()
    assert Owner.objects.across_teams().get().email == ""


def test_letter_when_owner_gives_an_address_is_asked_for_once_and_the_address_stays(
    manager: Membership, account: Account
) -> None:
    owner, visit = join(manager, account)
    url = reverse("connect:letter", args=[visit.id])

    wrong = owner.client.post(url, {"email": "nonsense"})
    owner.client.post(url, {"email": "olga@x.example"})
    owner.client.post(url, {"email": "somebody-else@x.example"})

    assert wrong.status_code == 422
    assert "email-errors" in text_of(wrong)
    assert Owner.objects.across_teams().get().email == "olga@x.example"
    assert PortalKey.objects.across_teams().filter(send_at__isnull=False).count() == 1


def test_review_when_owner_gives_an_address_has_the_letter_written(manager: Membership, account: Account) -> None:
    owner, visit = join(manager, account, email="olga@x.example")

    page = owner.get("done", visit)

    assert "We also send it to olga@x.example." in text_of(page)
    assert PortalKey.objects.across_teams().get().owner_id == visit.owner_id


def pair(url: str) -> None:
    with urlopen(url, data=b"") as answer:
        assert answer.status == 200
