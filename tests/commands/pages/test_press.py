"""Pressing and cancelling in the browser: every answer, and that a refused one writes nothing."""

import uuid

import pytest
from django.test import Client

from commands.models import Command
from fleet.adapters.commands import Lock, SetChargeLimit, Unlock
from fleet.events.services import acting_as
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.services import end_link
from tests.commands.rig import press

HTMX = {"HX-Request": "true"}
VALUES = {
    "set_charge_limit": {"limit_percent": "80"},
    "set_temperature": {"temperature_c": "21.5"},
    "send_destination": {"latitude": "52.52", "longitude": "13.405", "label": "Depot"},
    "set_pin": {"pin": "0123", "confirm": "1"},
    "enable_valet": {"pin": "0123", "confirm": "1"},
    "disable_valet": {"confirm": "1"},
}


def url_of(link, kind):
    return f"/vehicles/{link.vehicle_id}/commands/{kind}/"


def written():
    return [(command.kind, command.state, command.parameters) for command in Command.objects.order_by("sequence")]


def test_press_when_an_operator_presses_then_the_command_waits_and_the_page_of_the_car_comes_back(
    link, cast, browser_of
):
    answer = browser_of(cast.manager).post(url_of(link, "lock"), {"token": "t1"})

    assert (answer.status_code, answer["Location"]) == (302, link.vehicle.get_absolute_url())
    command = Command.objects.get()
    assert (command.kind, command.state, command.user, command.origin) == (
        "lock",
        "queued",
        cast.manager.user,
        "page",
    )
    assert command.idempotency_key == "form:t1"


def test_press_when_htmx_asks_then_the_panel_comes_back_with_the_command_in_it(link, cast, browser_of):
    answer = browser_of(cast.manager).post(url_of(link, "lock"), headers=HTMX)

    assert answer.status_code == 200
    assert answer.content.lstrip().startswith(b'<div class="stack" id="commands-panel"')
    assert b'data-state="pending"' in answer.content


@pytest.mark.parametrize("kind", VALUES)
def test_press_when_the_values_are_good_then_the_command_carries_them_but_no_secret(link, cast, browser_of, kind):
    answer = browser_of(cast.manager).post(url_of(link, kind), VALUES[kind])

    assert answer.status_code == 302
    command = Command.objects.get()
    numbers = {"limit_percent": 80, "temperature_c": 21.5, "latitude": 52.52, "longitude": 13.405}
    expected = {name: numbers.get(name, value) for name, value in VALUES[kind].items()}
    assert command.parameters == {name: value for name, value in expected.items() if name not in {"pin", "confirm"}}
    assert hasattr(command, "secret") == ("pin" in VALUES[kind])


BAD = [
    ("set_charge_limit", {"limit_percent": value})
    for value in (
        "49",
        "101",
        "82",
        "80.5",
        "",
        "true",
        "NaN",
        "1e309",
        "-0",
        "\u0665\u0665\u0665",
        "8" * 5000,
        "80;",
        "\x00",
    )
]
BAD += [("set_temperature", {"temperature_c": value}) for value in ("70", "21.3", "21,,5", "NaN", "inf", "", "-inf")]
BAD += [
    ("send_destination", {"latitude": "91", "longitude": "0"}),
    ("send_destination", {"latitude": "0", "longitude": "-181"}),
    ("send_destination", {"latitude": "NaN", "longitude": "0"}),
    ("send_destination", {"latitude": "0"}),
    ("send_destination", {"latitude": "0", "longitude": "0", "label": "x" * 101}),
    ("send_destination", {"latitude": "0", "longitude": "0", "label": "a\x01b"}),
    ("send_destination", {"latitude": "0", "longitude": "0", "label": "a\x00b"}),
]
BAD += [
    ("set_pin", {"confirm": "1", "pin": pin})
    for pin in ("12345", "12a4", "", " 123", "1234\n5", "\uff11\uff12\uff13\uff14", "\u0660\u0661\u0662\u0663")
]


@pytest.mark.parametrize(("kind", "values"), BAD, ids=lambda value: repr(value)[:60])
def test_press_when_a_value_is_bad_then_the_answer_shows_the_form_again_and_nothing_is_written(
    link, cast, browser_of, kind, values
):
    browser = browser_of(cast.manager)

    for headers in ({}, HTMX):
        answer = browser.post(url_of(link, kind), values, headers=headers)

        assert (answer.status_code, written()) == (422, [])
        assert b'class="wrong' in answer.content or b'role="alert"' in answer.content
        assert not values.get("pin") or values["pin"].encode() not in answer.content


def test_press_when_it_is_one_that_asks_then_nothing_is_written_before_the_answer(link, cast, browser_of):
    browser = browser_of(cast.manager)

    question = browser.post(url_of(link, "unlock"))
    before = written()
    answer = browser.post(url_of(link, "unlock"), {"confirm": "1"})

    assert (question.status_code, before) == (200, [])
    assert question.templates[0].name == "commands/confirm.html"
    assert (answer.status_code, written()) == (302, [("unlock", "queued", {})])


