"""Every page about cars in English and German: accessible, no sideways scroll, no word to the console."""

from datetime import date, time, timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from commands.jobs.services import create_job, undo_job
from commands.programs.schedules import create_schedule
from commands.programs.timed import start_timed
from commands.rules.services import add_rule
from commands.rules.values import Guest, Moving
from commands.services import request_command
from fleet.adapters.commands import FlashLights, Lock, StopCharge
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.saved_filters import save_filter
from tests.commands.alerts.rows import make_alert
from tests.commands.programs.scheduling import daily
from tests.factories import PASSWORD, make_share_link, make_simulator_app, make_team
from tests.fleet.budgets import rows
from tests.infrastructure.stack import CLIENT_ID, Stack
from tests.journeys import budgets
from tests.journeys.conftest import Fleet, sign_in
from tests.journeys.looks import PHONE, Looks
from tests.journeys.test_stepup import let_a_quarter_of_an_hour_pass


def test_pages_of_an_empty_team_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    with stack.orm():
        membership = make_team()
    looks = Looks(page)
    sign_in(page, stack.url, membership.user.email, PASSWORD)
    for path in ("vehicles/", "commands/", "alerts/", "jobs/", "jobs/new/", "links/", "accounts/logout/"):
        page.goto(f"{stack.url}/{path}")

        looks.check()


def test_pages_of_a_fleet_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    everything = fleet.join(license_plate="NL-T 1")
    little = fleet.join(license_plate="NL-T 2", scopes=["read_vin", "read_battery"], online="asleep")
    with fleet.stack.orm():
        command = request_command(vehicle=everything.vehicle, membership=fleet.membership, order=Lock())
        make_share_link(fleet.membership)
        alert = make_alert(everything)
    looks = Looks(fleet.page)
    page = fleet.page
    paths = [
        "vehicles/",
        "vehicles/?q=nothing-like-it",
        f"vehicles/{everything.vehicle_id}/",
        f"vehicles/{little.vehicle_id}/",
        f"vehicles/{everything.vehicle_id}/commands/",
        "commands/",
        "alerts/",
        f"alerts/{alert.id}/",
        f"commands/{command.id}/",
        "links/",
    ]
    for path in paths:
        page.goto(f"{fleet.stack.url}/{path}")
        # A command that ends while axe looks would change the page under it.
        expect(page.locator(".dot.live").locator("visible=true").filter(has_text="·")).to_have_count(0)

        looks.check()


def test_pages_of_budgets_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = budgets.join(fleet, budgets.make_provider(fleet, "Volvo"))
    with fleet.stack.orm():
        own = rows.fill(fleet.membership, link)
    looks = Looks(fleet.page)
    for path in ("budgets/", f"budgets/{own.id}/", f"vehicles/{link.vehicle_id}/", "vehicles/"):
        fleet.page.goto(f"{fleet.stack.url}/{path}")

        looks.check()


def test_question_before_an_unlock_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 3")
    looks = Looks(fleet.page)
    fleet.open(link)

    for kind in ("unlock", "set_pin"):
        fleet.page.locator(f"form[data-asks='ask-{kind}'] button").click()
        expect(fleet.page.get_by_role("dialog")).to_be_visible()
        looks.check()
        fleet.page.keyboard.press("Escape")


def test_pages_of_jobs_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    first = fleet.join(license_plate="NL-T 4")
    fleet.join(license_plate="NL-T 5", scopes=["read_vin", "read_battery"], online="asleep")
    with fleet.stack.orm():
        undone = create_job(membership=fleet.membership, cars=VehicleFilter(), order=Lock())
        undo_job(job_id=undone.id, actor=fleet.membership.user.actor)
        save_filter(membership=fleet.membership, name="Low ones", cars=VehicleFilter(soc_below=20))
    looks, page = Looks(fleet.page), fleet.page

    for path in (
        "jobs/",
        "jobs/new/",
        "jobs/new/set_charge_limit/",
        "jobs/new/set_temperature/",
        f"jobs/new/send_destination/?id={first.vehicle_id}",
        f"jobs/{undone.id}/",
        f"jobs/{undone.id}/?outcome=failed",
    ):
        page.goto(f"{fleet.stack.url}/{path}")
        looks.check()
    page.goto(f"{fleet.stack.url}/jobs/new/unlock/")
    page.locator("button[value=start]").click()
    expect(page.locator("form.ask-box")).to_be_visible()
    looks.check()
    page.goto(f"{fleet.stack.url}/vehicles/?make=Volkswagen")
    page.locator("[data-pick]").first.check()
    for menu in page.locator("details[data-menu]").all():
        menu.locator("summary").click()
        looks.check()


