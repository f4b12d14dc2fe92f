"""Risky commands ask who is there; rules of the team block a press: every answer, and what a refused one writes."""

import logging
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.models import Command
from commands.rules.services import add_rule
from commands.rules.values import ChargeFloor, Guest, Moving
from fleet.events.models import Event
from fleet.teams.stepup import RISKY
from fleet.vehicles.models import Vehicle, VehicleSignal
from tests.factories import PASSWORD, join_simulated_car

HTMX = {"HX-Request": "true"}
VALUES = {"set_pin": {"pin": "0123"}, "enable_valet": {"pin": "0123"}, "disable_valet": {}}
# What the simulated car of these tests can do.
OFFERED = sorted(RISKY - {"open_trunk", "start_engine"})


@pytest.fixture(autouse=True)
def _no_tries_yet():
    cache.clear()
    yield
    cache.clear()


def url_of(link, kind):
    return f"/vehicles/{link.vehicle_id}/commands/{kind}/"


def written():
    return [(command.kind, command.state) for command in Command.objects.order_by("sequence")]


# Who is there --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("kind", OFFERED)
def test_risky_press_when_the_sign_in_is_old_then_it_asks_for_the_password_and_nothing_is_written(
    link, cast, browser_of, kind, headers
):
    browser = browser_of(cast.manager, minutes_ago=16)

    answer = browser.post(url_of(link, kind), {"confirm": "1", **VALUES.get(kind, {})}, headers=headers)

    assert (answer.status_code, written()) == (422, [])
    assert "it was too long ago that you did" in answer.content.decode()
    assert f'id="{kind}-password"' in answer.content.decode()


@pytest.mark.parametrize("kind", OFFERED)
def test_risky_press_when_the_password_comes_with_it_then_it_is_sent_and_not_asked_again(link, cast, browser_of, kind):
    browser = browser_of(cast.manager, minutes_ago=16)
    values = {"confirm": "1", **VALUES.get(kind, {})}

    first = browser.post(url_of(link, kind), {**values, "password": PASSWORD})
    other = next(other for other in ("unlock", "reset_pin") if other != kind)
    second = browser.post(url_of(link, other), {"confirm": "1"})

    assert (first.status_code, second.status_code) == (302, 302)
    assert {name for name, _ in written()} == {kind, other}


@pytest.mark.parametrize("kind", sorted(RISKY))
def test_risky_press_when_nobody_ever_gave_a_password_here_then_whatever_the_form_says_it_is_refused(
    link, cast, client, kind
):
    client.force_login(cast.manager.user)
    lies = {"confirm": "1", "confirmed": "1", "recent": "1", "password": "", **VALUES.get(kind, {})}

    answers = [client.post(url_of(link, kind), lies, headers=headers) for headers in ({}, HTMX)]

    assert {answer.status_code for answer in answers} == {422}
    assert written() == []


@pytest.mark.parametrize("kind", ["lock", "honk_horn", "flash_lights"])
def test_press_when_it_is_not_risky_then_no_password_is_asked_for(link, cast, browser_of, kind):
    answer = browser_of(cast.manager, minutes_ago=600).post(url_of(link, kind), {"confirm": "1"})

    assert (answer.status_code, written()) == (302, [(kind, "queued")])


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_risky_press_when_the_password_is_wrong_then_the_error_is_at_the_field_and_nothing_comes_back(
    link, cast, browser_of, headers, caplog
):
    caplog.set_level(logging.DEBUG)
    browser = browser_of(cast.manager, minutes_ago=16)
    values = {"confirm": "1", "pin": "8642", "password": "wrong horse battery"}

    answer = browser.post(url_of(link, "set_pin"), values, headers=headers)

    page = answer.content.decode()
    assert (answer.status_code, written()) == (422, [])
    assert "This is not your password." in page
    assert 'aria-invalid="true"' in page
    kept = page + caplog.text + str(dict(browser.session)) + str(list(Event.objects.values()))
    assert [secret for secret in ("wrong horse", "8642") if secret in kept] == []


def test_risky_press_when_it_was_tried_too_often_then_the_right_password_has_to_wait(link, cast, browser_of):
    browser = browser_of(cast.manager, minutes_ago=16)
    wrong, right = ({"confirm": "1", "password": password} for password in ("wrong", PASSWORD))

    statuses = [browser.post(url_of(link, "unlock"), wrong).status_code for _ in range(6)]
    answer = browser.post(url_of(link, "unlock"), right, headers=HTMX)

    assert (statuses, answer.status_code, written()) == ([422] * 5 + [429], 429, [])
    assert "Too many tries. Please wait some minutes." in answer.content.decode()


def test_risky_press_when_the_pin_is_bad_then_the_password_is_not_tried_on_it(link, cast, browser_of):
    browser = browser_of(cast.manager, minutes_ago=16)

    statuses = [
        browser.post(url_of(link, "set_pin"), {"confirm": "1", "pin": "12", "password": "wrong"}).status_code
        for _ in range(8)
    ]
    answer = browser.post(url_of(link, "set_pin"), {"confirm": "1", "pin": "1234", "password": PASSWORD})

    assert (statuses, answer.status_code) == ([422] * 8, 302)


