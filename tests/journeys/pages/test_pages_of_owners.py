"""An owner's own pages in English and German: accessible, no sideways scroll, no word to the console."""

from datetime import timedelta
from time import time_ns

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from commands.services import request_command
from connect.portal_keys import mint_key
from fleet.adapters.commands import Lock
from fleet.teams.models import Membership
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Connection, ProviderApp, ReadCount, VehicleLink
from tests.factories import join_simulated_car, make_simulator_app, make_team
from tests.fleet.portal.conftest import came_by, name_owner
from tests.infrastructure.stack import CLIENT_ID, Stack
from tests.journeys.looks import PHONE, Looks


@pytest.fixture
def shared(stack: Stack) -> tuple[Membership, list[VehicleLink]]:
    """Two cars of one owner, one of them without a scope and with an end, and something in the log of both."""
    with stack.orm():
        membership = make_team("Nordlicht Carsharing")
        app: ProviderApp = make_simulator_app(CLIENT_ID)
        links = [join_simulated_car(membership, stack.simulator, app=app, learn=False) for _ in range(2)]
        for link in links:
            came_by(link, membership)
            request_command(vehicle=link.vehicle, membership=membership, order=Lock())
        owner = name_owner(links[0], email=f"olga-{time_ns():x}@owner.example", language="")
        Connection.objects.filter(pk=links[1].connection_id).update(
            owner=owner, ends_at=timezone.now() + timedelta(days=30)
        )
        withdraw_consent(link=links[0], scope="read_location", actor=f"owner:{owner.id}")
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        for purpose, actor in (("regular", ""), ("asked", membership.user.actor), ("command", "")):
            ReadCount.objects.create(
                team_id=links[0].team_id,
                link=links[0],
                hour_at=hour - timedelta(hours=3),
                purpose=purpose,
                actor=actor,
                count=52,
                scopes=["read_charge", "read_lock_state", "read_battery"],
            )
    return membership, links


def test_pages_of_an_owner_when_looked_at_then_nothing_is_wrong(
    stack: Stack, page: Page, shared: tuple[Membership, list[VehicleLink]]
) -> None:
    _, links = shared
    looks = Looks(page)
    page.goto(f"{stack.url}/my/again/")
    looks.check(width=PHONE)
    page.fill("[name=email]", "nobody@owner.example")
    page.locator("main button[type=submit]").click()
    expect(page.locator("h1")).to_be_visible()
    looks.check(width=PHONE)
    with stack.orm():
        secret = mint_key(links[0].connection.owner)
    page.goto(f"{stack.url}/my/{secret}/")
    page.wait_for_url("**/my/")
    looks.check(width=PHONE)
    for path in ("log/", "hours/", f"stop/{links[0].id}/", "stop/", "forget/"):
        page.goto(f"{stack.url}/my/{path}")
        looks.check(width=PHONE)
    page.goto(f"{stack.url}/my/hours/")
    page.check("[name=days_0][value='1']")
    page.fill("[name=from_0]", "18:00")
    page.locator("footer button[type=submit]").click()
    expect(page.locator(".wrong")).to_be_visible()
    looks.console.complaints.clear()  # of the 422 that was asked for
    looks.check(width=PHONE)
    page.goto(f"{stack.url}/my/forget/")
    page.locator("footer button[type=submit]").click()
    page.wait_for_url("**/my/forgotten/")
    looks.check(width=PHONE)
