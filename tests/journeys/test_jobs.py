"""A job in a real browser: choose cars, look ahead, start, watch, stop, try the failed again, fetch the CSV."""

import csv
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from fleet.run.processes import wait_until
from fleet.vehicles.models import Vehicle
from tests.journeys.conftest import Fleet

CARS = 30
SLOW_S = {"min": 0.5, "max": 2.5}


@pytest.fixture
def plates(fleet: Fleet) -> list[str]:
    """Thirty-one cars: every tenth says no, every tenth loses its answer; one was never allowed to be locked."""
    plates = []
    for number in range(CARS + 1):
        scopes = ["read_vin", "read_battery"] if number == CARS else None
        link = fleet.join(scopes=scopes, state={"locked": False})
        car, plate = link.provider_vehicle_id, f"NL-J {number:02}"
        faults = {3: {"refuse": "door_open"}, 7: {"lose_reply": True}}.get(number % 10, {})
        fleet.stack.simulator.behaviour(car=car, latency_s=SLOW_S, **faults)
        with fleet.stack.orm():
            Vehicle.objects.filter(pk=link.vehicle_id).update(plate=plate)
        plates.append(plate)
    return plates


def legend(page: Page) -> dict[str, int]:
    """Counts by outcome as the page tells them."""
    chips = page.locator("#job-progress .legend-links a[href*='outcome=']").all()
    outcomes = [re.search(r"outcome=(\w+)", str(chip.get_attribute("href"))) for chip in chips]
    return {match[1]: int(chip.locator("b").inner_text()) for match, chip in zip(outcomes, chips, strict=True) if match}


def wait_for_the_end(page: Page) -> None:
    expect(page.locator("#job-progress[data-final]")).to_be_visible(timeout=90_000)


def test_job_when_cars_are_faulty_then_it_is_seen_ahead_watched_and_retried(fleet: Fleet, plates: list[str]) -> None:
    page, url = fleet.page, fleet.stack.url
    page.goto(f"{url}/vehicles/")

    # From the list, by a filter, to the command.
    page.get_by_role("link", name=f"Send a command to {CARS + 1} vehicles").click()
    page.get_by_role("link", name="Lock", exact=True).click()

    # Who gets it, who does not and why, before anything happens.
    expect(page.locator(".sum strong")).to_have_text(str(CARS))
    expect(page.locator(".reasons")).to_contain_text("Not allowed by the owner")
    expect(page.locator(".reasons")).to_contain_text(plates[-1])
    page.get_by_role("button", name=f"Send to {CARS} vehicles").click()

    # Eight seconds to think again, then it runs by itself.
    page.wait_for_url("**/jobs/*/")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.evaluate("window.neverReloaded = true")
    wait_for_the_end(page)
    assert page.evaluate("window.neverReloaded") is True

    # The car that lost its answer was looked at and found locked; those with an open door were not.
    assert legend(page) == {"confirmed": CARS - 3, "refused": 3, "skipped": 1}
    expect(page.locator("[data-announcer]")).to_contain_text(f"Done: {CARS} of {CARS} vehicles have their result.")

    # Only the failed again, now that the doors are shut.
    for car in [entry["car"] for entry in fleet.stack.simulator.ledger() if entry["car"]]:
        fleet.stack.simulator.clear_behaviour(car=car)
    first = page.url
    page.get_by_role("button", name="Retry the 3 that failed").click()
    page.wait_for_url(lambda address: address != first)
    wait_for_the_end(page)
    assert legend(page) == {"confirmed": 3}

    # Everything in a file.
    page.goto(first)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:  # noqa: PTH123 - Playwright's path
        rows = list(csv.DictReader(file))
    assert [row["Plate"] for row in rows] == plates
    assert {row["Reason"] for row in rows if row["Outcome"] == "Refused"} == {"A door is open."}


def test_job_when_it_is_stopped_then_the_rest_is_not_sent(fleet: Fleet, plates: list[str]) -> None:
    page, url = fleet.page, fleet.stack.url
    page.goto(f"{url}/jobs/new/lock/")
    page.fill("input[name=pace_per_min]", "60")
    page.get_by_role("button", name=f"Send to {CARS} vehicles").click()
    page.wait_for_url("**/jobs/*/")

    page.get_by_role("button", name="Stop the rest").click(timeout=30_000)
    wait_for_the_end(page)

    counts = legend(page)
    assert counts["not_sent"] > CARS // 2
    assert sum(counts.values()) == CARS + 1
    expect(page.locator("#job-progress")).to_contain_text("Stopped by a person.")


