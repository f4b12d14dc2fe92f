"""Timed commands and schedules in a real browser: from the button to the way back, from the form to the job."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Browser, expect

from commands.programs.models import Schedule, TimedCommand
from tests.journeys.conftest import Fleet

BEAT_MS = 30_000


def test_unlock_for_a_while_when_lock_now_is_pressed_then_the_page_shows_the_way_back_without_reloading(
    fleet: Fleet,
) -> None:
    link = fleet.join(license_plate="NL-P 1", state={"locked": True})
    page = fleet.page
    fleet.open(link)

    page.get_by_role("link", name="Unlock for a while").click()
    page.get_by_label("For how many minutes?").fill("5")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(f"**/vehicles/{link.vehicle_id}/")
    page.evaluate("window.neverReloaded = true")
    card = page.locator("#timed-commands")
    expect(card).to_contain_text("Then: Lock", timeout=BEAT_MS)
    card.get_by_role("button", name="Lock now").click()

    expect(card).to_contain_text("Done, and confirmed", timeout=BEAT_MS)
    assert page.evaluate("window.neverReloaded") is True
    assert fleet.stack.simulator.car(link.provider_vehicle_id)["signals"]["locked"] is True
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 1


def test_unlock_for_a_while_when_its_time_has_come_then_beat_and_worker_lock_the_car(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-P 2", state={"locked": True})
    page = fleet.page
    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/timed/unlock/")
    page.get_by_label("For how many minutes?").fill("1")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(f"**/vehicles/{link.vehicle_id}/")
    card = page.locator("#timed-commands")

    expect(card).to_contain_text("Then: Lock", timeout=BEAT_MS)
    expect(card).to_contain_text("Done, and confirmed", timeout=60_000 + BEAT_MS)

    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 1
    with fleet.stack.orm():
        assert [(row.state, row.first.kind) for row in TimedCommand.objects.filter(vehicle_id=link.vehicle_id)] == [
            ("done", "unlock")
        ]


def test_schedule_when_made_without_script_then_beat_starts_its_job_at_its_time(fleet: Fleet, browser: Browser) -> None:
    link = fleet.join(license_plate="NL-P 3")
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/schedules/new/")
    tomorrow = timezone.now() + timedelta(days=1)

    page.get_by_label("Name", exact=True).fill("Find me")
    page.get_by_label("Command", exact=True).select_option("flash_lights")
    page.get_by_label("How often?").select_option("once")
    page.get_by_label("First day").fill(tomorrow.date().isoformat())
    page.get_by_label("Time", exact=True).fill(tomorrow.strftime("%H:%M"))
    page.get_by_label("Whose clock?").select_option("UTC")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("heading", name="The next times")).to_be_visible()
    expect(page.locator(".reach")).to_contain_text("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1, name="Find me")).to_be_visible()
    with fleet.stack.orm():
        # The day is over already: its time has come a moment ago.
        now = timezone.now()
        due_at = now - timedelta(seconds=5)
        Schedule.objects.filter(team=fleet.membership.team).update(
            starts_on=due_at.date(), at=due_at.time(), effective_from=now - timedelta(hours=1), look_at=now
        )

    job = page.get_by_role("link", name="Show the job")
    for _ in range(30):
        page.reload()
        if job.count():
            break
        page.wait_for_timeout(1000)
    job.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Flash lights")
    for _ in range(30):
        if fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lights.flash"):
            break
        page.wait_for_timeout(1000)
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lights.flash") == 1
    page.context.close()
