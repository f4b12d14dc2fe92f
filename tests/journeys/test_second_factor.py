"""A second factor in a real browser: set up, asked for, recovered, demanded by the team; and passkeys."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from fleet.teams.models import Team
from tests.factories import PASSWORD, make_team
from tests.fleet.teams.factors import code_at
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet, sign_in


def next_unused(used: list[str], secret: str) -> str:
    """A code that was not given yet: the present one, else the next, which is good already."""
    now = time.time()
    code = next(code for code in (code_at(now, secret), code_at(now + 30, secret)) if code not in used)
    used.append(code)
    return code


def set_up_app(page: Page, url: str, used: list[str]) -> str:
    page.goto(f"{url}/accounts/2fa/")
    page.get_by_role("link", name="Set up an app").click()
    secret = page.locator("#totp-secret").input_value()
    expect(page.locator("img.qr")).to_be_visible()
    page.get_by_label("Code that the app shows").fill(next_unused(used, secret))
    page.get_by_role("button", name="Switch on").click()
    page.wait_for_url("**/2fa/recovery-codes/")
    return secret


def enter(page: Page, url: str, email: str) -> None:
    """The first step of signing in."""
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_second_factor_when_set_up_then_it_is_asked_for_at_the_next_sign_in_and_a_recovery_code_will_do(
    fleet: Fleet, browser: Browser
) -> None:
    url, email, used = fleet.stack.url, fleet.membership.user.email, []
    secret = set_up_app(fleet.page, url, used)
    codes = fleet.page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    with fleet.page.expect_download() as download:
        fleet.page.get_by_role("link", name="Download").click()
    assert codes[0] in download.value.path().read_text()

    other = browser.new_context().new_page()
    enter(other, url, email)
    other.wait_for_url("**/2fa/authenticate/**")
    other.get_by_label("Code from your app").fill("12345")
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("main")).to_contain_text("six digits")
    other.goto(f"{url}/vehicles/")
    other.wait_for_url("**/2fa/authenticate/**")  # the first step alone opens nothing
    other.get_by_label("Code from your app").fill(next_unused(used, secret))
    other.get_by_role("button", name="Sign in", exact=True).click()
    other.wait_for_url("**/vehicles/")
    other.context.close()

    third = browser.new_context().new_page()
    enter(third, url, email)
    third.get_by_label("Code from your app").fill(codes[0])
    third.get_by_role("button", name="Sign in", exact=True).click()
    third.wait_for_url("**/vehicles/")
    third.goto(f"{url}/accounts/sessions/")
    expect(third.locator(".account-rows li")).to_have_count(3)
    third.get_by_role("button", name="Sign out all others").click()
    expect(third.locator(".account-rows li")).to_have_count(1)
    third.context.close()
    fleet.page.goto(f"{url}/vehicles/")
    expect(fleet.page).to_have_url(re.compile("/accounts/login/"))


def test_team_when_it_begins_to_demand_a_second_factor_then_an_open_page_leaves_and_comes_back_with_one(
    fleet: Fleet,
) -> None:
    link = fleet.join(state={"locked": False})
    page, used = fleet.page, []
    page.route("**/live/**", lambda route: route.abort())
    fleet.open(link)
    expect(page.locator("form[action$='/lock/'] button")).to_be_visible()
    with fleet.stack.orm():
        Team.objects.filter(pk=fleet.membership.team_id).update(requires_second_factor=True)

    page.locator("form[action$='/lock/'] button").click()

    page.wait_for_url("**/2fa/needed/")
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 0
    expect(page.get_by_role("main")).not_to_contain_text("Nordlicht")
    set_up_app(page, fleet.stack.url, used)
    page.get_by_role("link", name="Done").click()
    page.wait_for_url("**/vehicles/")
    expect(page.locator("#vehicle-rows")).to_contain_text("ID.3")


@pytest.fixture
def authenticator(page: Page) -> Iterator[CDPSession]:
    """A platform authenticator, as a phone or laptop has one, that always says yes."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield session
    session.detach()


def test_passkey_when_added_then_it_signs_in_alone_and_confirms_and_can_be_renamed_and_removed(
    stack: Stack, page: Page, context: BrowserContext, authenticator: CDPSession
) -> None:
    with stack.orm():
        membership = make_team("Passkey Test")
    sign_in(page, stack.url, membership.user.email)
    page.goto(f"{stack.url}/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/2fa/recovery-codes/")
    with stack.orm():
        Team.objects.filter(pk=membership.team_id).update(requires_second_factor=True)
    # What was set up just now counts as given.
    page.goto(f"{stack.url}/vehicles/")
    page.wait_for_url("**/vehicles/")

    context.clear_cookies()
    page.goto(f"{stack.url}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/vehicles/")

    context.clear_cookies()
    enter(page, stack.url, membership.user.email)
    page.wait_for_url("**/2fa/authenticate/**")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/vehicles/")

    page.goto(f"{stack.url}/accounts/2fa/webauthn/reauthenticate/?next=/accounts/2fa/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/accounts/2fa/")
    expect(page.get_by_role("main")).to_contain_text("My laptop")
    page.get_by_role("link", name="Rename My laptop").click()
    page.get_by_label("Name").fill("Old laptop")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Remove Old laptop").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_url("**/accounts/2fa/")
    expect(page.get_by_role("main")).not_to_contain_text("Old laptop")
    page.goto(f"{stack.url}/vehicles/")
    page.wait_for_url("**/2fa/needed/**")
