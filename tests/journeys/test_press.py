"""A press in a real browser, from the button to the proof, without reloading."""

from playwright.sync_api import expect

from tests.journeys.conftest import Fleet


def test_lock_when_pressed_then_the_page_shows_the_proof_without_reloading(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 100", state={"locked": False})
    page = fleet.page
    fleet.open(link)
    page.evaluate("window.neverReloaded = true")

    page.locator("form[action$='/lock/'] button").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_have_attribute("data-tone", "ok")
    expect(card).to_contain_text("Confirmed by the car’s own state")
    assert page.evaluate("window.neverReloaded") is True
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 1
