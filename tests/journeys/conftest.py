"""What browser journeys share: signing in, and a car of one's own in the running product."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Page

from fleet.teams.models import Membership
from fleet.vehicles.models import VehicleLink
from fleet.vehicles.services import read_vehicle
from tests.factories import PASSWORD, join_simulated_car, make_simulator_app, make_team
from tests.infrastructure.stack import CLIENT_ID, Stack


@dataclass(frozen=True)
class Fleet:
    """A team of its own in the running product, with its owner signed in in the browser."""

    stack: Stack
    page: Page
    membership: Membership

    def join(self, **facts: Any) -> VehicleLink:
        """Put a simulated car into the team; facts go to the simulator, scopes= to the consent."""
        with self.stack.orm():
            app = make_simulator_app(CLIENT_ID)
            link = join_simulated_car(self.membership, self.stack.simulator, app=app, learn=False, **facts)
            # Playwright keeps an event loop in this thread, and reading a car runs one of its own.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_learn, link).result()
            return link

    def open(self, link: VehicleLink) -> None:
        self.page.goto(f"{self.stack.url}/vehicles/{link.vehicle_id}/")


def _learn(link: VehicleLink) -> None:
    try:
        read_vehicle(link, with_capabilities=True)
    finally:
        connection.close()


def sign_in(page: Page, url: str, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url("**/vehicles/")


@pytest.fixture
def fleet(stack: Stack, page: Page) -> Fleet:
    with stack.orm():
        membership = make_team("Nordlicht Test")
    sign_in(page, stack.url, membership.user.email)
    return Fleet(stack, page, membership)
