"""From nothing to a proved command: sign up, make a share link, an owner joins on a phone, a press is confirmed."""

import re

from playwright.sync_api import Browser, Page, expect

from fleet.teams.installation import set_sign_up
from fleet.teams.models import Installation
from tests.factories import make_simulator_app
from tests.infrastructure.simulator import Account
from tests.infrastructure.stack import CLIENT_ID, Stack

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def test_new_account_when_an_owner_joins_then_a_press_is_confirmed(stack: Stack, browser: Browser, page: Page) -> None:
    account = stack.simulator.account(
        {"model": "ID.3", "license_plate": "HH-NL 42", "state": {"locked": True}}, brand="volkswagen"
    )
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        set_sign_up(policy=Installation.SignUp.ANYONE, actor="system:test")

    sign_up(page, stack.url)
    share_url = make_share_link(page, stack.url)
    owner = browser.new_context(**PHONE).new_page()
    join_on_the_phone(owner, share_url, account)

    page.goto(f"{stack.url}/vehicles/")
    page.get_by_role("link", name="HH-NL 42").click()
    page.locator("form[data-asks='ask-unlock'] button").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock now").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_have_attribute("data-tone", "ok", timeout=15_000)
    expect(card).to_contain_text("Unlock")
    expect(page.locator("#vehicle-state")).to_contain_text("Unlocked")
    assert stack.simulator.count(car=account.cars[0]["id"], command="unlock") == 1
    owner.context.close()


def sign_up(page: Page, url: str) -> None:
    page.goto(f"{url}/accounts/signup/")
    page.fill("input[name=name]", "Mika Manager")
    page.fill("input[name=team_name]", "Hafen Test")
    page.fill("input[name=email]", f"mika-{id(page)}@example.com")
    page.fill("input[name=password1]", "sails over the harbour")
    page.click("main button[type=submit]")
    page.wait_for_url("**/vehicles/")
    expect(page.locator("#vehicle-rows")).to_contain_text("No vehicles yet")


def make_share_link(page: Page, url: str) -> str:
    page.goto(f"{url}/links/new/")
    page.fill("input[name=label]", "Olga’s car")
    for scope in ("read_lock_state", "read_battery", "control_security"):
        page.check(f"input[name=scopes_needed][value={scope}]")
    page.check("input[name=scopes_optional][value=control_charge]")
    page.get_by_role("button", name="Make the link").click()
    share_url = page.locator("#new-link").input_value()
    assert re.fullmatch(rf"{url}/c/[\w-]{{27,}}/", share_url)
    return share_url


def join_on_the_phone(owner: Page, share_url: str, account: Account) -> None:
    owner.goto(share_url)
    expect(owner.get_by_role("heading", level=1)).to_contain_text("Hafen Test")
    owner.get_by_role("link", name="Continue").click()
    owner.get_by_role("link", name="Volkswagen").click()
    owner.fill("input[type=email]", account.email)
    owner.fill("input[type=password]", account.password)
    owner.locator("form button").first.click()
    owner.get_by_role("button", name="Allow").click()
    owner.wait_for_url("**/connect/review/**", timeout=15_000)
    # Optional starts off: no box ticked beforehand is a consent.
    expect(owner.locator("input[name=scopes][value=control_charge]")).not_to_be_checked()
    owner.get_by_role("button", name="Allow", exact=True).click()
    owner.wait_for_url("**/connect/done/**")
    expect(owner.get_by_role("main")).to_contain_text("ID.3")
