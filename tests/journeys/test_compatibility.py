"""The matrix in a real browser: narrowed in place, opened by keyboard, an address for every state; without script."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.infrastructure.stack import Stack


def models(page: Page) -> list[str]:
    return page.locator("tbody th[scope=row] b").all_inner_texts()


def test_matrix_when_filters_are_chosen_then_the_table_changes_in_place_and_the_address_says_it(
    stack: Stack, page: Page
) -> None:
    page.goto(f"{stack.url}/compatibility/")
    page.evaluate("document.body.dataset.same = 'yes'")

    page.get_by_label("Country", exact=True).select_option("DE")
    page.wait_for_url("**/compatibility/?country=DE")
    page.get_by_label("Make", exact=True).select_option(label="Tesla")
    page.wait_for_url("**/compatibility/?country=DE&make=tesla")
    page.get_by_label("Model", exact=True).select_option(label="Model 3")
    page.wait_for_url("**&model=model3")
    expect(page.locator("tbody th[scope=row] b").first).to_have_text("Model 3")
    # Another make lets go of the model of the one before.
    page.get_by_label("Make", exact=True).select_option(label="Lucid")
    page.wait_for_url("**/compatibility/?country=DE&make=lucid")

    expect(page.locator("tbody th[scope=row] b").first).to_have_text("Air")
    assert page.evaluate("document.body.dataset.same") == "yes"
    page.go_back()
    page.wait_for_url("**&model=model3")
    expect(page.locator("tbody th[scope=row] b").first).to_have_text("Model 3")


def test_cell_when_it_is_found_by_arrows_then_it_opens_over_the_table_with_date_and_source(
    stack: Stack, page: Page
) -> None:
    page.goto(f"{stack.url}/compatibility/?country=DE&make=tesla&model=model3")
    cells = page.locator("[data-matrix] a.cell")
    expect(cells.nth(1)).to_have_attribute("tabindex", "-1")

    cells.first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    panel = page.get_by_role("dialog")
    expect(panel.get_by_role("heading")).to_have_text("Tesla Model 3")
    expect(panel.locator("#unlock")).to_contain_text("As of")
    page.keyboard.press("Escape")
    expect(panel).not_to_be_visible()
    expect(cells.nth(4)).to_be_focused()


def test_matrix_when_there_is_no_script_then_it_is_filtered_opened_and_compared(stack: Stack, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False, locale="en").new_page()
    page.goto(f"{stack.url}/compatibility/")

    page.get_by_label("Country", exact=True).select_option("DE")
    page.get_by_label("Make", exact=True).select_option(label="Tesla")
    page.get_by_role("button", name="Apply").click()
    assert len(models(page)) > 3
    for tick in page.get_by_role("checkbox", name=re.compile("^Compare: Model [3Y]")).all()[:2]:
        tick.check()
    page.get_by_role("button", name="Compare what is ticked").click()
    expect(page.locator("thead th b")).to_have_count(2)
    page.locator("td a.with-words").first.click()
    expect(page.locator(".said-of[open]").first).to_contain_text("As of")