def test_owners_flow_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    account = stack.simulator.account({"model": "ID.3", "license_plate": "HH-NL 43"}, brand="volkswagen")
    with stack.orm():
        make_simulator_app(CLIENT_ID)
        _, secret = make_share_link(make_team("Hafen Test"))
    looks = Looks(page)

    page.goto(f"{stack.url}/c/{secret}/")
    looks.check(width=PHONE)
    page.locator("footer a.primary").click()
    page.get_by_role("link", name="Volkswagen").wait_for()
    looks.check(width=PHONE)
    page.get_by_role("link", name="Volkswagen").click()
    page.fill("input[type=email]", account.email)
    page.fill("input[type=password]", account.password)
    page.locator("form button").first.click()
    page.locator("form button").first.click()
    page.wait_for_url("**/connect/review/**", timeout=15_000)
    looks.check(width=PHONE)
    page.locator("footer button.primary").click()
    page.wait_for_url("**/connect/done/**")
    looks.check(width=PHONE)
    page.goto(f"{stack.url}/c/{secret}/")
    looks.check(width=PHONE)


def test_pages_of_errors_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    looks = Looks(page)
    for path in ("nowhere/", "c/there-is-no-such-link/"):
        page.goto(f"{stack.url}/{path}")
        # The browser itself notes the status of the page; that is no complaint of the page's.
        looks.console.complaints.clear()

        looks.check()


def test_pages_of_rules_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    with fleet.stack.orm():
        rule = add_rule(
            membership=fleet.membership, kind="moving", commands=["unlock"], values=Moving(), blocks_unknown=True
        )
        add_rule(membership=fleet.membership, kind="guest", commands=[], values=Guest(), blocks_unknown=True)
    looks = Looks(fleet.page)
    for path in ("rules/", f"rules/{rule.id}/", *(f"rules/new/?kind={kind}" for kind in ("hours", "area", "guest"))):
        fleet.page.goto(f"{fleet.stack.url}/{path}")

        looks.check()
    fleet.page.goto(f"{fleet.stack.url}/rules/")
    fleet.page.locator("form[action$='/remove/'] button").first.click()
    looks.check()


def test_question_who_it_is_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 4")
    let_a_quarter_of_an_hour_pass(fleet)
    looks = Looks(fleet.page)
    fleet.open(link)

    for kind in ("unlock", "set_pin"):
        fleet.page.locator(f"form[data-asks='ask-{kind}'] button").click()
        expect(fleet.page.get_by_role("dialog").locator(f"#{kind}-password")).to_be_visible()
        looks.check()
        fleet.page.keyboard.press("Escape")


def test_pages_of_programs_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 20", state={"charging_state": "charging", "charge_limit_percent": 80})
    looks = Looks(fleet.page)
    page = fleet.page
    page.goto(f"{fleet.stack.url}/schedules/")
    looks.check()
    with fleet.stack.orm():
        night = {"starts_on": date(2027, 3, 27), "time_zone": "Europe/Berlin"}
        holidays = {"on_holiday": "skip", "holiday_country": "DE"}
        wished = daily(FlashLights(), time(2, 30), **night, **holidays)
        schedule = create_schedule(wish=wished, membership=fleet.membership)
        start_timed(
            vehicle=link.vehicle,
            membership=fleet.membership,
            order=StopCharge(),
            until=timezone.now() + timedelta(hours=5),
        )
    paths = [
        "schedules/",
        f"schedules/{schedule.id}/",
        f"schedules/{schedule.id}/edit/",
        "schedules/new/",
        f"vehicles/{link.vehicle_id}/timed/",
        f"vehicles/{link.vehicle_id}/timed/unlock/",
        f"vehicles/{link.vehicle_id}/timed/set_charge_limit/",
    ]
    for path in paths:
        page.goto(f"{fleet.stack.url}/{path}")

        looks.check()

    page.goto(f"{fleet.stack.url}/schedules/{schedule.id}/edit/")
    page.locator("select[name=repeat]").select_option("weekly")
    page.locator("button[value=dry]").click()
    looks.check()
    page.fill("input[name=name]", "")
    page.locator("button[value=save]").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()
    looks.check()
