"""The bell in real browsers: it rings on open pages and leads to what happened; a letter tells of a thief."""

import email
import email.policy
from pathlib import Path

from playwright.sync_api import Browser, expect

from fleet.run.processes import wait_until
from fleet.teams.roles import Role
from tests.factories import make_member
from tests.fleet.notifications.rows import fill_bell
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet, sign_in

# The log is sealed and read every 5 s, letters are sent every 15 s.
RINGS_WITHIN_MS = 20_000
LETTER_WITHIN_S = 90.0


def has_letter(stack: Stack, address: str, said: str) -> bool:
    """Say whether a letter to an address lies in the mail folder of the running product."""
    for path in Path(stack.env["FLEETWELL_MAIL_DIR"]).glob("*.log"):
        letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if address in str(letter["To"]) and said in letter.get_content():
            return True
    return False


def test_bell_when_something_happens_then_it_rings_on_open_pages_and_leads_there(
    fleet: Fleet, browser: Browser
) -> None:
    page, url, person = fleet.page, fleet.stack.url, fleet.membership.user
    with page.expect_request("**/live/?team=*"):
        page.goto(f"{url}/jobs/")
    bell = page.locator("#bell")
    expect(bell).to_have_text("Notifications")
    bell.evaluate("element => element.ownerDocument.body.dataset.same = 'page'")

    with fleet.stack.orm():
        make_member(fleet.membership.team, Role.OPERATOR)
    # Somebody who knows the password, in a browser of their own.
    thief = browser.new_context().new_page()
    sign_in(thief, url, person.email)

    expect(bell.locator(".count")).to_have_text("2", timeout=RINGS_WITHIN_MS)
    assert page.evaluate("document.body.dataset.same") == "page"
    bell.click()
    expect(page.locator("#notice-rows li[data-unread]")).to_have_count(2)
    page.get_by_role("button", name="Robin Example joined as Operator.", exact=True).click()
    page.wait_for_url("**/members/")
    expect(bell.locator(".count")).to_have_text("1")
    # The other page hears that one was read; the last one is read there.
    thief.goto(f"{url}/notifications/?unread=1")
    thief.get_by_role("button", name="Mark all as read").click()
    expect(thief.locator("#bell .count")).to_have_count(0)
    expect(bell.locator(".count")).to_have_count(0, timeout=RINGS_WITHIN_MS)
    assert wait_until(lambda: has_letter(fleet.stack, person.email, "Was it you?"), within_s=LETTER_WITHIN_S)


def test_notices_when_there_is_no_script_then_they_are_read_and_chosen(fleet: Fleet, browser: Browser) -> None:
    with fleet.stack.orm():
        fill_bell(fleet.membership)
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()

    page.goto(f"{fleet.stack.url}/vehicles/")
    page.locator("#bell").click()
    page.get_by_role("button", name="Mark as read").first.click()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator("li[data-unread]")).to_have_count(0)
    page.get_by_role("link", name="Choose what").click()
    page.get_by_role("group", name="A job ended").get_by_label("E-mail").check()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("group", name="A job ended").get_by_label("E-mail")).to_be_checked()
