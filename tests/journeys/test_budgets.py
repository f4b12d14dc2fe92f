"""The budget beside the buttons: what a press costs, how it shrinks, and what the page says when it is used up."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Browser, expect

from fleet.budgets.services import save_budget
from fleet.vehicles.models import ProviderApp
from tests.fleet.budgets.rows import make_budget_of
from tests.journeys.budgets import join, make_provider
from tests.journeys.conftest import Fleet


def test_press_when_calls_are_counted_then_the_line_beside_the_buttons_shrinks_and_the_maker_counts_the_same(
    fleet: Fleet,
) -> None:
    app = make_provider(fleet, "Volvo")
    link = join(fleet, app, state={"locked": False})
    fleet.stack.simulator.quota(client=app.client_id, limit=20)
    with fleet.stack.orm():
        save_budget(app_id=app.id, resource="calls", limit=20, window_s=86_400, actor="system:test")
    page = fleet.page
    fleet.open(link)
    expect(page.locator("#press-cost")).to_contain_text("20 of 20 left today")

    page.locator("form[action$='/lock/'] button").click()

    expect(page.locator("#live-commands [data-tone]").first).to_have_attribute("data-tone", "ok", timeout=45_000)
    expect(page.locator("#press-cost")).not_to_contain_text("20 of 20", timeout=10_000)
    page.goto(f"{fleet.stack.url}/budgets/")
    used = fleet.stack.simulator.quota_use(client=app.client_id)
    expect(page.get_by_role("main")).to_contain_text(f"{20 - used['allowed']} of 20 left today")
    assert used["violations"] == 0


def test_page_when_the_maker_goes_away_then_a_notice_says_so_without_reloading(fleet: Fleet) -> None:
    app = make_provider(fleet, "Polestar")
    link = join(fleet, app)
    page = fleet.page
    fleet.open(link)
    expect(page.locator("#provider-notices .notice")).to_have_count(0)

    with fleet.stack.orm():
        now = timezone.now()
        away = {"breaker_opened_at": now - timedelta(minutes=2), "breaker_until": now + timedelta(minutes=5)}
        ProviderApp.objects.filter(pk=app.pk).update(**away, breaker_code="upstream_down")
    page.evaluate(f"document.body.dispatchEvent(new Event('fleetwell:latest-{link.vehicle_id}'))")

    notices = page.locator("#provider-notices")
    expect(notices).to_contain_text("service does not answer. Commands wait.", timeout=20_000)
    expect(notices).to_contain_text("Next try")


def test_budget_when_changed_without_script_then_the_list_shows_it(fleet: Fleet, browser: Browser) -> None:
    with fleet.stack.orm():
        budget = make_budget_of(fleet.membership)
    state = fleet.page.context.storage_state()
    page = browser.new_context(java_script_enabled=False, storage_state=state).new_page()
    page.goto(f"{fleet.stack.url}/budgets/")

    page.get_by_role("link", name="Change Calls").click()
    page.fill("input[name=limit]", "300")
    page.fill("input[name=reserve]", "400")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#id_reserve-errors")).to_contain_text("cannot be more than the limit")
    page.fill("input[name=reserve]", "40")
    page.get_by_role("button", name="Save").click()

    page.wait_for_url("**/budgets/")
    expect(page.get_by_role("main")).to_contain_text("300 of 300 left today")
    expect(page.get_by_role("main")).to_contain_text("40 in reserve")
    assert budget.limit == 120
    page.context.close()
