"""A connection breaks, the manager asks in the cockpit, the owner repairs it on the phone from the letter."""

import re

from playwright.sync_api import Browser, Playwright, expect

from connect.cockpit.repair import set_email
from fleet.run.processes import wait_until
from fleet.vehicles.models import ProviderAccount, Vehicle
from tests.journeys.conftest import Fleet
from tests.journeys.test_members import find_letter


def test_owner_when_asked_by_letter_then_they_repair_it_on_the_phone_and_the_cockpit_says_it_works(
    fleet: Fleet, browser: Browser, playwright: Playwright
) -> None:
    account = fleet.stack.simulator.account({"license_plate": "HH-RJ 7"})
    link, page = fleet.join(account=account), fleet.page
    with fleet.stack.orm():
        set_email(owner=link.connection.owner, email=f"olga-{link.id.hex}@example.com", actor="system:test")
        ProviderAccount.objects.filter(pk=link.connection.account_id).update(status="needs_owner")

    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")
    page.locator("#vehicle-about").get_by_role("link", name="Ask the owner").click()
    page.get_by_role("button", name="Write a letter").click()
    letter = find_letter(fleet.stack, f"olga-{link.id.hex}@example.com")
    address = re.search(rf"{re.escape(fleet.stack.url)}/c/[\w-]+/", letter)
    assert address, letter

    context = browser.new_context(**playwright.devices["Pixel 7"], locale="de")
    phone = context.new_page()
    goes_to_maker = phone.locator("footer a.primary[href$='/go/volkswagen/']")

    def knows_the_brand() -> bool:
        phone.goto(address.group())
        return goes_to_maker.count() == 1

    # A worker of this young product reads the maker's brands when the first owner comes.
    assert wait_until(knows_the_brand, within_s=20)
    goes_to_maker.click()
    phone.fill("input[type=email]", account.email)
    phone.fill("input[type=password]", account.password)
    phone.locator("form button").first.click()
    phone.locator("button[value=allow]").click()
    phone.wait_for_url("**/connect/review/**", timeout=20_000)
    expect(phone.locator(f"input[name=cars][value='{account.cars[0]['id']}']")).to_be_checked()
    phone.locator("footer button.primary").click()
    phone.wait_for_url("**/connect/done/**")
    context.close()

    def works() -> bool:
        page.goto(f"{fleet.stack.url}/connections/")
        return page.locator("#connection-rows .pill.ok").count() == 1

    assert wait_until(works, within_s=20)
    expect(page.locator("#connection-rows tbody tr")).to_have_count(1)
    with fleet.stack.orm():
        assert [car.id for car in Vehicle.objects.filter(team=fleet.membership.team)] == [link.vehicle_id]
