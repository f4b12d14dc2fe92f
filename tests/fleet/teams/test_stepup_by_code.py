"""Confirming who it is with a second factor: only that counts, whatever page asks; and roles that ask before all."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from commands.models import Command
from fleet.adapters.commands import KINDS
from fleet.teams import stepup
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.models import Membership
from fleet.teams.roles import ALL_FAMILIES, Permission, Rights, Role
from fleet.teams.services import add_member
from fleet.vehicles.models import VehicleLink
from tests.factories import PASSWORD, join_simulated_car, make_member, make_team, make_user
from tests.fleet.teams.factors import by_both, by_password, code_now, give_app, next_code
from tests.infrastructure.simulator import Simulator


@pytest.fixture
def link(committed_db, simulator: Simulator) -> VehicleLink:
    cache.clear()
    return join_simulated_car(make_team(), simulator, state={"locked": True})


@pytest.fixture
def owner(link: VehicleLink) -> Membership:
    return Membership.objects.select_related("user", "team").get(team_id=link.vehicle.team_id)


def press(client: Client, link: VehicleLink, kind: str = "unlock", **more: str):
    return client.post(reverse("commands:press", args=[link.vehicle_id, kind]), {"confirm": "1", **more})


def test_risky_press_when_both_were_given_lately_then_nothing_is_asked(link, owner):
    answer = press(by_both(owner, give_app(owner.user)), link)

    assert answer.status_code == 302
    assert Command.objects.get().kind == "unlock"


def test_risky_press_when_only_the_password_is_fresh_then_the_code_is_asked_for_and_the_password_is_none(link, owner):
    give_app(owner.user)
    client = by_password(owner)

    asked = press(client, link)
    by_word = press(client, link, password=PASSWORD)
    still_none = Command.objects.count()
    by_code = press(client, link, password=code_now())

    assert (asked.status_code, by_word.status_code, still_none) == (422, 422, 0)
    assert "Please enter a code" in asked.content.decode()
    assert "This code is wrong" in by_word.content.decode()
    assert PASSWORD not in by_word.content.decode()
    assert reverse("mfa_reauthenticate") in asked.content.decode()
    assert (by_code.status_code, Command.objects.count()) == (302, 1)


def test_risky_press_when_a_code_was_used_then_it_does_not_confirm_again(link, owner):
    give_app(owner.user)
    first, second = by_password(owner), by_password(owner)
    code = code_now()

    statuses = [press(client, link, password=code).status_code for client in (first, second)]

    assert statuses == [302, 422]
    assert press(second, link, password=next_code()).status_code == 302


@pytest.mark.parametrize("code", ["", "12345", "\u0661\u0662\u0663\u0664\u0665\u0666", "x" * 300, "\x00", "<b>1</b>"])
def test_risky_press_when_the_code_is_none_then_the_error_is_at_the_field_and_nothing_is_sent(link, owner, code):
    give_app(owner.user)

    answer = press(by_password(owner), link, password=code)

    assert answer.status_code == 422
    assert 'id="unlock-password-errors"' in answer.content.decode()
    assert not Command.objects.exists()


def test_risky_press_when_codes_are_guessed_too_often_then_it_says_so_and_the_right_one_waits(link, owner):
    give_app(owner.user)
    client = by_password(owner)
    wrong = f"{(int(code_now()) + 1) % 1_000_000:06}"

    statuses = [press(client, link, password=wrong).status_code for _ in range(6)]
    right = press(client, link, password=next_code())

    assert statuses[0] == 422
    assert (statuses[-1], right.status_code) == (429, 429)
    assert not Command.objects.exists()


def test_risky_press_when_a_passkey_confirmed_it_then_nothing_is_asked(link, owner):
    key = Authenticator.objects.create(user=owner.user, type="webauthn", data={"name": "Phone", "credential": {}})

    assert press(by_both(owner, key), link).status_code == 302


def careful_member(owner: Membership) -> Membership:
    rights = Rights(frozenset({Permission.VIEW, Permission.COMMAND}), ALL_FAMILIES, needs_step_up=True)
    role = save_role(membership=owner, name="Careful", rights=rights)
    return add_member(team=owner.team, user=make_user(), role=Grant(Role.CUSTOM, role), actor="system:test")


def test_must_confirm_when_the_role_asks_for_it_then_every_command_does(link, owner):
    careful = careful_member(owner)

    assert {kind for kind in KINDS if stepup.must_confirm(owner, kind)} == set(stepup.RISKY)
    assert {kind for kind in KINDS if stepup.must_confirm(careful, kind)} == set(KINDS)


@pytest.mark.parametrize("kind", ["lock", "set_charge_limit", "send_destination"])
def test_harmless_press_when_the_role_asks_for_it_then_the_password_comes_first(link, owner, kind):
    careful = careful_member(owner)
    client = by_password(careful, minutes_ago=16)
    values = {"limit_percent": "80", "latitude": "52.5", "longitude": "13.4", "name": "Yard"}

    panel = client.get(reverse("commands:panel", args=[link.vehicle_id])).content.decode()
    asked = press(client, link, kind, **values)
    none_yet = Command.objects.count()
    sent = press(client, link, kind, password=PASSWORD, **values)

    assert f'id="{kind}-password"' in panel
    assert (asked.status_code, none_yet) == (422, 0)
    assert f'id="{kind}-password"' in asked.content.decode()
    assert (sent.status_code, Command.objects.get().kind) == (302, kind)


def test_harmless_press_when_the_role_does_not_ask_then_an_old_sign_in_will_do(link, owner):
    client = by_password(make_member(owner.team, Role.OPERATOR), minutes_ago=16)

    assert press(client, link, "lock").status_code == 302


def test_job_when_the_role_asks_for_it_then_even_a_harmless_one_is_confirmed(link, owner):
    client = by_password(careful_member(owner), minutes_ago=16)
    url, options = reverse("jobs:draft", args=["lock"]), {"within_min": "60", "step": "start"}

    asked = client.post(url, options)
    refused = client.post(url, options | {"confirm": "1"})
    started = client.post(url, options | {"confirm": "1", "password": PASSWORD})

    assert 'name="password"' in asked.content.decode()
    assert refused.status_code == 422
    assert (started.status_code, started["Location"].startswith("/jobs/")) == (302, True)
