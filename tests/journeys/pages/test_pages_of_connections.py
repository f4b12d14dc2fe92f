"""The pages of connections in English and German: accessible, no sideways scroll, no word to the console."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from connect.cockpit.repair import ask_owner
from connect.models import Recipient
from fleet.vehicles.models import Connection, ProviderAccount, VehicleLink
from tests.connect.cockpit.rows import make_connections
from tests.factories import make_simulator_app
from tests.infrastructure.stack import CLIENT_ID
from tests.journeys.conftest import Fleet
from tests.journeys.looks import Looks


def fill(fleet: Fleet) -> list[VehicleLink]:
    """A car in nearly every state."""
    now = timezone.now()
    with fleet.stack.orm():
        app = make_simulator_app(CLIENT_ID)
        links = make_connections(fleet.membership, app, 5)
        mute = make_connections(fleet.membership, app, 1, emails=False)
        broken, ending, pairing, over, _well = links
        gone = [broken.connection.account_id, mute[0].connection.account_id]
        ProviderAccount.objects.filter(pk__in=gone).update(status="needs_owner", refused_last_at=now)
        Connection.objects.filter(pk=ending.connection_id).update(ends_at=now + timedelta(days=3))
        VehicleLink.objects.filter(pk=pairing.pk).update(
            capabilities={"lock": {"answer": "no", "why": "needs_pairing", "ranges": {}}}
        )
        VehicleLink.objects.filter(pk=over.pk).update(ended_at=now)
        for link in (broken, ending):
            ask_owner(connection=link.connection, membership=fleet.membership)
        Recipient.objects.filter(link__repairs=broken.connection).update(send_at=None, sent_at=now, sent_count=1)
    return [*links, *mute]


def test_pages_of_connections_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, f"{fleet.stack.url}/connections"
    page.goto(f"{url}/")
    looks.check()
    broken, ending, pairing, over, _well, mute = fill(fleet)
    for path in (
        "",
        "?state=needs_owner",
        "?q=nobody-at-all",
        f"{ending.connection_id}/",
        f"{over.connection_id}/",
    ):
        page.goto(f"{url}/{path}")
        looks.check()

    page.goto(f"{url}/{mute.connection_id}/")
    page.locator("button[name=by]").click()
    expect(page.locator("#new-link")).to_be_visible()
    looks.check()
    page.fill("input[name=email]", "nobody@nowhere")
    page.locator("form[action$='/email/'] button").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()

    page.goto(f"{url}/")
    for link in (broken, pairing, mute):
        page.locator(f"input[data-pick][value='{link.id}']").check()
    page.locator("#selection button.primary").click()
    expect(page.locator("ul.plan > li")).to_have_count(3)
    looks.check()


def test_list_when_filtered_in_place_then_it_has_its_address(fleet: Fleet) -> None:
    broken, *_ = fill(fleet)
    page = fleet.page
    page.goto(f"{fleet.stack.url}/connections/")

    page.fill("#q", broken.vehicle.plate)
    expect(page.locator("#connection-rows tbody tr")).to_have_count(1)
    page.wait_for_url(f"**/connections/?q={broken.vehicle.plate.replace(' ', '+')}")
    page.reload()

    expect(page.locator("#connection-rows tbody tr")).to_have_count(1)
    assert page.locator("#q").input_value() == broken.vehicle.plate
