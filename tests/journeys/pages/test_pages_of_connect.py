"""Every page of the owner's flow in English and German: accessible, no sideways scroll, no word to the console."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from connect.models import ReturnAddress
from tests.connect.conftest import make_link
from tests.factories import make_simulator_app, make_team
from tests.infrastructure.simulator import Account
from tests.infrastructure.stack import CLIENT_ID, Stack
from tests.journeys.conftest import Fleet
from tests.journeys.looks import PHONE, Looks

MESSAGE = (
    "Moin Olga, wir möchten deinen Wagen nachts laden, wenn der Strom billig ist.\nSag Bescheid, wenn etwas unklar ist!"
)


def come_to_review(page: Page, url: str, account: Account, *, brand: str) -> None:
    page.goto(url)
    page.locator("footer a.primary").click()
    page.get_by_role("link", name=brand).click()
    page.fill("input[type=email]", account.email)
    page.fill("input[type=password]", account.password)
    page.locator("form button").first.click()
    page.locator("button[value=allow]").click()
    page.wait_for_url("**/connect/review/**", timeout=15_000)


def test_pages_before_the_maker_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        manager = make_team("Hafen- und Lagerhausgesellschaft Nordlicht")
        ReturnAddress.objects.create(team=manager.team, url="https://app.example.com/")
        ends_at = timezone.now() + timedelta(days=90)
        _, secret = make_link(manager, message=MESSAGE, consent_ends_at=ends_at, country="JP")
    looks, url = Looks(page), f"{stack.url}/c/{secret}/"

    page.goto(f"{url}?return_to=https://app.example.com/&state=x")
    looks.check(width=PHONE)
    page.goto(f"{url}brand/")
    page.get_by_role("link", name="Volkswagen").wait_for()
    looks.check(width=PHONE)
    page.select_option("#country", "DE")
    page.get_by_role("link", name="Opel").wait_for()
    page.locator("details summary").click()
    page.locator("details form button").click()
    expect(page.locator("details .wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check(width=PHONE)
    page.fill("details input[name=brand]", "Rivian")
    page.locator("details form button").click()
    expect(page.locator(".notice.ok")).to_be_visible()
    looks.check(width=PHONE)
    page.goto(url)
    page.locator("footer form button").click()
    expect(page.locator("footer a")).to_have_count(2)
    looks.check(width=PHONE)
    page.goto(f"{url}?return_to=https://evil.example/")
    looks.console.complaints.clear()  # the status of the page
    looks.check(width=PHONE)


def test_pages_after_the_maker_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    unable = {
        "make": "Tesla",
        "model": "Model Y",
        "not_capable": ["trunk.open", "trunk.close", "frunk.open", "frunk.close"],
    }
    able = {"make": "Tesla", "model": "Model 3", "license_plate": "HH-NL 43", "needs_pairing": True}
    account = stack.simulator.account(able, unable, brand="tesla")
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        asked = {"needed": ["read_battery", "control_trunk"], "optional": ["control_engine", "control_security"]}
        _, secret = make_link(make_team("Hafen Test"), max_uses=None, **asked)
    looks, url = Looks(page), f"{stack.url}/c/{secret}/"

    come_to_review(page, url, account, brand="Tesla")
    looks.check(width=PHONE)
    page.locator("footer button.primary").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check(width=PHONE)
    page.locator("input[name=cars]").check()
    page.locator("footer button.primary").click()
    page.wait_for_url("**/connect/done/**")
    expect(page.locator("#joined-cars")).not_to_have_attribute("hx-get", "", timeout=15_000)
    page.reload()
    page.locator("form[action$='/check/'] button").wait_for(timeout=15_000)
    looks.check(width=PHONE)
    page.locator("form[action$='/page/'] button").click()
    page.locator("#portal-link").wait_for()
    looks.check(width=PHONE)


def test_page_of_a_car_that_can_not_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    account = stack.simulator.account({"model": "Golf", "powertrain": "ICE"})
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        _, secret = make_link(make_team("Hafen Test"))
    page.goto(f"{stack.url}/c/{secret}/brand/")
    looks = Looks(page)
    page.get_by_role("link", name="Volkswagen").click()
    page.fill("input[type=email]", account.email)
    page.fill("input[type=password]", account.password)
    page.locator("form button").first.click()
    page.locator("button[value=allow]").click()
    page.locator(".told").wait_for(timeout=15_000)

    looks.check(width=PHONE)


def test_page_of_ways_back_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, url = Looks(fleet.page), f"{fleet.stack.url}/links/returns/"
    fleet.page.goto(url)
    looks.check()
    fleet.page.fill("input[name=url]", "https://app.example.com/" + "a-long-path/" * 20)
    fleet.page.locator("main form button.primary").click()
    expect(fleet.page.locator("tbody tr")).to_have_count(1)
    looks.check()
    fleet.page.fill("input[name=url]", "http://app.example.com/")
    fleet.page.locator("main form button.primary").click()
    expect(fleet.page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()
