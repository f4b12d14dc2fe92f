"""The buttons of a car in their states, and what else a person sees of commands."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commands.models import Command
from fleet.adapters.commands import FlashLights, Lock, SetChargeLimit, Unlock
from fleet.events.services import acting_as
from fleet.vehicles.consent import withdraw_consent
from tests.commands.rig import press

HTMX = {"HX-Request": "true"}


def tiles_of(answer):
    """Per command the state of its button and what it says."""
    return {
        offer.kind: (offer.tile_state, offer.detail) for group in answer.context["groups"] for offer in group.offers
    }


def refuse(command, reason):
    with acting_as("system:test"):
        Command.objects.filter(pk=command.pk).update(
            state="refused", error_code="vehicle_refused", error_reason=reason, finished_at=timezone.now()
        )


def test_panel_when_it_is_shown_then_each_button_is_in_its_state(link, cast, browser_of):
    withdraw_consent(link=link, scope="control_climate", actor="system:test")
    press(link, FlashLights(), by=cast.owner)
    refuse(press(link, SetChargeLimit(80), by=cast.owner), "door_open")

    answer = browser_of(cast.operator).get(f"/vehicles/{link.vehicle_id}/commands/")

    tiles = tiles_of(answer)
    assert tiles["lock"] == ("on", "Locked")
    assert tiles["unlock"] == ("ready", "Asks before it sends")
    assert tiles["flash_lights"] == ("pending", "Waiting for its turn…")
    assert tiles["set_charge_limit"] == ("failed", "A door is open.")
    assert tiles["open_trunk"] == ("none", "This car does not have it")
    assert tiles["start_climate"] == ("none", "Not allowed by the owner")
    assert tiles["stop_charge"][0] in {"ready", "on"}
    for state in ("on", "ready", "pending", "failed", "none"):
        assert f'data-state="{state}"' in answer.content.decode()


def test_panel_when_a_viewer_looks_then_every_button_says_why_not(link, cast, browser_of):
    answer = browser_of(cast.viewer).get(f"/vehicles/{link.vehicle_id}/commands/")

    assert tiles_of(answer)["unlock"] == ("none", "Your role may not send it")
    assert {state for state, _ in tiles_of(answer).values()} == {"none"}
    assert b"<form" not in answer.content.partition(b'id="commands-panel"')[2]


def test_panel_when_a_newer_command_of_the_family_came_then_the_older_failure_is_history(link, cast, browser_of):
    refuse(press(link, Lock(), by=cast.owner), "door_open")

    press(link, Unlock(), by=cast.owner)
    answer = browser_of(cast.operator).get(f"/vehicles/{link.vehicle_id}/commands/")

    assert tiles_of(answer)["lock"][0] == "on"
    assert tiles_of(answer)["unlock"][0] == "pending"


def test_command_when_it_runs_then_its_page_fetches_itself_and_when_final_no_more(link, cast, browser_of):
    browser = browser_of(cast.operator)
    command = press(link, Lock(), by=cast.owner)

    running = browser.get(command.get_absolute_url(), headers=HTMX).content.decode()
    refuse(command, "door_open")
    final = browser.get(command.get_absolute_url(), headers=HTMX).content.decode()

    assert ("hx-trigger" in running, "hx-trigger" in final) == (True, False)
    assert "A door is open." in final


@pytest.mark.parametrize("who", ["owner", "operator", "viewer", "outsider"])
def test_pages_when_somebody_looks_then_only_the_team_sees_them(link, cast, browser_of, who):
    command = press(link, Unlock(), by=cast.owner)
    urls = [
        command.get_absolute_url(),
        f"/vehicles/{link.vehicle_id}/commands/",
        f"/vehicles/{link.vehicle_id}/commands/latest/",
        f"/commands/?vehicle={link.vehicle_id}",
    ]

    statuses = [browser_of(getattr(cast, who)).get(url).status_code for url in urls]

    assert statuses == [404 if who == "outsider" else 200] * 4


def test_history_when_there_are_two_teams_then_each_sees_its_own(link, foreign_link, cast, browser_of):
    press(link, Unlock(), by=cast.owner)
    theirs = press(foreign_link, Lock(), by=cast.outsider)

    rows = browser_of(cast.outsider).get("/commands/").context["rows"]

    assert [row.url for row in rows] == [theirs.get_absolute_url()]


CURSORS = [
    "",
    "garbage",
    "%%%",
    "AAAA",
    "é",
    "x" * 5000,
    "MjAyNi0wMy0wMVQxMDowMDowMHxub3QtYW4taWQ=",  # a time without a zone, and no id
    "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMHwwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA=",  # the year 1, far east
    "OTk5OS0xMi0zMVQyMzo1OTo1OS0xNDowMHwwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA=",  # 9999, far west
]


@pytest.mark.parametrize("cursor", CURSORS, ids=lambda cursor: cursor[:12])
def test_history_when_the_cursor_makes_no_sense_then_it_never_fails_and_never_widens(
    link, foreign_link, cast, browser_of, cursor
):
    ours = press(link, Unlock(), by=cast.owner)
    press(foreign_link, Lock(), by=cast.outsider)

    answer = browser_of(cast.viewer).get("/commands/", {"cursor": cursor})

    assert answer.status_code == 200
    assert {row.url for row in answer.context["rows"]} <= {ours.get_absolute_url()}


@pytest.mark.parametrize("vehicle", ["x", "0", "-1", "null", "'; DROP TABLE", "00000000-0000-0000-0000-000000000000"])
def test_history_when_the_vehicle_makes_no_sense_then_it_is_not_found(cast, browser_of, vehicle):
    assert browser_of(cast.viewer).get("/commands/", {"vehicle": vehicle}).status_code == 404


def press_many(link, cast, many):
    for number in range(many):
        press(link, SetChargeLimit(50 + 5 * (number % 2)), by=cast.owner)


def test_history_when_it_has_more_than_a_page_then_the_pages_hold_each_command_once(link, cast, browser_of):
    press_many(link, cast, 53)
    browser = browser_of(cast.viewer)

    first = browser.get("/commands/").context
    second = browser.get("/commands/", {"cursor": first["next_cursor"]}).context

    urls = [row.url for page in (first, second) for row in page["rows"]]
    assert [len(first["rows"]), len(second["rows"]), second["next_cursor"]] == [50, 3, ""]
    newest_first = Command.objects.order_by("-sequence")
    assert urls == [command.get_absolute_url() for command in newest_first]


@pytest.mark.parametrize("page", ["/commands/", "/vehicles/{}/commands/", "/vehicles/{}/commands/latest/"])
def test_page_when_there_are_thirty_commands_then_it_asks_the_database_no_oftener_than_for_one(
    link, cast, browser_of, page
):
    browser = browser_of(cast.operator)
    url = page.format(link.vehicle_id)
    press_many(link, cast, 1)
    browser.get(url)

    with CaptureQueriesContext(
        connection,
    ) as with_one:
        browser.get(url)
    press_many(link, cast, 29)
    with CaptureQueriesContext(connection) as with_thirty:
        browser.get(url)

    assert len(with_thirty) == len(with_one)
