"""The matrix in English and German: accessible, no sideways scroll, a quiet console, with and without sign-in."""

from playwright.sync_api import Page, expect

from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks

BESIDE = "compare/?country=DE&car=volkswagen:id4:BEV:2022&car=tesla:model3&car=hyundai:ioniq5"


def test_pages_of_the_matrix_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    looks, url = Looks(page), f"{stack.url}/compatibility"
    for path in (
        "?country=DE&make=tesla",
        "?make=lucid&columns=all",
        "?make=maserati",
        "cars/tesla/model3/?country=DE&year=2022&command=unlock&command=lock",
        "compare/",
        BESIDE,
    ):
        page.goto(f"{url}/{path}")
        looks.check()

    page.goto(f"{url}/?country=DE&make=nobody")
    expect(page.get_by_role("alert")).to_be_visible()
    looks.console.complaints.clear()  # the status of the page
    looks.check()


def test_pages_of_the_matrix_when_signed_in_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page = Looks(fleet.page), fleet.page
    page.goto(f"{fleet.stack.url}/compatibility/?country=DE&make=lucid")
    looks.check()
    page.locator("a.cell[data-is=p]").first.click()
    expect(page.locator("#cell-panel .said-of").first).to_be_visible()
    looks.check()
