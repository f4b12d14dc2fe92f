"""Every page about people and teams in English and German: accessible, no sideways scroll, no word to the console."""

from time import time_ns

from playwright.sync_api import Page, expect

from commands.programs.timed import start_timed
from fleet.adapters.commands import Unlock
from fleet.members.addresses import read_pasted
from fleet.members.invitations import invite, invite_by_link
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.installation import make_administrator
from fleet.teams.models import Invitation, User
from fleet.teams.roles import PRESETS, Role
from fleet.teams.services import add_member, create_team
from fleet.vehicles.groups import save_group
from tests.factories import PASSWORD, make_member, make_team, make_user
from tests.fleet.notifications.rows import fill_bell
from tests.fleet.sign_on.rows import make_linked_team, make_open_domain
from tests.fleet.teams.factors import code_now, give_app
from tests.infrastructure.identity import IdentityProvider, Person
from tests.infrastructure.stack import Stack
from tests.journeys.conftest import Fleet, sign_in
from tests.journeys.looks import Looks
from tests.journeys.test_stepup import let_a_quarter_of_an_hour_pass


def test_pages_of_the_account_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    looks = Looks(page)
    for path in ("login/", "signup/", "password/reset/"):
        page.goto(f"{stack.url}/accounts/{path}")
        looks.check()
    with stack.orm():
        make_user()
    page.goto(f"{stack.url}/accounts/signup/")
    looks.check()


def test_pages_of_single_sign_on_when_looked_at_then_nothing_is_wrong(
    stack: Stack, page: Page, identity: IdentityProvider
) -> None:
    with stack.orm():
        owner = make_linked_team(email=f"olga-{time_ns():x}@acme.example")
        make_open_domain(owner)
        identity.person = Person("", owner.user.email)  # of no use to anybody
        owner.user.set_password(PASSWORD)
        owner.user.save()
    looks = Looks(page)
    sign_in(page, stack.url, owner.user.email, PASSWORD)
    page.goto(f"{stack.url}/teams/sign-on/")
    looks.check()
    with stack.orm():
        User.objects.filter(pk=owner.user_id).update(password="!")  # from now on there is the provider alone
    page.context.clear_cookies()
    identity.person = Person(f"sub-{time_ns():x}", f"kim-{time_ns():x}@acme.example", auth_time=time_ns() / 1e9 - 3600)
    page.goto(f"{stack.url}/accounts/sign-on/acme/")
    page.locator("#allow").click()
    page.wait_for_url("**/vehicles/")
    with stack.orm():
        create_team(name="Kim’s", owner=User.objects.get(email=identity.person.email))
    page.goto(f"{stack.url}/accounts/")
    looks.check()
    page.goto(f"{stack.url}/accounts/sign-on/acme/callback/")
    looks.console.complaints.clear()  # the status of the page
    looks.check()


def test_pages_of_the_audit_trail_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 8")
    looks = Looks(fleet.page)
    for path in ("audit/", f"audit/?vehicle={link.vehicle_id}", "audit/?what=schedule"):
        fleet.page.goto(f"{fleet.stack.url}/{path}")
        looks.check()

    with fleet.stack.orm():
        for name in ("Anna Berg", "Annabel Lee"):
            add_member(team=fleet.membership.team, user=make_user(name), role=Role.VIEWER, actor="system:test")
    fleet.page.goto(f"{fleet.stack.url}/audit/?who=anna")
    expect(fleet.page.get_by_role("link", name="Annabel Lee")).to_be_visible()
    looks.console.complaints.clear()  # the status of the page
    looks.check()
    fleet.page.goto(f"{fleet.stack.url}/audit/?vehicle=NO-PE+1&since=yesterday")
    expect(fleet.page.locator(".wrong")).to_have_count(2)
    looks.console.complaints.clear()  # the status of the page
    looks.check()


def test_pages_of_members_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    owner, link = fleet.membership, fleet.join(license_plate="NL-T 30")
    with fleet.stack.orm():
        members = [make_member(owner.team, role) for role in PRESETS]
        invite(membership=owner, rows=read_pasted("somebody.with-a-long-name@example.com"), grant=Grant(Role.DRIVER))
        invite_by_link(membership=owner, grant=Grant(Role.VIEWER))
        role = save_role(membership=owner, name="Night shift", rights=PRESETS[Role.OPERATOR])
        group = save_group(membership=owner, name="Yard", vehicle_ids=[link.vehicle_id])
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    for path in (
        "members/",
        "members/?q=nobody-at-all",
        "members/invite/",
        f"members/{members[0].id}/",
        f"members/{members[0].id}/remove/",
        "roles/",
        "roles/new/",
        f"roles/{role.id}/",
        "groups/",
        "groups/new/",
        f"groups/{group.id}/",
        f"groups/{group.id}/remove/",
        "no-team/",
    ):
        page.goto(f"{url}/{path}")
        looks.check()

    page.goto(f"{url}/members/invite/")
    page.locator("input[name=reach][value=some]").check()
    page.locator("textarea[name=addresses]").fill("nonsense, nonsense")
    page.locator("main button[type=submit]").click()
    expect(page.locator(".wrong").first).to_be_visible()
    looks.console.complaints.clear()
    looks.check()
    page.locator("input[name=by][value=link]").check()
    page.locator("input[name=reach][value=all]").check()
    page.locator("main button[type=submit]").click()
    expect(page.locator("#new-link")).to_be_visible()
    looks.check()


