"""Members in real browsers: invited by letter and by link, what each role presses, and what a removed one sees."""

import email
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from commands.models import Command
from commands.services import request_command
from fleet.adapters.commands import FlashLights, Lock
from fleet.run.processes import wait_until
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import Vehicle, VehicleLink
from tests.factories import PASSWORD, make_member, make_user
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet, sign_in

LETTER_WITHIN_S = 15.0
SEES_NOTHING_WITHIN_MS = 1_000


def find_letter(stack: Stack, address: str) -> str:
    """Return the text of the letter to an address, as it lies in the mail folder of the running product."""
    found: list[str] = []

    def has_come() -> bool:
        for path in Path(stack.env["FLEETWELL_MAIL_DIR"]).glob("*.log"):
            letter = email.message_from_bytes(path.read_bytes())
            if address in str(letter["To"]):
                found.append(letter.get_payload(decode=True).decode())  # type: ignore[union-attr]
        return bool(found)

    assert wait_until(has_come, within_s=LETTER_WITHIN_S)
    return found[0]


def link_in(text: str, url: str) -> str:
    match = re.search(rf"{re.escape(url)}/join/[\w-]{{27}}/", text)
    assert match, text
    return match.group()


def join(fleet: Fleet, plate: str) -> VehicleLink:
    link = fleet.join(state={"locked": False})
    with fleet.stack.orm():
        Vehicle.objects.filter(pk=link.vehicle_id).update(plate=plate)
    return link


def invite(page: Page, url: str, *, role: str, address: str = "") -> None:
    """Press through the four steps; without an address by a link."""
    page.goto(f"{url}/vehicles/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Invite", exact=True).click()
    if address:
        page.get_by_label("E-mail addresses").fill(address)
    else:
        page.get_by_label("By a link that you pass on").check()
    page.get_by_role("radio", name=re.compile(f"^{role}")).check()
    page.get_by_role("button", name="Invite").click()


def test_invited_people_when_they_join_by_letter_and_by_link_then_each_presses_what_the_role_allows(
    fleet: Fleet, browser: Browser
) -> None:
    url, address = fleet.stack.url, f"robin-{id(fleet)}@example.com"
    link = join(fleet, "NL-M 1")
    with fleet.stack.orm():
        kim = make_user("Kim Example")

    invite(fleet.page, url, role="Operator", address=address)
    expect(fleet.page.get_by_role("row").filter(has_text=address)).to_be_visible()
    letter = find_letter(fleet.stack, address)
    invite(fleet.page, url, role="Viewer")
    shown = fleet.page.locator("#new-link").input_value()

    # By letter, without an account yet.
    robin = browser.new_context().new_page()
    robin.goto(link_in(letter, url))
    expect(robin.get_by_role("heading", level=1)).to_have_text("Join Nordlicht Test")
    robin.get_by_role("link", name="Make an account and join").click()
    expect(robin.locator("input[name=email]")).to_have_value(address)
    robin.fill("input[name=name]", "Robin Newcomer")
    robin.fill("input[name=password1]", "sails over the harbour")
    robin.locator("main button[type=submit]").click()
    robin.get_by_role("button", name="Join the team").click()
    robin.wait_for_url("**/vehicles/")

    # By link, with an account that is in no team.
    viewer = browser.new_context().new_page()
    viewer.goto(link_in(shown, url))
    viewer.get_by_role("link", name="I have an account").click()
    viewer.fill("input[name=login]", kim.email)
    viewer.fill("input[name=password]", PASSWORD)
    viewer.get_by_role("button", name="Sign in", exact=True).click()
    viewer.get_by_role("button", name="Join the team").click()
    viewer.wait_for_url("**/vehicles/")

    # The operator presses what the role allows; the PIN is greyed, and says why.
    robin.get_by_role("link", name="NL-M 1").click()
    expect(robin.locator("#why-set_pin")).to_contain_text("role")
    assert robin.locator("button[aria-describedby='why-set_pin']").get_attribute("aria-disabled") == "true"
    robin.locator("form[action$='/lock/'] button").click()
    expect(robin.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=15_000)

    # The viewer sees all and can press nothing.
    viewer.get_by_role("link", name="NL-M 1").click()
    expect(viewer.locator("#why-lock")).to_contain_text("role")
    expect(viewer.locator("#commands-panel form[method=post]")).to_have_count(0)
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="lock") == 1

    # Both are on the list, and the link was good once.
    fleet.page.goto(f"{url}/members/")
    for name, role in (("Robin Newcomer", "Operator"), ("Kim Example", "Viewer")):
        expect(fleet.page.get_by_role("row").filter(has_text=name)).to_contain_text(role)
    viewer.goto(shown)
    expect(viewer.get_by_role("heading", level=1)).to_have_text("This invitation was already used")


