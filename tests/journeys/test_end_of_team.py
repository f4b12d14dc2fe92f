"""An owner closes the team while a colleague's page is open: it goes grey by itself, and opens again the same way."""

from playwright.sync_api import Browser, Locator, Page, expect

from commands.models import Command
from commands.programs.models import Schedule
from fleet.run.processes import wait_until
from fleet.teams.models import Team
from fleet.teams.roles import Role
from tests.commands.programs.scheduling import make_schedule
from tests.factories import make_member
from tests.journeys.conftest import Fleet, sign_in


def test_team_when_it_is_closed_and_opened_again_then_open_pages_follow(fleet: Fleet, browser: Browser) -> None:
    link = fleet.join(license_plate="NL-T 50", state={"locked": False})
    with fleet.stack.orm():
        colleague = make_member(fleet.membership.team, Role.OPERATOR)
        schedule = make_schedule(fleet.membership)
    theirs = browser.new_context().new_page()
    sign_in(theirs, fleet.stack.url, colleague.user.email)
    theirs.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")
    expect(tile(theirs)).to_be_enabled()

    page = fleet.page
    page.goto(f"{fleet.stack.url}/teams/settings/")
    page.locator("a[href='/teams/closing/']").click()
    page.fill("input[name=name]", fleet.membership.team.name)
    page.locator("main footer button").click()

    expect(page.locator("form.ask-box h1")).to_be_visible()
    expect(theirs.locator("main").get_by_text("The team is closed").first).to_be_visible(timeout=10_000)
    with fleet.stack.orm():
        assert wait_until(lambda: Schedule.objects.get(pk=schedule.pk).reason == "team_closing", within_s=10)
    theirs.reload()
    expect(theirs.locator(".closing")).to_contain_text("An owner can open it again.")

    page.locator("form.ask-box button").click()
    page.wait_for_url("**/teams/settings/")
    expect(page.locator(".closing")).to_have_count(0)
    expect(tile(theirs)).to_be_enabled(timeout=10_000)
    with fleet.stack.orm():
        assert Team.objects.get(pk=fleet.membership.team_id).delete_at is None
        assert not Command.objects.filter(team_id=fleet.membership.team_id).exists()


def tile(page: Page) -> Locator:
    return page.locator("form[action$='/commands/lock/'] button").first
