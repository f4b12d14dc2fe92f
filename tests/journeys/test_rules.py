"""Rules of a team in a real browser: made in words, felt at the button, changed and removed; also without script."""

from playwright.sync_api import Browser, Page, expect

from commands.rules.models import TeamRule
from commands.rules.services import add_rule
from commands.rules.values import Moving
from fleet.teams.roles import Role
from tests.factories import PASSWORD, make_member
from tests.journeys.conftest import Fleet, sign_in


def test_rule_when_it_is_made_then_the_button_says_why_and_leads_to_it(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-R 1", state={"locked": True, "soc_percent": 42})
    page = fleet.page

    page.goto(f"{fleet.stack.url}/vehicles/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Rules").click()
    page.get_by_role("link", name="Low battery").click()
    expect(page.locator("#rule-says")).to_contain_text("while the battery holds less than 20 %")
    page.get_by_label("Lowest charge in %").fill("50")
    expect(page.locator("#rule-says")).to_contain_text("while the battery holds less than 50 %")
    page.get_by_role("button", name="Add the rule").click()

    expect(page.locator(".rules")).to_contain_text(
        "Nobody sends “Start climate” or “Cabin temperature” while the battery holds less than 50 %."
    )
    fleet.open(link)
    expect(page.locator("#why-start_climate")).to_have_text(
        "Blocked by your team’s rule: the battery holds less than 50 %."
    )
    page.locator(".tile-box", has=page.locator("#why-start_climate")).get_by_role("link", name="See the rule").click()
    expect(page.locator(".rule:target")).to_contain_text("less than 50 %")
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="climate.start") == 0


def test_rule_when_it_comes_after_the_page_was_opened_then_a_press_is_refused_with_the_reason(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-R 2", state={"locked": True, "in_motion": True})
    page = fleet.page
    page.route("**/live/**", lambda route: route.abort())
    fleet.open(link)
    with fleet.stack.orm():
        add_rule(membership=fleet.membership, kind="moving", commands=["unlock"], values=Moving(), blocks_unknown=True)

    page.locator("form[data-asks='ask-unlock'] button").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock now").click()

    expect(page.get_by_role("alert")).to_contain_text("Blocked by your team’s rule: the car moves.")
    assert fleet.stack.simulator.count(car=link.provider_vehicle_id, command="unlock") == 0


def test_rule_when_there_is_no_script_then_it_is_made_changed_switched_and_removed(
    fleet: Fleet, browser: Browser
) -> None:
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/rules/")

    page.get_by_role("link", name="By place").click()
    page.get_by_label("Name of the place").fill("Depot")
    page.get_by_label("Its centre").fill("Berlin")
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_role("main")).to_contain_text("Write latitude and longitude with points")
    page.get_by_label("Its centre").fill("52.5200, 13.4050")
    page.get_by_role("button", name="Add the rule").click()
    rule = page.locator(".rule")
    expect(rule).to_contain_text("while the car is more than 2 km away from Depot.")

    rule.get_by_role("link", name="Change").click()
    page.get_by_label("Every command").check()
    page.get_by_role("button", name="Save the rule").click()
    expect(rule).to_contain_text("Nobody sends any command while the car is more than 2 km away from Depot.")

    rule.get_by_role("button", name="Switch off").click()
    expect(rule).to_have_attribute("data-state", "off")
    rule.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove the rule").click()
    expect(page.get_by_role("main")).to_contain_text("No rules yet")
    with fleet.stack.orm():
        assert TeamRule.objects.filter(team_id=fleet.membership.team_id).count() == 0
    page.context.close()


def test_rules_when_an_operator_looks_then_they_read_them_and_change_nothing(fleet: Fleet, browser: Browser) -> None:
    with fleet.stack.orm():
        add_rule(membership=fleet.membership, kind="moving", commands=["unlock"], values=Moving(), blocks_unknown=True)
        operator = make_member(fleet.membership.team, Role.OPERATOR)
    page: Page = browser.new_context().new_page()
    sign_in(page, fleet.stack.url, operator.user.email, PASSWORD)
    page.goto(f"{fleet.stack.url}/rules/")

    expect(page.locator(".rule")).to_contain_text("Nobody sends “Unlock” while the car moves.")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    page.context.close()
