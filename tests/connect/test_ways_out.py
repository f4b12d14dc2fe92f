"""Every way out of the flow has its own page, shares nothing, and leads on where it can."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.exchange import exchange_code
from connect.models import LinkMiss, ShareLink, Visit
from connect.services import revoke_share_link
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Consent, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from tests.connect.conftest import OwnerBrowser, make_link, make_member, text_of
from tests.connect.maker import allow, cancel, query_of
from tests.infrastructure.simulator import Simulator


def test_decline_when_owner_says_no_forgets_tokens_and_cars(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    link, secret = make_link(manager)
    owner = OwnerBrowser(secret)
    visit = owner.sign_in(account)

    answer = owner.client.post(reverse("connect:decline", args=[visit.id]), follow=True)

    visit.refresh_from_db()
    link.refresh_from_db()
    assert "Nothing is shared" in text_of(answer)
    assert (visit.step, visit.tokens_sealed, visit.vehicles, link.uses) == ("declined", None, [], 0)
    assert not ProviderAccount.objects.exists()


def test_callback_when_owner_cancels_at_maker_says_so_and_link_stays_usable(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])

    visit_id = owner.come_back(cancel(owner.go(), account))
    page = owner.get("wait", Visit.objects.get(pk=visit_id))
    visit = owner.sign_in(account)

    assert page.status_code == 200
    assert "You did not allow it" in text_of(page)
    assert reverse("connect:start", args=[owner.secret]) in text_of(page)
    assert visit.step == "review"


def test_exchange_when_account_has_no_cars_has_its_own_page(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    email = "nobody@owner.example"
    simulator._ask("POST", "/_control/accounts", {"brand": "kia", "email": email, "password": "no cars here"})
    account = type("Login", (), {"brand": "kia", "email": email, "password": "no cars here"})
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(account)

    assert "There is no car in this account" in text_of(owner.get("wait", visit))


def test_exchange_when_maker_is_down_has_its_own_page(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit_id = owner.come_back(allow(owner.go(), account))
    simulator.behaviour(status_before={"status": 503, "count": 50}, scope="all")

    exchange_code(visit_id)

    page = owner.get("wait", Visit.objects.get(pk=visit_id))
    assert "Volkswagen does not answer" in text_of(page)
    assert not Connection.objects.exists()


@pytest.mark.parametrize("garbage", ["html", "truncated", "empty"])
def test_exchange_when_maker_answers_garbage_ends_with_a_page(
    manager: Membership, provider: ProviderApp, simulator: Simulator, garbage: str
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit_id = owner.come_back(allow(owner.go(), account))
    simulator.behaviour(garbage=garbage, scope="all")

    exchange_code(visit_id)

    visit = Visit.objects.get(pk=visit_id)
    assert visit.failure in {"maker_down", "maker_confused"}
    assert owner.get("wait", visit).status_code == 200
    assert not Connection.objects.exists()


def test_exchange_when_needed_is_partly_withheld_says_what_is_missing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(account, scopes={"read_vin", "read_battery", "control_security"})
    review = owner.get("review", visit)
    done = owner.decide(visit, [account.cars[0]["id"]])

    assert [line.key for line in review.context["missing"]] == ["read_odometer", "control_charge"]
    assert "you did not allow everything" in text_of(review)
    assert "also needs what you left out" in text_of(done)
    assert [line.key for line in done.context["missing"]] == ["read_odometer", "control_charge"]
    assert set(Consent.objects.values_list("scope", flat=True)) == {"read_vin", "read_battery"}


def test_exchange_when_nothing_needed_is_granted_shares_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(simulator.account(), scopes={"control_security"})

    assert "The needed permissions are missing" in text_of(owner.get("wait", visit))
    assert visit.tokens_sealed is None


def test_flow_when_all_cars_are_joined_already_says_so_and_offers_a_change(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    secret = make_link(manager, max_uses=None)[1]
    first = OwnerBrowser(secret)
    first.decide(first.sign_in(account), [account.cars[0]["id"]], ["control_security"])
    second = OwnerBrowser(secret)
    visit = second.sign_in(account)

    page = second.get("wait", visit)
    changed = second.decide(visit, [account.cars[0]["id"]], change=True)

    assert "Your cars are connected already" in text_of(page)
    assert reverse("connect:review", args=[visit.id]) + "?change=1" in text_of(page)
    assert changed.redirect_chain[-1][0] == reverse("connect:done", args=[visit.id])
    live = VehicleLink.objects.get(ended_at__isnull=True)
    assert "control_security" not in live.consents.values_list("scope", flat=True)
    assert Vehicle.objects.count() == 1


def test_wait_when_visit_expired_ends_it(manager: Membership, provider: ProviderApp, simulator: Simulator) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(simulator.account())
    Visit.objects.filter(pk=visit.pk).update(expires_at=timezone.now())

    page = owner.get("review", visit)

    visit.refresh_from_db()
    assert "You were away for a while" in text_of(page)
    assert (visit.step, visit.tokens_sealed) == ("failed", None)


def test_wait_when_code_is_not_exchanged_yet_shows_the_waiting_page(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    owner = OwnerBrowser(make_link(manager)[1])
    visit_id = owner.come_back(allow(owner.go(), account))
    url = reverse("connect:wait", args=[visit_id])

    page = owner.client.get(url)
    part = owner.client.get(url, headers={"HX-Request": "true"})
    exchange_code(visit_id)
    after = owner.client.get(url, headers={"HX-Request": "true"})

    assert "We ask Volkswagen for your cars." in text_of(page)
    assert text_of(part).strip().startswith('<div id="wait"')
    assert after["HX-Redirect"] == reverse("connect:review", args=[visit_id])


def test_start_when_link_is_unknown_is_404(db: None) -> None:
    answer = Client().get(reverse("connect:start", args=["x" * 27]))

    assert answer.status_code == 404
    assert "This link does not exist" in text_of(answer)


def test_start_when_links_are_guessed_answers_429_but_opens_real_ones(manager: Membership) -> None:
    guesser = Client()
    secret = make_link(manager)[1]

    statuses = [guesser.get(reverse("connect:start", args=[f"guess-{n}"])).status_code for n in range(35)]
    real = guesser.get(reverse("connect:start", args=[secret]))

    # The minute may turn in between; then a new count begins.
    assert statuses[0] == 404
    assert 429 in statuses or LinkMiss.objects.count() == 2
    assert real.status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revoked_at": timezone.now()}, "This link was taken back"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "This link is too old"),
        ({"max_uses": 1, "uses": 1}, "This link was used already"),
    ],
    ids=["revoked", "expired", "used up"],
)
@pytest.mark.parametrize("page", ["start", "brand", "go"])
def test_link_when_it_can_not_be_used_leads_nowhere(
    manager: Membership, provider: ProviderApp, page: str, change: dict[str, object], words: str
) -> None:
    link, secret = make_link(manager)
    ShareLink.objects.filter(pk=link.pk).update(**change)
    url = reverse(f"connect:{page}", args=[secret, "volkswagen"] if page == "go" else [secret])

    answer = Client().get(url)

    assert answer.status_code == 410
    assert words in text_of(answer)
    assert not Visit.objects.exists()


def test_review_when_link_was_revoked_meanwhile_shares_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    link, secret = make_link(manager)
    owner = OwnerBrowser(secret)
    visit = owner.sign_in(account)
    revoke_share_link(link=link, actor=manager.user.actor)

    answer = owner.decide(visit, [account.cars[0]["id"]])

    visit.refresh_from_db()
    assert "This link was taken back" in text_of(answer)
    assert (visit.step, visit.failure, visit.tokens_sealed) == ("failed", "link_revoked", None)
    assert not Connection.objects.exists()


def test_go_when_link_names_another_brand_is_refused(manager: Membership, provider: ProviderApp) -> None:
    secret = make_link(manager, brands=["tesla"])[1]

    answer = Client().get(reverse("connect:go", args=[secret, "volkswagen"]))

    assert answer.status_code == 404
    assert not Visit.objects.exists()


def test_go_when_address_names_another_redirect_ignores_it(manager: Membership, provider: ProviderApp) -> None:
    secret = make_link(manager)[1]

    answer = Client().get(reverse("connect:go", args=[secret, "tesla"]), {"redirect_uri": "https://evil.example"})

    assert query_of(answer["Location"])["redirect_uri"] == "http://localhost:8000/connect/callback/"


def test_brand_when_searched_without_accents_finds_the_maker(manager: Membership, provider: ProviderApp) -> None:
    secret = make_link(manager)[1]

    answer = Client().get(reverse("connect:brand", args=[secret]), {"q": " SKODA"})

    assert [brand.name for brand in answer.context["brands"]] == ["Škoda"]


def test_start_when_browser_belongs_to_another_team_joins_only_the_links_team(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    other = make_member("other")
    browser = Client()
    browser.force_login(other.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    owner = OwnerBrowser(make_link(manager)[1], client=browser)

    owner.decide(owner.sign_in(account), [account.cars[0]["id"]])

    assert list(Vehicle.objects.values_list("team_id", flat=True)) == [manager.team_id]
    assert browser.get(reverse("vehicles:list")).context["team"] == other.team


def test_visit_when_asked_by_another_browser_does_not_exist(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(simulator.account())
    member = Client()
    member.force_login(manager.user, backend="allauth.account.auth_backends.AuthenticationBackend")

    another_owner = OwnerBrowser(make_link(manager)[1])
    another_owner.go()

    statuses = {
        (name, who.get(reverse(f"connect:{name}", args=[visit.id])).status_code)
        for who in (Client(), member, another_owner.client)
        for name in ("wait", "review", "done")
    }
    declined = another_owner.client.post(reverse("connect:decline", args=[visit.id]))

    assert statuses == {("wait", 404), ("review", 404), ("done", 404)}
    assert declined.status_code == 404
    assert Visit.objects.get(pk=visit.pk).step == "review"
