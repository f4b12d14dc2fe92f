"""A team that demands a second factor shows and does nothing without one: generated over all its routes."""

from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from commands.models import Command
from fleet.events.models import Event
from fleet.teams.access import SESSION_KEY, get_membership, memberships_of
from fleet.teams.models import Membership, User
from fleet.teams.roles import Permission, Role
from fleet.teams.second_factor import SecondFactorRequired
from tests.factories import PASSWORD, make_member, make_team
from tests.fleet.teams.factors import (
    by_both,
    by_password,
    code_now,
    give_app,
    require_second_factor,
    sign_in,
    with_session,
)
from tests.test_census import (  # noqa: F401
    BY_BROWSER,
    BY_OWNER,
    OWN_TEAM,
    Objects,
    Route,
    address,
    foreign,
    team_routes,
)

NEEDED, HOME = reverse("account_second_factor"), reverse("vehicles:list")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def demanding(foreign: Objects) -> Objects:  # noqa: F811 - pytest's way to ask for a fixture
    cache.clear()
    require_second_factor(foreign.membership.team)
    return foreign


def members_routes() -> list[Route]:
    """All but those that show or do nothing of a team one is in: what owners see, going to a team, making one.

    And one's own notices, which leave such a team out: tests/fleet/notifications/test_views.py.
    """
    elsewhere = {"members:no_team", "teams:choose", "teams:new"}
    of_owners = [route for route in team_routes() if BY_BROWSER.match(route.name) or BY_OWNER.match(route.name)]
    asked = [route for route in team_routes() if route not in of_owners and route.name not in elsewhere]
    return [route for route in asked if not route.name.startswith("notifications:")]


def counts() -> tuple[int, int]:
    return Event.objects.count(), Command.objects.count()


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.DRIVER])
def test_demand_when_only_the_password_was_given_then_no_route_shows_or_does_anything(
    demanding: Objects, role: Role
) -> None:
    team = demanding.membership.team
    membership = demanding.membership if role == Role.OWNER else make_member(team, role)
    client = by_password(membership)
    before = counts()

    seen = {}
    for route in members_routes():
        url = address(route, demanding.ids)
        parts = (client.get(url, headers=HTMX), client.post(url, {"confirm": "1"}, headers=HTMX))
        for answer in (client.get(url), client.post(url, {"confirm": "1"}), *parts):
            shown = answer.content.decode() if not answer.streaming else "a stream"
            leads = (answer.get("Location") or answer.get("HX-Redirect") or "").partition("?")[0]
            is_closed = answer.status_code in {204, 405} or (answer.status_code in {302, 401} and leads == NEEDED)
            hidden = not [secret for secret in demanding.secrets if secret in shown]
            if not (is_closed and hidden):
                seen[f"{route.name} {answer.request['REQUEST_METHOD']}"] = (answer.status_code, leads, hidden)

    assert seen == {}
    assert counts() == before


def test_demand_when_the_live_stream_is_asked_for_then_it_stays_shut_until_the_factor_is_given(
    demanding: Objects,
) -> None:
    app = give_app(demanding.membership.user)
    queries = ({"vehicle": demanding.ids["vehicle_id"]}, {"team": str(demanding.membership.team_id)})

    shut = [by_password(demanding.membership).get(reverse("live:stream"), query) for query in queries]
    opened = [by_both(demanding.membership, app).get(reverse("live:stream"), query) for query in queries]

    assert [(answer.status_code, answer.streaming) for answer in shut] == [(204, False)] * 2
    assert [(answer.status_code, answer.streaming) for answer in opened] == [(200, True)] * 2


def test_demand_when_a_part_is_asked_for_then_the_whole_page_leaves_and_a_page_comes_back_later(
    demanding: Objects,
) -> None:
    client = by_password(demanding.membership)

    part, page, press = (
        client.get(HOME, headers=HTMX),
        client.get(HOME + "?q=x"),
        client.post(reverse("commands:press", args=[demanding.ids["vehicle_id"], "lock"])),
    )

    assert (part.status_code, part["HX-Redirect"], part.content) == (401, NEEDED, b"")
    assert (page.status_code, page["Location"]) == (302, f"{NEEDED}?{urlencode({'next': '/vehicles/?q=x'})}")
    assert (press.status_code, press["Location"]) == (302, NEEDED)


def test_demand_when_a_viewer_looks_then_nothing_is_asked(demanding: Objects) -> None:
    client = by_password(make_member(demanding.membership.team, Role.VIEWER))

    assert client.get(HOME).status_code == 200
    assert client.get(reverse("vehicles:detail", args=[demanding.ids["vehicle_id"]])).status_code == 200


