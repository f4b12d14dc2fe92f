"""An owner asks for their link, opens it on a phone and takes back; the team's open page follows by itself."""

import re
from email import message_from_bytes, policy
from pathlib import Path
from time import time_ns

from playwright.sync_api import Browser, Page, expect

from fleet.run.processes import wait_until
from fleet.vehicles.models import VehicleLink
from tests.fleet.portal.conftest import came_by, name_owner
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet
from tests.journeys.looks import PHONE

LETTER_WITHIN_S = 60.0


def way_in(stack: Stack, address: str) -> str:
    """The link in the letter that the worker wrote to this address."""
    found: list[str] = []

    def is_there() -> bool:
        for path in Path(stack.env["FLEETWELL_MAIL_DIR"]).glob("*"):
            letter = message_from_bytes(path.read_bytes(), policy=policy.default)
            if address in str(letter["To"]):
                found.extend(re.findall(r"http\S+/my/[\w-]{27}/", letter.get_content()))
        return bool(found)

    assert wait_until(is_there, within_s=LETTER_WITHIN_S)
    return found[0]


def come_in(stack: Stack, page: Page, address: str) -> None:
    page.goto(f"{stack.url}/my/again/")
    page.fill("[name=email]", address)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(way_in(stack, address))
    page.wait_for_url("**/my/")


def test_owner_when_they_take_back_without_a_script_then_the_teams_open_page_follows(
    fleet: Fleet, browser: Browser
) -> None:
    link = fleet.join(state={"locked": False})
    address = f"olga-{time_ns():x}@owner.example"
    with fleet.stack.orm():
        came_by(link, fleet.membership)
        name_owner(link, email=address)
    fleet.open(link)
    fleet.page.evaluate("window.neverReloaded = true")
    lock = fleet.page.locator("form[action$='/lock/'] button.tile")
    expect(lock).to_be_visible()
    phone = browser.new_context(java_script_enabled=False, viewport={"width": PHONE, "height": 844}).new_page()
    come_in(fleet.stack, phone, address)

    phone.get_by_role("switch", name="Lock and unlock").click()

    expect(phone.get_by_role("switch", name="Lock and unlock")).to_have_attribute("aria-checked", "false")
    expect(lock).to_have_count(0, timeout=20_000)
    expect(fleet.page.locator("#why-lock")).to_have_text("Not allowed by the owner")
    assert fleet.page.evaluate("window.neverReloaded") is True

    phone.get_by_role("link", name="Stop sharing this car").click()
    phone.get_by_role("button", name="Stop sharing").click()

    expect(phone.get_by_text("You share no car with this team now.")).to_be_visible()
    with fleet.stack.orm():
        assert VehicleLink.objects.get(pk=link.pk).ended_at is not None
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 0
    phone.context.close()