def test_job_when_it_is_undone_then_no_car_hears_of_it(fleet: Fleet, plates: list[str]) -> None:
    page = fleet.page
    before = fleet.stack.simulator.count(command="lock")
    page.goto(f"{fleet.stack.url}/jobs/new/lock/?q=J+0")
    page.get_by_role("button", name="Send to 10 vehicles").click()

    page.get_by_role("button", name="Undo").click()

    expect(page.locator("#job-progress")).to_contain_text("Undone before anything was sent.")
    assert legend(page) == {"not_sent": 10}
    assert fleet.stack.simulator.count(command="lock") == before


def test_job_when_it_is_risky_and_large_then_the_number_is_typed(fleet: Fleet, plates: list[str]) -> None:
    page = fleet.page
    page.goto(f"{fleet.stack.url}/jobs/new/unlock/")

    page.get_by_role("button", name=f"Send to {CARS} vehicles").click()
    expect(page.get_by_role("heading", name=f"Unlock: {CARS} vehicles?")).to_be_visible()
    page.get_by_label(f"Type the number {CARS} to confirm").fill(str(CARS - 1))
    page.get_by_role("button", name="Unlock now").click()
    expect(page.get_by_text("This is not the number of cars.")).to_be_visible()
    page.get_by_label(f"Type the number {CARS} to confirm").fill(str(CARS))
    page.get_by_role("button", name="Unlock now").click()

    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/"))
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_list_when_cars_are_ticked_then_the_job_is_for_them(fleet: Fleet, plates: list[str]) -> None:
    page = fleet.page
    page.goto(f"{fleet.stack.url}/vehicles/")
    expect(page.locator("#selection")).to_be_hidden()

    page.get_by_label(f"Select {plates[2]}").check()
    page.get_by_label(f"Select {plates[5]}").click(modifiers=["Shift"])
    expect(page.locator("[data-picked]")).to_have_text("4")
    page.get_by_role("button", name="Lock", exact=True).click()

    expect(page.locator(".sum")).to_contain_text("of 4 vehicles get it")
    expect(page.locator("main .chip")).to_have_text("4 chosen vehicles")


def test_list_when_filters_are_chosen_then_the_rows_follow_without_reloading(fleet: Fleet, plates: list[str]) -> None:
    fleet.join(make="Škoda", model="Enyaq")
    page = fleet.page
    page.goto(f"{fleet.stack.url}/vehicles/")
    page.evaluate("window.neverReloaded = true")

    page.locator(".fsel summary", has_text="Make").click()
    page.get_by_label("Škoda", exact=True).check()

    expect(page.locator("#vehicle-rows tbody tr")).to_have_count(1)
    expect(page.get_by_label("Škoda", exact=True)).to_be_visible()  # the choices stay open
    page.wait_for_url("**/vehicles/?make=%C5%A0koda")
    assert page.evaluate("window.neverReloaded") is True
    page.keyboard.press("Escape")
    expect(page.get_by_label("Škoda", exact=True)).to_be_hidden()


def test_job_when_there_is_no_script_then_it_can_be_started_and_looked_at(
    fleet: Fleet, plates: list[str], browser: Browser
) -> None:
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/vehicles/?q=J+01")

    page.get_by_role("link", name="Send a command to 1 vehicle").click()
    page.get_by_role("link", name="Charge limit").click()
    page.locator("input[name=limit_percent]").fill("90")
    page.get_by_role("button", name="Update the preview").click()
    expect(page.locator("input[name=limit_percent]")).to_have_value("90")
    page.get_by_role("button", name="Send to 1 vehicle").click()

    page.wait_for_url("**/jobs/*/")

    def is_over() -> bool:
        if page.locator("#job-progress[data-final]").count():
            return True
        page.get_by_role("link", name="Look again").click()
        return False

    assert wait_until(is_over, within_s=30)
    assert legend(page) == {"confirmed": 1}
    page.context.close()
