"""Single sign-on in a browser: to the provider, back, into the team; and confirming there before a risky command."""

import re
import time
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from fleet.teams.grants import Grant
from fleet.teams.models import Membership, SignOnDomain, User
from fleet.teams.roles import Role
from tests.fleet.sign_on.rows import make_linked_team, make_open_domain
from tests.infrastructure.identity import IdentityProvider, Person
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet


@pytest.fixture
def owner(stack: Stack) -> Membership:
    """A team that is open to acme.example for operators."""
    with stack.orm():
        owner = make_linked_team("Acme Fleet", f"olga-{time.time_ns():x}@acme.example")
        # One domain, several tests: only the newest team takes people in.
        SignOnDomain.objects.filter(removed_at__isnull=True).delete()
        make_open_domain(owner, Grant(Role.OPERATOR))
        return owner


def test_sign_on_when_somebody_comes_by_their_provider_then_they_land_in_the_team_and_press(
    stack: Stack, page: Page, identity: IdentityProvider, owner: Membership
) -> None:
    person = Person(f"sub-{time.time_ns():x}", f"robin-{time.time_ns():x}@acme.example", name="Robin Acme")
    identity.person = replace(person, auth_time=time.time() - 3600)
    link = Fleet(stack, page, owner).join(state={"locked": True})
    page.goto(f"{stack.url}/accounts/login/")

    page.get_by_role("link", name="Continue with Acme ID").click()
    page.locator("#allow").click()

    expect(page.locator(".shell")).to_contain_text("Acme Fleet")
    page.goto(f"{stack.url}/vehicles/{link.vehicle_id}/")
    page.locator("form[data-asks='ask-unlock'] button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("input[type=password]")).to_have_count(0)
    identity.person = person  # who is asked anew, and shows who they are
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name=re.compile("Confirm")).click()
    opened.value.locator("#allow").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Confirmed")
    opened.value.close()
    dialog.get_by_role("button", name="Unlock now").click()

    expect(page.locator("#live-commands [data-tone]").first).to_contain_text("Unlock", timeout=15_000)
    with stack.orm():
        robin = User.objects.get(email=person.email)
        assert Membership.objects.get(user=robin).role == Role.OPERATOR
        assert link.vehicle.command_set.count() == 1


def test_sign_on_when_the_provider_is_down_then_the_page_says_so_and_the_next_try_works(
    stack: Stack, page: Page, identity: IdentityProvider, owner: Membership
) -> None:
    identity.person = Person(f"sub-{time.time_ns():x}", f"kim-{time.time_ns():x}@acme.example")
    page.goto(f"{stack.url}/accounts/login/")
    page.get_by_role("link", name="Continue with Acme ID").click()
    with identity.failing("token_cut"):
        page.locator("#allow").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Acme ID does not answer")

    page.get_by_role("link", name="Continue with Acme ID").click()
    page.locator("#allow").click()

    expect(page.locator(".shell")).to_contain_text("Acme Fleet")
