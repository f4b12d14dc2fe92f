"""An owner on the phone, in English and in German: joining, and every way in which it comes to nothing.

Each ends on a page that says what happened and what can be done.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright, expect

from connect.models import ReturnAddress
from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import VehicleLink
from tests.connect.conftest import make_link
from tests.factories import make_simulator_app, make_team
from tests.infrastructure.simulator import Account
from tests.infrastructure.stack import CLIENT_ID, Stack

WORDS = {
    "en": {
        "asks": "asks to connect your car",
        "done": "Your car is connected",
        "denied": "You did not allow it",
        "declined": "Nothing is shared",
        "again": "Start again",
        "incapable": "Your car can’t do what is needed",
        "why": "this car is not equipped for it",
        "used": "This link was used already",
        "not_here": "This page belongs to another browser",
        "elsewhere": "This sign-in did not begin here",
        "back": "Back to app.example.com",
        "open": "Open my page",
    },
    "de": {
        "asks": "möchte sich mit Ihrem Auto verbinden",
        "done": "Ihr Auto ist verbunden",
        "denied": "Sie haben es nicht erlaubt",
        "declined": "Es wird nichts geteilt",
        "again": "Neu beginnen",
        "incapable": "Ihr Auto kann nicht, was nötig ist",
        "why": "dieses Auto ist dafür nicht ausgestattet",
        "used": "Dieser Link wurde schon verwendet",
        "not_here": "Diese Seite gehört zu einem anderen Browser",
        "elsewhere": "Diese Anmeldung hat nicht hier begonnen",
        "back": "Zurück zu app.example.com",
        "open": "Meine Seite öffnen",
    },
}


@dataclass
class Phone:
    """An owner's phone: its page, its language, and the screens of ours that it stopped at."""

    page: Page
    url: str
    words: dict[str, str]
    screens: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("framenavigated", self._note)

    def _note(self, frame: Frame) -> None:
        path = urlsplit(frame.url).path
        # Waiting for the maker goes on by itself; the callback is only a way through.
        if frame == self.page.main_frame and frame.url.startswith(self.url) and "/connect/wait/" not in path:
            self.screens.append(path)

    def open(self, secret: str, query: str = "") -> None:
        self.page.goto(f"{self.url}/c/{secret}/{query}")

    def go_to_maker(self, brand: str = "Volkswagen") -> None:
        self.page.locator("footer a.primary").click()
        self.page.get_by_role("link", name=brand).click()
        self.page.locator("input[type=email]").wait_for()

    def sign_in(self, account: Account) -> None:
        self.page.fill("input[type=email]", account.email)
        self.page.fill("input[type=password]", account.password)
        self.page.locator("form button").first.click()
        self.page.locator("button[value=allow]").wait_for()

    def allow_at_maker(self) -> None:
        self.page.locator("button[value=allow]").click()

    def come_to_review(self, secret: str, account: Account) -> None:
        self.open(secret)
        self.go_to_maker()
        self.sign_in(account)
        self.allow_at_maker()
        self.page.wait_for_url("**/connect/review/**", timeout=20_000)

    def agree(self) -> None:
        self.page.locator("footer button.primary").click()
        self.page.wait_for_url("**/connect/done/**")

    def expect_title(self, word: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(self.words[word], timeout=20_000)


@pytest.fixture(params=["en", "de"])
def context(browser: Browser, playwright: Playwright, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    context = browser.new_context(**playwright.devices["Pixel 7"], locale=request.param)
    yield context
    context.close()


@pytest.fixture
def phone(context: BrowserContext, stack: Stack, request: pytest.FixtureRequest) -> Phone:
    return Phone(context.new_page(), stack.url, WORDS[request.node.callspec.params["context"]])


@pytest.fixture
def manager(stack: Stack) -> Membership:
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        return make_team("Hafen Test")


def link_of(stack: Stack, manager: Membership, **more: Any) -> str:
    with stack.orm():
        return make_link(manager, needed=["read_battery", "control_charge"], optional=["control_security"], **more)[1]


def shared(stack: Stack, manager: Membership) -> set[str]:
    """What the team may do with all cars it got."""
    with stack.orm():
        links = VehicleLink.objects.filter(team=manager.team, ended_at__isnull=True).select_related("connection")
        return set().union(*(allowed_scopes(link) for link in links))


def test_owner_when_new_joins_on_four_screens_and_leaves_with_the_way_to_their_own_page(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    secret = link_of(stack, manager)

    phone.come_to_review(secret, stack.simulator.account())
    phone.agree()

    phone.expect_title("done")
    screens = [*dict.fromkeys(phone.screens)]
    assert len(screens) == 4, screens
    # What is optional was left as it was: off.
    assert shared(stack, manager) == {"read_vin", "read_battery", "control_charge"}
    phone.page.locator("form[action$='/page/'] button").click()
    expect(phone.page.get_by_role("link", name=phone.words["open"])).to_be_visible()
    phone.page.get_by_role("link", name=phone.words["open"]).click()
    phone.page.wait_for_url("**/my/")


def test_owner_when_switching_an_option_on_and_off_again_does_not_give_it(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    phone.come_to_review(link_of(stack, manager), stack.simulator.account())
    option = phone.page.locator("input[name=scopes][value=control_security]")

    option.check()
    option.uncheck()
    phone.agree()

    phone.expect_title("done")
    assert "control_security" not in shared(stack, manager)


def test_owner_when_denying_at_the_maker_or_at_the_review_shares_nothing_and_can_begin_again(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    secret, account = link_of(stack, manager), stack.simulator.account()
    phone.open(secret)
    phone.go_to_maker()
    phone.sign_in(account)
    phone.page.locator("button[value=cancel]").click()
    phone.expect_title("denied")
    expect(phone.page.get_by_role("link", name=phone.words["again"])).to_be_visible()

    phone.come_to_review(secret, account)
    phone.page.locator("button[formaction]").click()

    phone.expect_title("declined")
    phone.page.get_by_role("link", name=phone.words["again"]).click()
    phone.expect_title("asks")
    phone.page.locator("footer form button").click()
    phone.expect_title("declined")
    assert shared(stack, manager) == set()


def test_owner_when_the_car_can_not_do_it_reads_which_car_and_why(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    account = stack.simulator.account({"model": "Golf", "powertrain": "ICE"})
    phone.open(link_of(stack, manager))
    phone.go_to_maker()
    phone.sign_in(account)
    phone.allow_at_maker()

    phone.expect_title("incapable")

    expect(phone.page.get_by_role("main")).to_contain_text("Volkswagen Golf")
    expect(phone.page.get_by_role("main")).to_contain_text(phone.words["why"])
    expect(phone.page.get_by_role("link", name=phone.words["again"])).to_be_visible()
    assert shared(stack, manager) == set()


def test_owner_when_going_back_and_opening_the_link_twice_goes_on_where_they_were(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    secret = link_of(stack, manager)
    phone.come_to_review(secret, stack.simulator.account())
    review = phone.page.url

    phone.page.goto(f"{stack.url}/c/{secret}/")
    assert phone.page.url == review
    phone.agree()
    phone.page.go_back()

    # The page of the decision leads to what was decided; nothing can be sent twice.
    phone.page.goto(review)
    phone.expect_title("done")
    phone.open(secret)
    phone.expect_title("used")
    assert shared(stack, manager) == {"read_vin", "read_battery", "control_charge"}


def test_owner_when_half_way_in_another_browser_has_to_sign_in_there_and_the_first_goes_on(
    phone: Phone, stack: Stack, manager: Membership, browser: Browser
) -> None:
    secret, account = link_of(stack, manager), stack.simulator.account()
    phone.come_to_review(secret, account)
    other = Phone(browser.new_page(locale="de" if phone.words == WORDS["de"] else "en"), stack.url, phone.words)

    other.page.goto(phone.page.url)
    other.expect_title("not_here")
    other.open(secret)
    other.expect_title("asks")
    other.page.goto(f"{stack.url}/connect/callback/?state=abc&code=def")
    other.expect_title("elsewhere")
    phone.agree()
    phone.expect_title("done")
    other.page.goto(f"{stack.url}/c/{secret}/")
    other.expect_title("used")
    other.page.close()


def test_owner_when_sent_by_another_site_finds_the_way_back_with_the_result(
    phone: Phone, stack: Stack, manager: Membership
) -> None:
    with stack.orm():
        ReturnAddress.objects.create(team=manager.team, url="https://app.example.com/done")
    secret, query = link_of(stack, manager), "?return_to=https%3A%2F%2Fapp.example.com%2Fdone&state=s1"
    phone.open(secret, query)
    phone.go_to_maker()
    phone.sign_in(stack.simulator.account())
    phone.allow_at_maker()
    phone.page.wait_for_url("**/connect/review/**", timeout=20_000)
    phone.agree()

    way = phone.page.get_by_role("link", name=phone.words["back"])

    assert way.get_attribute("href") == "https://app.example.com/done?result=connected&vehicles=1&state=s1"


def test_owner_when_their_browser_has_no_script_joins_all_the_same(
    browser: Browser, stack: Stack, manager: Membership
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    phone = Phone(context.new_page(), stack.url, WORDS["en"])

    phone.come_to_review(link_of(stack, manager), stack.simulator.account())
    phone.agree()

    phone.expect_title("done")
    assert shared(stack, manager) == {"read_vin", "read_battery", "control_charge"}
    context.close()


def test_flow_when_put_into_a_frame_of_another_site_is_not_shown(
    browser: Browser, stack: Stack, manager: Membership
) -> None:
    page, refused = browser.new_page(), []
    page.on("console", lambda message: refused.append(message.text))

    page.set_content(f'<iframe src="{stack.url}/c/{link_of(stack, manager)}/"></iframe>')

    page.wait_for_function("() => document.querySelector('iframe')")
    page.wait_for_timeout(0)
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_count(0)
    assert any("frame-ancestors" in text for text in refused), refused
    page.close()
