"""From a press to an honest end in a real browser: proved with the car's own words, or contradicted and closed."""

import os

import psycopg
from playwright.sync_api import Page, expect

from commands.models import Command
from fleet.run import databases
from tests.infrastructure.servers import servers
from tests.infrastructure.stack import DATABASE
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks


def let_pass(command_id: str, minutes: int) -> None:
    """Let time pass for the search for evidence and let somebody look now, unless it is over by itself already."""
    with psycopg.connect(servers.url(DATABASE, user=databases.OWNER), autocommit=True) as connection:
        connection.execute(
            "UPDATE commands_command SET answered_at = answered_at - make_interval(mins => %s), next_check_at = now() "
            "WHERE id = %s AND finished_at IS NULL",
            [minutes, command_id],
        )


def picture(page: Page, name: str, *, in_german: bool = False) -> None:
    """Keep pictures for whoever asks for them: PICTURES names a folder."""
    folder = os.environ.get("PICTURES")
    if not folder:
        return
    for theme, width in (("light", 1440), ("dark", 1440), ("light", 390)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{folder}/{name}-{theme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    if in_german:
        page.context.add_cookies([{"name": "django_language", "value": "de", "url": page.url}])
        page.reload()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=f"{folder}/{name}-german.png", full_page=True)
        page.context.clear_cookies(name="django_language")
        page.reload()


def test_lock_when_the_car_proves_it_then_its_words_and_its_time_are_shown(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-P 1", state={"locked": False})
    fleet.stack.simulator.behaviour(car=link.provider_vehicle_id, effect_s=1)
    page = fleet.page
    fleet.open(link)

    page.locator("form[action$='/lock/'] button").click()

    card = page.locator("#live-commands [data-tone]").first
    expect(card.locator(".pill")).to_contain_text("Confirmed by the car", timeout=15_000)
    expect(card).to_contain_text("The car said “Locked” at")
    expect(card).to_contain_text("after sending")
    expect(page.locator("#latest-commands")).to_contain_text("Confirmed by the car")
    picture(page, "confirmed", in_german=True)


def test_lock_when_the_car_never_acts_then_it_ends_contradicted_and_somebody_closes_the_alert(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-P 2", state={"locked": True})
    fleet.stack.simulator.behaviour(car=link.provider_vehicle_id, never_acts=True)
    page = fleet.page
    looks = Looks(page)
    fleet.open(link)
    page.locator("form[action$='/lock/'] button").click()
    fleet.stack.simulator.set_car(link.provider_vehicle_id, locked=False)
    card = page.locator("#live-commands [data-tone]").first
    expect(card).to_contain_text("waiting for it to say “Locked”", timeout=15_000)
    expect(card.locator(".pill")).to_contain_text("Accepted, waiting for proof")
    picture(page, "searching")
    with fleet.stack.orm():
        command = Command.objects.get(vehicle_id=link.vehicle_id)

    let_pass(str(command.id), minutes=5)

    expect(card.locator(".pill")).to_contain_text("Contradicted", timeout=25_000)
    expect(card).to_contain_text("The car said “Unlocked” at")
    picture(page, "contradicted", in_german=True)
    page.goto(f"{fleet.stack.url}/alerts/")
    row = page.locator("#alert-rows tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("It was sent, and the car still says “Unlocked”. Please look at the car.")
    expect(page.locator("#alerts-entry .count")).to_have_text("1")
    looks.check()
    picture(page, "alerts", in_german=True)
    row.get_by_role("link", name="Lock").click()
    picture(page, "alert", in_german=True)
    looks.check()
    page.get_by_label("What did you find?").fill("Walked there: it was open. Locked by hand.")
    page.get_by_role("button", name="Close with this note").click()
    expect(page.locator("#alert-rows")).to_contain_text("Nothing needs attention")
    looks.check()
    page.goto(f"{fleet.stack.url}/alerts/?closed=1")
    expect(page.locator("#alert-rows tbody tr")).to_contain_text("Walked there: it was open. Locked by hand.")
    looks.check()
    page.goto(f"{fleet.stack.url}/commands/")
    picture(page, "list", in_german=True)
    page.goto(f"{fleet.stack.url}/commands/{command.id}/")
    picture(page, "detail", in_german=True)