def test_letter_when_opened_by_somebody_else_then_it_says_for_whom_and_offers_the_other_account(
    fleet: Fleet, browser: Browser
) -> None:
    address = f"alex-{id(fleet)}@example.com"
    with fleet.stack.orm():
        kim = make_member(fleet.membership.team, Role.VIEWER)
    invite(fleet.page, fleet.stack.url, role="Driver", address=address)
    page = browser.new_context().new_page()
    sign_in(page, fleet.stack.url, kim.user.email)

    page.goto(link_in(find_letter(fleet.stack, address), fleet.stack.url))

    # A member cannot join twice, whoever the letter is for; the way to the other account stays open.
    expect(page.get_by_role("heading", level=1)).to_have_text("You are in this team already")
    with fleet.stack.orm():
        assert not Membership.objects.filter(team=fleet.membership.team, user__email=address).exists()


def test_member_when_removed_then_the_open_page_is_empty_within_a_second_and_what_waits_never_leaves(
    fleet: Fleet, browser: Browser
) -> None:
    link = join(fleet, "NL-M 2")
    car = link.provider_vehicle_id
    with fleet.stack.orm():
        member = make_member(fleet.membership.team, Role.OPERATOR)
    page, elsewhere = (browser.new_context().new_page() for _ in range(2))
    sign_in(page, fleet.stack.url, member.user.email)
    sign_in(elsewhere, fleet.stack.url, member.user.email)
    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")
    expect(page.locator("html[data-live=on]")).to_be_attached()
    # A page without a vehicle of its own goes as well.
    with elsewhere.expect_request("**/live/?team=*"):
        elsewhere.goto(f"{fleet.stack.url}/vehicles/")
    # While the owner's command is under way for some seconds, the member's waits behind it.
    fleet.stack.simulator.behaviour(car=car, latency_s={"min": 6, "max": 6})
    with fleet.stack.orm():
        first = request_command(vehicle=link.vehicle, membership=fleet.membership, order=Lock())
        assert wait_until(lambda: state_of(first) == "sending", within_s=10)
        waiting = request_command(vehicle=link.vehicle, membership=member, order=FlashLights())
    expect(page.locator("#live-commands")).to_contain_text("Flash")
    for open_page in (page, elsewhere):
        expect(open_page.get_by_text("NL-M 2").first).to_be_visible()

    fleet.page.goto(f"{fleet.stack.url}/members/{member.id}/remove/")
    fleet.page.get_by_role("button", name="Remove from the team").click()

    for open_page in (page, elsewhere):
        expect(open_page.get_by_text("NL-M 2")).to_have_count(0, timeout=SEES_NOTHING_WITHIN_MS)
    with fleet.stack.orm():
        assert wait_until(lambda: state_of(waiting) in {"refused", "cancelled"}, within_s=30)
    assert fleet.stack.simulator.count(car=car, command="lights.flash") == 0
    page.goto(f"{fleet.stack.url}/vehicles/{link.vehicle_id}/")
    expect(page.locator("body")).not_to_contain_text("NL-M 2")


def state_of(command: Command) -> str:
    return Command.objects.get(pk=command.pk).state


def test_members_when_there_is_no_script_then_inviting_and_removing_work(fleet: Fleet, browser: Browser) -> None:
    with fleet.stack.orm():
        member = make_member(fleet.membership.team, Role.VIEWER)
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()

    invite(page, fleet.stack.url, role="Viewer")
    expect(page.locator("#new-link")).to_have_value(re.compile(r"/join/[\w-]{27}/$"))
    page.goto(f"{fleet.stack.url}/members/{member.id}/")
    page.get_by_role("link", name="Remove from the team").click()
    page.get_by_role("button", name="Remove from the team").click()

    expect(page.get_by_text(member.user.email)).to_have_count(0)
    with fleet.stack.orm():
        assert Membership.objects.get(pk=member.pk).ended_at is not None