def test_pages_of_joining_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    with stack.orm():
        owner = make_team("Hafen Test")
        _, by_link = invite_by_link(membership=owner, grant=Grant(Role.VIEWER))
        user = make_user()
    looks = Looks(page)
    page.goto(f"{stack.url}/join/{by_link}/")
    looks.check()
    page.locator("a[href*='signup']").click()
    looks.check()
    sign_in_going_on(page, stack.url, user.email)
    looks.check()
    with stack.orm():
        Invitation.objects.filter(team=owner.team).update(email="somebody@example.com")
    page.reload()
    looks.console.complaints.clear()  # the status of the page
    looks.check()
    page.goto(f"{stack.url}/join/there-is-no-such-invitation/")
    looks.console.complaints.clear()
    looks.check()


def sign_in_going_on(page: Page, url: str, email: str) -> None:
    """Sign in while an invitation is in hand: it goes on there."""
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/join/")


def test_pages_of_teams_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    with fleet.stack.orm():
        second = make_team("Werft Süd")
        add_member(team=second.team, user=fleet.membership.user, role=Role.VIEWER, actor="system:test")
        make_administrator(email=fleet.membership.user.email, actor="system:test")
    looks, page = Looks(fleet.page), fleet.page

    for path in ("teams/settings/", "teams/new/", "installation/"):
        page.goto(f"{fleet.stack.url}/{path}")
        looks.check()
    page.locator("button.me").click()
    expect(page.locator(f"form[action='/teams/{second.team_id}/choose/'] button")).to_be_visible()
    looks.check()


def test_pages_of_the_end_of_a_team_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    link = fleet.join(license_plate="NL-T 40")
    with fleet.stack.orm():
        start_timed(vehicle=link.vehicle, membership=fleet.membership, order=Unlock(), minutes=30)
    looks, page, url = Looks(fleet.page), fleet.page, fleet.stack.url
    page.goto(f"{url}/teams/keeping/")
    looks.check()
    page.fill("input[name=history_days]", "29")
    page.locator("main footer button").click()
    page.fill("input[name=history_days]", "90")
    let_a_quarter_of_an_hour_pass(fleet)
    page.locator("main footer button").click()
    expect(page.locator("form.ask-box")).to_be_visible()
    looks.check()

    page.goto(f"{url}/teams/closing/")
    looks.check()
    page.fill("input[name=name]", "Another name")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main footer button").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()
    page.fill("input[name=name]", fleet.membership.team.name)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main footer button").click()
    for path in ("teams/closing/", "teams/settings/", f"vehicles/{link.vehicle_id}/"):
        page.goto(f"{url}/{path}")
        expect(page.locator(".closing")).to_be_visible()
        looks.check()


def test_pages_of_ones_own_account_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, f"{fleet.stack.url}/accounts"
    for path in ("", "email/", "password/change/", "sessions/", "history/", "2fa/", "2fa/needed/", "2fa/webauthn/add/"):
        page.goto(f"{url}/{path}")
        looks.check()
    page.goto(f"{url}/2fa/totp/activate/")
    looks.check()
    page.fill("input[name=code]", "12345")
    page.locator("main footer button").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()
    page.fill("input[name=code]", code_now(page.locator("#totp-secret").input_value()))
    page.locator("main footer button").click()
    page.wait_for_url("**/2fa/recovery-codes/")
    looks.check()
    for path in ("2fa/", "2fa/totp/deactivate/", "2fa/recovery-codes/generate/", "2fa/reauthenticate/"):
        page.goto(f"{url}/{path}")
        looks.check()
    let_a_quarter_of_an_hour_pass(fleet)
    page.goto(f"{url}/email/")
    page.wait_for_url("**/2fa/reauthenticate/**")
    looks.check()


def test_pages_of_notices_when_looked_at_then_nothing_is_wrong(fleet: Fleet) -> None:
    looks, page, url = Looks(fleet.page), fleet.page, f"{fleet.stack.url}/notifications"
    page.goto(f"{url}/")
    looks.check()
    with fleet.stack.orm():
        fill_bell(fleet.membership)
    for path in ("", "?unread=1", "settings/"):
        page.goto(f"{url}/{path}")
        looks.check()
    page.fill("input[name=quiet_from]", "22:00")
    page.locator("main footer button").click()
    expect(page.locator(".wrong")).to_have_count(1)
    looks.console.complaints.clear()  # the status of the page
    looks.check()


def test_second_step_of_signing_in_when_looked_at_then_nothing_is_wrong(stack: Stack, page: Page) -> None:
    with stack.orm():
        user = make_team().user
        give_app(user)
    looks = Looks(page)
    page.goto(f"{stack.url}/accounts/login/")
    page.fill("input[name=login]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/2fa/authenticate/**")
    looks.check()
    for path in ("confirm-email/", "confirm-email/none/", "inactive/"):
        page.goto(f"{stack.url}/accounts/{path}")
        looks.console.complaints.clear()
        looks.check()
