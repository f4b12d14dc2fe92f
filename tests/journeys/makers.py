"""What the journeys of the makers share: a registration of a team's own in the lab, an owner's phone, a panel read."""

import re
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection
from playwright.sync_api import Browser, Page, Playwright, expect

from connect.demo import send_demo_key
from connect.lab import PRETENDS, Lab
from connect.scopes import SCOPES
from fleet.adapters.commands import KINDS
from fleet.adapters.registry import get_adapter
from fleet.registrations.access import Keeper
from fleet.registrations.services import Wanted, register_app
from fleet.run.environment import CALLBACK_PATH
from fleet.run.processes import wait_until
from fleet.vehicles.models import ProviderApp, VehicleLink
from tests.connect.conftest import make_link
from tests.infrastructure.simulator import Account
from tests.journeys.conftest import Fleet
from tests.journeys.test_connect import WORDS, Phone

OFFERED = "offered"
# How long a command of a dialect may take to be proved: some are asked about again only after a while.
PROVED_WITHIN_MS = 60_000
_KIND = re.compile(r"/([a-z_]+)/$")


@dataclass(frozen=True)
class Order:
    """A command that is pressed: its kind, the lab's word for it, its title and its proof as the page tells them, and
    what is filled in.
    """

    kind: str
    word: str
    title: str
    proof: str
    fields: Mapping[str, str] = field(default_factory=dict)


def register_team(fleet: Fleet, provider: str, **secrets: str) -> ProviderApp:
    """Register the team at a provider of the lab: an id and a secret of its own, nobody else's cars."""
    pretend = next(pretend for pretend in PRETENDS if pretend.provider == provider)
    client_id, client_secret = f"team-{uuid.uuid4().hex[:10]}", f"client-secret-{uuid.uuid4().hex}"
    simulator = fleet.stack.simulator
    simulator.register_client(fleet.stack.url + CALLBACK_PATH, client_id=client_id, client_secret=client_secret)
    wanted = Wanted(
        f"Our {provider.title()}",
        client_id,
        client_secret,
        secrets={**pretend.secrets, **secrets},
        options={"domain": f"{client_id}.example"} if provider == "tesla" else {},
        urls={name: f"{simulator.url}/dialects/{provider}{path}" for name, path in pretend.paths.items()},
    )
    with fleet.stack.orm():
        app = register_app(keeper=Keeper("system:test", fleet.membership.team_id), provider=provider, wanted=wanted)
        # Playwright keeps an event loop in this thread, and registering a key runs one of its own.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_send_key, app, simulator.url).result()
    return app


def _send_key(app: ProviderApp, url: str) -> None:
    try:
        send_demo_key(app, Lab(url))
    finally:
        connection.close()


def open_phone(fleet: Fleet, browser: Browser, playwright: Playwright) -> Phone:
    context = browser.new_context(**playwright.devices["Pixel 7"], locale="en")
    return Phone(context.new_page(), fleet.stack.url, WORDS["en"])


def join_through_connect(fleet: Fleet, phone: Phone, app: ProviderApp, account: Account, brand: str) -> VehicleLink:
    """Go the owner's whole way, everything allowed that the provider offers, up to the page that says it is done."""
    with fleet.stack.orm():
        scopes = get_adapter(app.provider).manifest.scopes & SCOPES.keys() - {"read_battery"}
        secret = make_link(fleet.membership, needed=["read_battery"], optional=scopes)[1]
    phone.open(secret)
    phone.page.locator("footer a.primary").click()
    choice = phone.page.locator(f"a[href$='/go/{account.brand}/']").filter(has_text=brand)

    def is_offered() -> bool:
        phone.page.reload()
        return choice.count() == 1

    # A worker reads which makes there are when the first owner comes.
    assert wait_until(is_offered, within_s=30)
    choice.click()
    phone.page.locator("input[type=email]").wait_for(timeout=30_000)
    phone.sign_in(account)
    phone.allow_at_maker()
    phone.page.wait_for_url("**/connect/review/**", timeout=30_000)
    for option in phone.page.locator("input[name=scopes]").all():
        option.check()
    phone.agree()
    phone.expect_title("done")
    with fleet.stack.orm():
        links = VehicleLink.objects.filter(team=fleet.membership.team).select_related("connection__account__app")
        link = links.get()
    assert link.connection.account.app == app
    return link


def read_tiles(page: Page) -> dict[str, str]:
    """Return of each command of the panel that it is offered, or why it is not."""
    panel = page.locator("#commands-panel")
    actions = [form.get_attribute("action") or "" for form in panel.locator("form[action]").all()]
    offered = {match[1]: OFFERED for match in map(_KIND.search, actions) if match and match[1] != "cancel"}
    missing = {
        (small.get_attribute("id") or "").removeprefix("why-"): small.inner_text()
        for small in panel.locator("[data-state=none] small").all()
    }
    return offered | missing


def wait_for_tiles(page: Page, provider: str, wanted: dict[str, str]) -> None:
    """Wait until the panel is as it should be: a worker asks the maker after the owner's yes.

    What is wanted must agree with what the adapter declares: it offers no less, and what it lacks is said of it.
    """
    manifest = get_adapter(provider).manifest
    missing = {kind for kind, words in wanted.items() if words == f"Not offered by {manifest.name}"}
    assert missing == KINDS.keys() - manifest.commands.keys()

    def is_so() -> bool:
        page.reload()
        return read_tiles(page) == wanted

    wait_until(is_so, within_s=30)
    assert read_tiles(page) == wanted


def press(fleet: Fleet, order: Order, car: str) -> None:
    """Press, wait for the proof on the page, and look into the lab's ledger whether the car was asked once."""
    page = fleet.page
    form = page.locator(f"#commands-panel form[action$='/{order.kind}/']").first
    asks = form.get_attribute("data-asks")
    if asks:
        form.locator("button[type=submit]").click()
        form = page.locator(f"#{asks} form")
    for name, value in order.fields.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button[type=submit]").last.click()

    card = page.locator("#live-commands").get_by_role("article", name=order.title, exact=True)
    expect(card).to_have_attribute("data-tone", "ok", timeout=PROVED_WITHIN_MS)
    expect(card).to_contain_text(order.proof)
    assert fleet.stack.simulator.count(car=car, command=order.word) == 1