def test_question_when_the_sign_in_is_old_then_it_holds_the_password_field_and_a_recent_one_does_not(
    link, cast, browser_of
):
    old = browser_of(cast.manager, minutes_ago=16).post(url_of(link, "unlock")).content.decode()
    recent = browser_of(cast.manager).post(url_of(link, "unlock")).content.decode()

    assert ('name="password"' in old, 'name="password"' in recent) == (True, False)


def test_panel_when_the_sign_in_is_old_then_only_risky_questions_ask_for_the_password(link, cast, browser_of):
    url = f"/vehicles/{link.vehicle_id}/commands/"

    asking = {
        minutes: {
            offer.kind
            for group in browser_of(cast.manager, minutes_ago=minutes).get(url).context["groups"]
            for offer in group.offers
            if offer.confirm is not None
        }
        for minutes in (0, 16)
    }

    assert asking == {0: set(), 16: set(OFFERED)}


def test_vehicle_page_when_the_sign_in_is_old_then_its_buttons_ask_too(link, cast, browser_of):
    page = browser_of(cast.manager, minutes_ago=16).get(f"/vehicles/{link.vehicle_id}/").content.decode()

    assert 'id="unlock-password"' in page


def test_risky_press_when_a_viewer_tries_with_the_right_password_then_it_is_forbidden(link, cast, browser_of):
    answer = browser_of(cast.viewer, minutes_ago=16).post(
        url_of(link, "unlock"), {"confirm": "1", "password": PASSWORD}
    )

    assert (answer.status_code, written()) == (403, [])


# Rules of the team ---------------------------------------------------------------------------------------------------


def block(cast, values, *commands, by=None):
    kind = {"Moving": "moving", "ChargeFloor": "charge_floor", "Guest": "guest"}[type(values).__name__]
    return add_rule(
        membership=by or cast.owner, kind=kind, commands=commands, values=values, blocks_unknown=values.blocks_unknown
    )


def move(link):
    VehicleSignal.objects.filter(vehicle=link.vehicle, signal="in_motion").update(
        value=True, observed_at=timezone.now()
    )


def test_tile_when_a_rule_blocks_then_it_says_why_and_where_the_rule_is(link, cast, browser_of):
    row = block(cast, Moving(), "unlock")
    move(link)

    answer = browser_of(cast.manager).get(f"/vehicles/{link.vehicle_id}/commands/")

    offer = next(o for group in answer.context["groups"] for o in group.offers if o.kind == "unlock")
    assert (offer.tile_state, offer.detail, offer.next_step.url) == (
        "none",
        "Blocked by your team’s rule: the car moves.",
        f"/rules/#rule-{row.id}",
    )
    assert f'href="/rules/#rule-{row.id}"' in answer.content.decode()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_press_when_a_rule_blocks_then_it_conflicts_with_the_reason_and_nothing_is_written(
    link, cast, browser_of, headers
):
    block(cast, Moving(), "unlock", "lock")
    move(link)
    browser = browser_of(cast.manager)

    answers = [browser.post(url_of(link, kind), {"confirm": "1"}, headers=headers) for kind in ("unlock", "lock")]

    assert ([answer.status_code for answer in answers], written()) == ([409, 409], [])
    assert all("Blocked by your team’s rule: the car moves." in answer.content.decode() for answer in answers)


def test_press_when_the_rule_does_not_hold_any_more_then_it_is_accepted(link, cast, browser_of):
    block(cast, Guest(), "lock")
    Vehicle.objects.filter(pk=link.vehicle_id).update(guest_until=timezone.now() + timedelta(hours=1))
    browser = browser_of(cast.manager)
    blocked = browser.post(url_of(link, "lock")).status_code
    Vehicle.objects.filter(pk=link.vehicle_id).update(guest_until=None)

    answer = browser.post(url_of(link, "lock"))

    assert (blocked, answer.status_code, written()) == (409, 302, [("lock", "queued")])


def test_press_when_the_rule_is_another_teams_then_it_is_accepted(link, foreign_link, cast, browser_of):
    block(cast, Moving(), by=cast.outsider)
    move(link)
    move(foreign_link)

    ours = browser_of(cast.manager).post(url_of(link, "lock"))
    theirs = browser_of(cast.outsider).post(url_of(foreign_link, "lock"))

    assert (ours.status_code, theirs.status_code) == (302, 409)


def test_panel_when_there_are_thirty_rules_then_it_asks_the_database_no_oftener_than_for_one(
    link, cast, simulator, browser_of
):
    browser = browser_of(cast.manager)
    url = f"/vehicles/{link.vehicle_id}/commands/"
    block(cast, ChargeFloor(5), "start_climate")
    join_simulated_car(cast.owner, simulator, learn=False)
    browser.get(url)

    with CaptureQueriesContext(connection) as with_one:
        browser.get(url)
    for percent in range(6, 35):
        block(cast, ChargeFloor(percent), "start_climate")
    with CaptureQueriesContext(connection) as with_thirty:
        browser.get(url)

    assert len(with_thirty) == len(with_one)
