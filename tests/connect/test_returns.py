"""Ways back to another site: letter by letter from the team's list, with a result, and never with a car or a token."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from connect.models import ReturnAddress
from connect.return_forms import ReturnAddressForm
from connect.returns import MOST_ADDRESSES
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import ProviderApp
from tests.connect.conftest import PASSWORD, OwnerBrowser, make_link, make_member, text_of
from tests.connect.maker import cancel
from tests.infrastructure.simulator import Simulator

URL = "https://app.example.com/cars/done"


@pytest.fixture
def embedded(manager: Membership, provider: ProviderApp) -> OwnerBrowser:
    """An owner's browser that another site sent to a share link."""
    ReturnAddress.objects.create(team=manager.team, url=URL)
    owner = OwnerBrowser(make_link(manager, max_uses=None)[1])
    answer = owner.client.get(reverse("connect:start", args=[owner.secret]), {"return_to": URL, "state": "s&t=1"})
    assert answer.status_code == 200
    return owner


def way_back(page) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(page.context["way_back"].url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}", parse_qs(parts.query)


def test_flow_when_embedded_ends_with_the_number_of_cars_and_the_state(
    embedded: OwnerBrowser, simulator: Simulator
) -> None:
    account = simulator.account({}, {})
    visit = embedded.sign_in(account)

    page = embedded.decide(visit, [car["id"] for car in account.cars])

    assert way_back(page) == (URL, {"result": ["connected"], "vehicles": ["2"], "state": ["s&t=1"]})
    assert "Back to app.example.com" in text_of(page)


def test_flow_when_embedded_and_it_fails_tells_the_fields_names(embedded: OwnerBrowser, simulator: Simulator) -> None:
    account = simulator.account()
    pages = {
        "denied": embedded.client.get(
            reverse("connect:wait", args=[embedded.come_back(cancel(embedded.go(), account))])
        )
    }
    visit = embedded.sign_in(account)
    declined = embedded.client.post(reverse("connect:decline", args=[visit.id]), follow=True)
    pages |= {"declined": declined, "refused": embedded.client.post(reverse("connect:refuse", args=[embedded.secret]))}
    pages["incapable"] = embedded.get(
        "wait", embedded.sign_in(simulator.account({"model": "Golf", "powertrain": "ICE"}))
    )

    assert {name: way_back(page)[1]["error"] for name, page in pages.items()} == {
        "denied": ["access_denied"],
        "declined": ["access_denied"],
        "refused": ["access_denied"],
        "incapable": ["vehicle_incompatible"],
    }


@pytest.mark.parametrize(
    "query",
    [
        {"return_to": "https://evil.example/"},
        {"return_to": URL + "/"},
        {"return_to": URL + "?next=evil"},
        {"return_to": URL.replace("https", "http")},
        {"return_to": URL.upper()},
        {"return_to": "javascript:alert(1)"},
        {"return_to": ""},
        {"return_to": [URL, "https://evil.example/"]},
        {"return_to": URL, "state": "x" * 201},
        {"return_to": URL, "state": "line\r\nbreak"},
        {"return_to": URL + "\x00"},
        {"return_to": "https://other-team.example/"},
    ],
    ids=str,
)
def test_start_when_the_way_back_is_not_allowed_is_400_and_names_nothing_of_it(
    manager: Membership, provider: ProviderApp, query: dict[str, object]
) -> None:
    ReturnAddress.objects.create(team=manager.team, url=URL)
    ReturnAddress.objects.create(team=make_member("other").team, url="https://other-team.example/")
    browser = Client()
    secret = make_link(manager)[1]

    answer = browser.get(reverse("connect:start", args=[secret]), query)

    assert answer.status_code == 400
    # The language switch alone repeats the address of the page, and it leads to ourselves.
    assert "evil" not in text_of(answer).replace(answer.wsgi_request.get_full_path().replace("&", "&amp;"), "")
    assert answer.context.get("way_back") is None
    assert browser.session.get("connect_return") is None


def test_flow_when_the_way_back_was_forbidden_meanwhile_ends_on_our_page(
    embedded: OwnerBrowser, simulator: Simulator
) -> None:
    account = simulator.account()
    visit = embedded.sign_in(account)
    ReturnAddress.objects.all().across_teams().delete()

    page = embedded.decide(visit, [account.cars[0]["id"]])

    assert page.status_code == 200
    assert page.context["way_back"] is None


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/",
        "ftp://app.example.com/",
        "https://",
        "https:///path",
        "app.example.com/done",
        "https://user:secret@app.example.com/",
        "https://app.example.com/#top",
        "https://app.example.com/?a=b",
        "https://app.example.com:port/",
        "https://exa mple.com/",
        "https://ex\\ample.com/",
        "https://münchen.example/",
        "https://[broken/",
        "javascript:alert(1)//https://",
        "https://a.example/" + "x" * 500,
    ],
)
def test_address_when_it_is_not_one_for_owners_is_refused(url: str) -> None:
    assert "url" in ReturnAddressForm({"url": url}).errors


@pytest.mark.parametrize("url", [URL, "http://localhost:3000/done", "http://127.0.0.1/", "http://[::1]:8/"])
def test_address_when_it_is_https_or_on_this_machine_is_taken(url: str) -> None:
    assert ReturnAddressForm({"url": url}).is_valid()


def test_returns_when_the_team_keeps_its_list_allows_forbids_and_tells_the_log(manager: Membership) -> None:
    browser = signed_in(manager)
    page = reverse("connect:returns")

    browser.post(page, {"url": URL})
    browser.post(page, {"url": URL})
    wrong = browser.post(page, {"url": "http://app.example.com/"})
    address = ReturnAddress.objects.get(team=manager.team)
    shown = browser.get(page)
    browser.post(reverse("connect:forget_return", args=[address.id]))

    assert wrong.status_code == 422
    assert URL in text_of(shown)
    assert not ReturnAddress.objects.filter(team=manager.team).exists()
    kinds = Event.objects.filter(team_id=manager.team_id, kind__startswith="return_address").order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == ["return_address.allowed", "return_address.forbidden"]


def test_returns_when_the_list_is_full_says_so(manager: Membership) -> None:
    for number in range(MOST_ADDRESSES):
        ReturnAddress.objects.create(team=manager.team, url=f"{URL}/{number}")

    answer = signed_in(manager).post(reverse("connect:returns"), {"url": URL})

    assert answer.status_code == 422
    assert ReturnAddress.objects.filter(team=manager.team).count() == MOST_ADDRESSES


def test_returns_when_asked_by_a_viewer_or_another_team_are_not_theirs(manager: Membership) -> None:
    address = ReturnAddress.objects.create(team=manager.team, url=URL)
    remove = reverse("connect:forget_return", args=[address.id])
    viewer, outsider = make_member("viewer", role=Role.VIEWER, of=manager), make_member("outsider")

    assert signed_in(viewer).get(reverse("connect:returns")).status_code == 403
    assert signed_in(viewer).post(remove).status_code == 403
    assert URL not in text_of(signed_in(outsider).get(reverse("connect:returns")))
    assert signed_in(outsider).post(remove).status_code == 404
    assert ReturnAddress.objects.filter(team=manager.team).exists()


def signed_in(membership: Membership) -> Client:
    browser = Client()
    assert browser.login(email=membership.user.email, password=PASSWORD)
    return browser
