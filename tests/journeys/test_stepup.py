"""Confirming who it is, in a real browser: in the dialog, without script, and with a wrong password."""

import time

from django.contrib.sessions.models import Session
from playwright.sync_api import Browser, Page, expect

from tests.factories import PASSWORD
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet

RECORDS = "account_authentication_methods"


def let_a_quarter_of_an_hour_pass(fleet: Fleet) -> None:
    """Make the sign-in of this browser a quarter of an hour older, in its session at the server."""
    (cookie,) = [cookie for cookie in fleet.page.context.cookies() if cookie["name"] == "sessionid"]
    with fleet.stack.orm():
        row = Session.objects.get(session_key=cookie["value"])
        held = row.get_decoded()
        held[RECORDS] = [record | {"at": time.time() - 15 * 60} for record in held[RECORDS]]
        row.session_data = Session.objects.encode(held)
        row.save()


def sent(stack: Stack, link: object, command: str) -> int:
    return stack.simulator.count(car=link.provider_vehicle_id, command=command)  # type: ignore[attr-defined]


def dialog_of(page: Page, kind: str):  # type: ignore[no-untyped-def]
    page.locator(f"form[data-asks='ask-{kind}'] button").click()
    return page.locator(f"#ask-{kind}")


def test_unlock_when_the_sign_in_is_old_then_the_password_in_the_dialog_sends_it(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-S 1", state={"locked": True})
    let_a_quarter_of_an_hour_pass(fleet)
    page = fleet.page
    fleet.open(link)

    dialog = dialog_of(page, "unlock")
    expect(dialog.get_by_label("Your password")).to_be_focused()
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Unlock now").click()

    expect(page.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=15_000)
    assert sent(fleet.stack, link, "unlock") == 1
    # From now on it is not asked again.
    expect(page.locator("#ask-unlock input[type=password], #ask-reset_pin input[type=password]")).to_have_count(0)


def test_unlock_when_the_password_is_wrong_then_the_dialog_says_so_and_the_right_one_follows(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-S 2", state={"locked": True})
    let_a_quarter_of_an_hour_pass(fleet)
    page = fleet.page
    fleet.open(link)

    dialog = dialog_of(page, "unlock")
    dialog.get_by_label("Your password").fill("not this one")
    dialog.get_by_role("button", name="Unlock now").click()
    expect(dialog).to_contain_text("This is not your password.")
    assert sent(fleet.stack, link, "unlock") == 0
    expect(dialog).to_be_visible()

    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Unlock now").click()
    expect(page.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=15_000)
    assert sent(fleet.stack, link, "unlock") == 1


def test_unlock_when_the_time_runs_out_while_the_page_is_open_then_the_dialog_asks_for_the_password(
    fleet: Fleet,
) -> None:
    link = fleet.join(license_plate="NL-S 3", state={"locked": True})
    page = fleet.page
    page.route("**/live/**", lambda route: route.abort())
    fleet.open(link)
    dialog = dialog_of(page, "unlock")
    expect(dialog.locator("input[type=password]")).to_have_count(0)
    let_a_quarter_of_an_hour_pass(fleet)

    dialog.get_by_role("button", name="Unlock now").click()

    expect(dialog).to_contain_text("it was too long ago that you did")
    assert sent(fleet.stack, link, "unlock") == 0
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Unlock now").click()
    expect(page.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=15_000)


def test_unlock_when_there_is_no_script_then_the_question_asks_for_the_password_and_says_when_it_is_wrong(
    fleet: Fleet, browser: Browser
) -> None:
    link = fleet.join(license_plate="NL-S 4", state={"locked": True})
    let_a_quarter_of_an_hour_pass(fleet)
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")

    page.locator("form[data-asks='ask-unlock'] button").click()
    page.get_by_label("Your password").fill("not this one")
    page.get_by_role("button", name="Unlock now").click()
    expect(page.get_by_role("main")).to_contain_text("This is not your password.")
    expect(page.get_by_label("Your password")).to_have_value("")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Unlock now").click()

    page.wait_for_url(f"**/vehicles/{link.vehicle_id}/")
    expect(page.locator("#live-commands")).to_contain_text("Unlock")
    page.context.close()


def test_lock_when_the_sign_in_is_old_then_nothing_is_asked(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-S 5", state={"locked": False})
    let_a_quarter_of_an_hour_pass(fleet)
    page = fleet.page
    fleet.open(link)

    page.locator("form[action$='/lock/'] button").click()

    expect(page.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=15_000)