def test_demand_when_both_were_given_then_pages_open_and_commands_are_taken(demanding: Objects) -> None:
    client = by_both(demanding.membership, give_app(demanding.membership.user))
    before = Command.objects.count()

    answers = [
        client.get(address(route, {}))
        for route in members_routes()
        if route.name in OWN_TEAM - {"live:stream"} and not route.parameters
    ]
    press = client.post(reverse("commands:press", args=[demanding.ids["vehicle_id"], "flash_lights"]))

    assert not [answer for answer in answers if (answer.get("Location") or "").startswith(NEEDED)]
    assert 200 in {answer.status_code for answer in answers}
    assert press.status_code == 302
    assert Command.objects.count() == before + 1


def test_demand_when_somebody_signs_in_anew_then_it_leads_all_the_way(demanding: Objects) -> None:
    user, client = demanding.membership.user, Client()
    give_app(user)

    sign_in(client, user)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})

    assert client.get(HOME).status_code == 200


def test_demand_when_the_app_was_set_up_after_signing_in_then_its_first_code_opens_the_team(demanding: Objects) -> None:
    client = by_password(demanding.membership)
    needed = client.get(HOME, follow=True)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret

    client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})

    assert needed.request["PATH_INFO"] == NEEDED
    assert reverse("mfa_activate_totp") in needed.content.decode()
    assert "Secretive Cargo" not in needed.content.decode()
    assert client.get(HOME).status_code == 200


def test_demand_when_the_sign_in_was_before_the_factor_then_a_code_opens_the_team(demanding: Objects) -> None:
    give_app(demanding.membership.user)
    client = by_password(demanding.membership)

    needed = client.get(HOME, follow=True)
    client.post(reverse("mfa_reauthenticate"), {"code": code_now(), "next": HOME})

    assert f"{reverse('mfa_reauthenticate')}?{urlencode({'next': HOME})}" in needed.content.decode()
    assert client.get(HOME).status_code == 200


def test_demand_when_the_factor_is_taken_away_in_another_browser_then_this_one_is_closed(demanding: Objects) -> None:
    app = give_app(demanding.membership.user)
    here, there = (by_both(demanding.membership, app) for _ in range(2))
    assert here.get(HOME).status_code == 200

    there.post(reverse("mfa_deactivate_totp"))

    assert here.get(HOME)["Location"].startswith(NEEDED)


def test_demand_when_the_record_names_another_persons_factor_then_it_does_not_count(demanding: Objects) -> None:
    app = give_app(make_team().user)
    client = with_session(Client(), demanding.membership.user, {"method": "mfa", "id": app.pk})

    assert client.get(HOME)["Location"].startswith(NEEDED)


def test_demand_when_signed_in_by_passkey_then_it_counts(demanding: Objects) -> None:
    user = demanding.membership.user
    key = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Phone", "credential": {}})
    record = {"method": "mfa", "id": key.pk, "type": "webauthn", "passwordless": True}

    assert with_session(Client(), user, record).get(HOME).status_code == 200


def test_demand_when_another_team_has_none_then_that_one_stays_open(demanding: Objects) -> None:
    other = make_team("Open Fleet")
    both = make_member(demanding.membership.team, Role.OPERATOR)
    Membership.objects.filter(pk=other.pk).update(user=both.user)
    client = by_password(both)
    session = client.session
    session[SESSION_KEY] = str(other.team_id)
    session.save()

    page = client.get(HOME)
    press = client.post(reverse("commands:press", args=[demanding.ids["vehicle_id"], "lock"]))

    assert (page.status_code, page.context["team"]) == (200, other.team)
    assert press["Location"] == NEEDED


def test_demand_when_asked_outside_a_request_then_it_is_not_given(demanding: Objects) -> None:
    user = User.objects.get(pk=demanding.membership.user_id)
    give_app(user)

    assert memberships_of(user) == []
    with pytest.raises(SecondFactorRequired):
        get_membership(user, demanding.membership.team_id, to=Permission.VIEW)


def test_demand_when_the_password_is_right_for_somebody_without_a_factor_then_the_account_opens_and_the_team_does_not(
    demanding: Objects,
) -> None:
    client = Client()
    client.post(reverse("account_login"), {"login": demanding.membership.user.email, "password": PASSWORD})

    assert client.get(reverse("account_home")).status_code == 200
    # The name alone may stand in the menu of one's teams: it is theirs.
    shown = client.get(reverse("account_home")).content.decode()
    assert [secret for secret in demanding.secrets if secret in shown] == ["Secretive Cargo"]
    assert client.get(HOME)["Location"].startswith(NEEDED)