def test_press_when_the_same_form_is_sent_five_times_then_it_is_one_command(link, cast, browser_of):
    browser = browser_of(cast.manager)

    answers = [browser.post(url_of(link, "set_pin"), {"pin": "0123", "confirm": "1", "token": "t1"}) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [302] * 5
    assert Command.objects.count() == 1


def test_press_when_a_form_comes_again_with_other_values_then_it_conflicts(link, cast, browser_of):
    browser = browser_of(cast.manager)
    browser.post(url_of(link, "set_charge_limit"), {"limit_percent": "80", "token": "t1"})

    answer = browser.post(url_of(link, "set_charge_limit"), {"limit_percent": "90", "token": "t1"})

    assert answer.status_code == 409
    assert written() == [("set_charge_limit", "queued", {"limit_percent": 80})]


@pytest.mark.parametrize("token", ["x" * 65, "a\x00b", "a\nb", ""], ids=["long", "nul", "newline", "empty"])
def test_press_when_the_forms_token_makes_no_sense_then_it_is_pressed_without_one(link, cast, browser_of, token):
    answer = browser_of(cast.manager).post(url_of(link, "lock"), {"token": token})

    assert answer.status_code == 302
    assert Command.objects.get().idempotency_key is None


@pytest.mark.parametrize("kind", ["open_trunk", "start_engine"])
def test_press_when_the_car_cannot_then_it_conflicts_and_nothing_is_written(link, cast, browser_of, kind):
    answer = browser_of(cast.manager).post(url_of(link, kind), {"confirm": "1"})

    assert (answer.status_code, written()) == (409, [])
    assert "This car does not have it" in answer.content.decode()


def test_press_when_the_owner_took_it_back_then_it_conflicts_and_nothing_is_written(link, cast, browser_of):
    withdraw_consent(link=link, scope="control_security", actor="system:test")

    answer = browser_of(cast.manager).post(url_of(link, "lock"))

    assert (answer.status_code, written()) == (409, [])
    assert "Not allowed by the owner" in answer.content.decode()


def test_press_when_the_connection_has_ended_then_it_conflicts_and_nothing_is_written(link, cast, browser_of):
    end_link(link=link, actor="system:test")

    answer = browser_of(cast.manager).post(url_of(link, "lock"))

    assert (answer.status_code, written()) == (409, [])


def test_press_when_a_viewer_tries_then_it_is_forbidden(link, cast, browser_of):
    answer = browser_of(cast.viewer).post(url_of(link, "lock"))

    assert (answer.status_code, written()) == (403, [])


def test_press_when_an_outsider_tries_then_the_car_does_not_exist(link, cast, browser_of):
    stranger = browser_of(cast.outsider)

    foreign, absent = (stranger.post(url) for url in (url_of(link, "lock"), f"/vehicles/{uuid.uuid4()}/commands/lock/"))

    assert (foreign.status_code, absent.status_code, written()) == (404, 404, [])


def test_press_when_nobody_is_signed_in_then_they_are_sent_to_sign_in(link, client):
    answer = client.post(url_of(link, "lock"))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")
    assert written() == []


@pytest.mark.parametrize("kind", ["teleport", "UNLOCK", "unlock;lock", "lock%00", "latest2"])
def test_press_when_there_is_no_such_command_then_it_is_not_found(link, cast, browser_of, kind):
    answer = browser_of(cast.manager).post(url_of(link, kind))

    assert (answer.status_code, written()) == (404, [])


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_press_when_it_is_no_post_then_it_is_not_allowed(link, cast, browser_of, method):
    answer = getattr(browser_of(cast.manager), method)(url_of(link, "lock"))

    assert (answer.status_code, written()) == (405, [])


@pytest.mark.parametrize("action", ["press", "cancel"])
def test_form_when_it_was_not_ours_then_it_is_refused(link, cast, browser_of, action):
    command = press(link, Lock(), by=cast.owner)
    url = url_of(link, "unlock") if action == "press" else f"/commands/{command.id}/cancel/"

    answer = browser_of(cast.manager, enforce_csrf_checks=True).post(url, {"confirm": "1"})

    assert (answer.status_code, written()) == (403, [("lock", "queued", {})])


# Cancelling ----------------------------------------------------------------------------------------------------------


def test_cancel_when_it_waits_then_it_is_cancelled_in_the_persons_name(link, cast, browser_of):
    command = press(link, Unlock(), by=cast.owner)

    answer = browser_of(cast.manager).post(f"/commands/{command.id}/cancel/")

    assert (answer.status_code, answer["Location"]) == (302, command.get_absolute_url())
    assert written() == [("unlock", "cancelled", {})]


def test_cancel_when_it_is_too_late_then_the_answer_shows_where_it_stands(link, cast, browser_of):
    command = press(link, Unlock(), by=cast.owner)
    with acting_as("system:test"):
        Command.objects.update(state="refused", finished_at=command.accepted_at, error_code="vehicle_unreachable")

    answer = browser_of(cast.manager).post(f"/commands/{command.id}/cancel/")

    assert answer.status_code == 409
    assert "The car cannot be reached." in answer.content.decode()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("outsider", 404)])
def test_cancel_when_they_may_not_then_nothing_changes(link, cast, browser_of, who, status):
    command = press(link, SetChargeLimit(80), by=cast.owner)

    answer = browser_of(getattr(cast, who)).post(f"/commands/{command.id}/cancel/")

    assert (answer.status_code, written()) == (status, [("set_charge_limit", "queued", {"limit_percent": 80})])


def test_cancel_when_it_is_a_get_then_it_is_not_allowed(link, cast, browser_of):
    command = press(link, Unlock(), by=cast.owner)

    assert browser_of(cast.manager).get(f"/commands/{command.id}/cancel/").status_code == 405


def test_pages_when_nobody_is_signed_in_then_they_show_nothing(link, cast):
    command = press(link, Unlock(), by=cast.owner)
    urls = ["/commands/", command.get_absolute_url(), url_of(link, "latest"), f"/vehicles/{link.vehicle_id}/commands/"]

    assert [Client().get(url).status_code for url in urls] == [302] * 4
