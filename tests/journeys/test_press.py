"""A press in a real browser, from the button to the proof, without reloading."""

from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Fleet


def test_lock_when_pressed_then_the_page_shows_the_proof_without_reloading(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 100", state={"locked": False})
    page = fleet.page
    fleet.open(link)
    page.evaluate("window.neverReloaded = true")

    page.locator("form[action$='/lock/'] button").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_have_attribute("data-tone", "ok")
    expect(card).to_contain_text("Confirmed by the car")
    assert page.evaluate("window.neverReloaded") is True
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 1


def test_lock_when_the_stream_is_cut_off_then_polling_brings_the_proof(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 101", state={"locked": False})
    page = fleet.page
    page.route("**/live/**", lambda route: route.abort())
    fleet.open(link)

    page.locator("form[action$='/lock/'] button").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_have_attribute("data-tone", "ok", timeout=15_000)


def test_unlock_when_there_is_no_script_then_a_question_a_reload_and_the_proof_follow(
    fleet: Fleet, browser: Browser
) -> None:
    link = fleet.join(license_plate="NL-T 102", state={"locked": True})
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")

    page.locator("form[data-asks='ask-unlock'] button").click()
    page.get_by_role("button", name="Unlock now").click()

    page.wait_for_url(f"**/vehicles/{link.vehicle_id}/")
    for _ in range(20):
        if page.locator("#live-commands [data-tone='ok']").count():
            break
        page.reload()
    expect(page.locator("#live-commands [data-tone='ok']")).to_contain_text("Unlock")
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="unlock") == 1
    page.context.close()


def test_sleeping_car_when_a_command_is_pressed_then_the_page_says_that_it_is_woken(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 103", online="asleep")
    fleet.stack.simulator.behaviour(car=link.provider_vehicle_id, wake_s=4)
    page = fleet.page
    fleet.open(link)

    page.locator("form[action$='/flash_lights/'] button").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_contain_text("Waking the car")
    expect(card).to_have_attribute("data-tone", "ok", timeout=15_000)
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="wake") == 1
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lights.flash") == 1
