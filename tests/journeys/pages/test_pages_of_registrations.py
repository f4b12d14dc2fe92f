"""Every page about registrations at providers in English and German, and one set up, tried out and mended."""

from time import time_ns

from playwright.sync_api import Page, expect

from fleet.teams.installation import make_administrator
from fleet.vehicles.models import ProviderApp
from tests.fleet.registrations.rows import dialect_urls, keeper_of, make_registration
from tests.infrastructure.simulator import CLIENT_SECRET
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks

SAVE = "form[aria-labelledby=form-heading] footer button"
FOUND = "#test .found > li"
# With every kind of field that there is.
PROVIDERS = ("tesla", "smartcar")


def test_pages_of_registrations_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    keeper = keeper_of(fleet.membership)
    with fleet.stack.orm():
        make_administrator(email=fleet.membership.user.email, actor="system:test")
        app = make_registration(keeper, "tesla", client_id=f"looks-{time_ns():x}")
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    paths = ["providers/", "installation/providers/", *(f"providers/new/{key}/" for key in PROVIDERS)]
    for path in [*paths, f"providers/{app.id}/", f"providers/{app.id}/remove/"]:
        page.goto(f"{url}/{path}")
        looks.check()

    page.goto(f"{url}/providers/{app.id}/")
    page.fill("input[name=client_id]", "two words")
    page.locator(SAVE).click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()


def test_registration_when_its_secret_is_mended_then_the_test_says_so_by_itself(fleet: Fleet) -> None:
    page, url, client_id = fleet.page, fleet.stack.url, f"mended-{time_ns():x}"
    looks = Looks(page)
    fleet.stack.simulator.register_client(client_id=client_id)
    page.goto(f"{url}/teams/settings/")
    page.locator("main a[href='/providers/']").click()
    page.locator("a[href='/providers/new/smartcar/']").click()
    page.fill("input[name=client_id]", client_id)
    page.fill("input[name=client_secret]", "canary-of-yesterday")
    page.locator(SAVE).click()
    expect(page.locator("#test .found")).to_have_count(0)
    with fleet.stack.orm():
        app = ProviderApp.objects.get(client_id=client_id)
        ProviderApp.objects.filter(pk=app.pk).update(urls=dialect_urls("smartcar"))

    try_out(page)
    expect(page.locator(FOUND).first.locator(".pill.danger")).to_be_visible()
    looks.check()
    page.fill("input[name=client_secret]", CLIENT_SECRET)
    page.locator(SAVE).click()
    expect(page.locator(FOUND)).to_have_count(0)
    try_out(page)

    expect(page.locator(FOUND)).to_have_count(3)
    expect(page.locator(f"{FOUND} .pill.ok")).to_have_count(2)
    expect(page.locator("#test header .pill.ok")).to_be_visible()
    assert "canary-of-yesterday" not in page.content()
    looks.check()


def try_out(page: Page) -> None:
    page.locator("#test footer button").first.click()
    expect(page.locator(FOUND).first).to_be_visible(timeout=30_000)
