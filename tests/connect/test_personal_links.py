"""Personal links: the same flow by a secret of one's own, that works once."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.models import Recipient, Visit
from connect.services import revoke_share_link
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Owner, ProviderApp, Vehicle
from tests.connect.conftest import OwnerBrowser, make_link, make_recipient, text_of
from tests.infrastructure.simulator import Simulator


def test_flow_when_by_a_personal_link_uses_it_up_and_leaves_the_others(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    link, _ = make_link(manager, max_uses=1)
    recipient, secret = make_recipient(link, language="de")
    other, other_secret = make_recipient(link)
    owner = OwnerBrowser(secret)

    first = owner.client.get(reverse("connect:start", args=[secret]))
    visit = owner.sign_in(account)
    owner.decide(visit, [account.cars[0]["id"]])
    again = Client().get(reverse("connect:start", args=[secret]))

    recipient.refresh_from_db()
    link.refresh_from_db()
    assert '<html lang="de"' in text_of(first)
    assert visit.recipient_id == recipient.id
    assert recipient.connection_id == Connection.objects.get().id
    assert recipient.done_at is not None
    assert link.uses == 0
    assert (again.status_code, Client().get(reverse("connect:start", args=[other_secret])).status_code) == (410, 200)
    assert Recipient.objects.get(pk=other.pk).done_at is None


def test_flow_when_two_accept_by_one_personal_link_lets_one_in(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    accounts = [simulator.account(), simulator.account()]
    _, secret = make_recipient(make_link(manager)[0])
    owners = [OwnerBrowser(secret), OwnerBrowser(secret)]
    visits = [owner.sign_in(account) for owner, account in zip(owners, accounts, strict=True)]

    pages = [
        owner.decide(visit, [account.cars[0]["id"]])
        for owner, visit, account in zip(owners, visits, accounts, strict=True)
    ]

    assert [Visit.objects.get(pk=visit.pk).failure for visit in visits] == ["", "link_used_up"]
    assert "This link was used already" in text_of(pages[1])
    assert (Connection.objects.count(), Vehicle.objects.count(), Owner.objects.count()) == (1, 1, 1)


def test_personal_link_when_withdrawn_or_its_share_link_revoked_leads_nowhere(
    manager: Membership, provider: ProviderApp
) -> None:
    link, _ = make_link(manager)
    _, withdrawn = make_recipient(link, revoked_at=timezone.now())
    _, orphan = make_recipient(link)
    revoke_share_link(link=link, actor=manager.user.actor)

    answers = [Client().get(reverse("connect:start", args=[secret])) for secret in (withdrawn, orphan)]

    assert [answer.status_code for answer in answers] == [410, 410]


def test_start_when_owner_says_no_is_noted_by_post_alone_and_the_link_stays_usable(
    manager: Membership, provider: ProviderApp
) -> None:
    recipient, secret = make_recipient(make_link(manager)[0])
    browser = Client()
    url = reverse("connect:refuse", args=[secret])

    looked = browser.get(url)
    before = Recipient.objects.get(pk=recipient.pk).declined_at
    page = browser.post(url)

    assert (looked.status_code, before) == (405, None)
    assert "Nothing is shared" in text_of(page)
    assert Recipient.objects.get(pk=recipient.pk).declined_at is not None
    assert browser.get(reverse("connect:start", args=[secret])).status_code == 200
    assert not Visit.objects.exists()


def test_start_when_another_personal_link_of_the_same_share_link_is_open_does_not_go_on_in_its_pass(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    link, _ = make_link(manager)
    owner = OwnerBrowser(make_recipient(link)[1])
    visit = owner.sign_in(simulator.account())

    mine = owner.client.get(reverse("connect:start", args=[owner.secret]))
    other = owner.client.get(reverse("connect:start", args=[make_recipient(link)[1]]))

    assert (mine.status_code, mine["Location"]) == (302, reverse("connect:wait", args=[visit.id]))
    assert other.status_code == 200


def test_pages_when_only_opened_consume_nothing(manager: Membership, provider: ProviderApp) -> None:
    link, shared = make_link(manager)
    recipient, personal = make_recipient(link)
    scanner = Client()

    for secret in (shared, personal):
        for name in ("start", "brand"):
            assert scanner.get(reverse(f"connect:{name}", args=[secret])).status_code == 200
        scanner.get(reverse("connect:go", args=[secret, "volkswagen"]))

    link.refresh_from_db()
    recipient.refresh_from_db()
    assert (link.uses, recipient.done_at, recipient.declined_at) == (0, None, None)
    assert [link.problem(timezone.now()), recipient.revoked_at] == ["", None]


def test_start_when_the_link_names_a_language_speaks_it_until_the_owner_chooses(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    _, secret = make_link(manager, language="de")
    owner = OwnerBrowser(secret, client=Client(headers={"Accept-Language": "en"}))
    url = reverse("connect:start", args=[secret])

    first = owner.client.get(url)
    visit = owner.sign_in(simulator.account())
    review = owner.get("review", visit)
    owner.client.post(reverse("set_language"), {"language": "en", "next": url})
    switched = owner.get("review", visit)

    pages = [text_of(page).split("<html lang=")[1][:4] for page in (first, review, switched)]
    assert pages == ['"de"', '"de"', '"en"']
