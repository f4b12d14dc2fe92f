"""From the list of vehicles to the preview of a job: filters, the commands to choose from, values and complaints."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commands.jobs.models import Job
from fleet.vehicles.consent import withdraw_consent
from tests.commands.jobs.pages.conftest import join

HTMX = {"HX-Request": "true"}


def plates(answer):
    return [row.vehicle.plate for row in answer.context["rows"]]


# The list of vehicles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["NL-J 1", "NL-J 2", "NL-J 3"]),
        ("q=J+2", ["NL-J 2"]),
        ("make=%C5%A0koda", ["NL-J 3"]),
        ("make=%C5%A0koda&make=Volkswagen&q=J+1", ["NL-J 1"]),
        ("locked=no", ["NL-J 1"]),
        ("soc_above=79&soc_below=81", ["NL-J 1"]),
        ("online=offline", []),
    ],
)
def test_list_when_it_is_filtered_then_it_shows_these_cars_and_sends_to_them(links, cast, browser_of, query, expected):
    answer = browser_of(cast.operator).get(f"/vehicles/?{query}")

    assert (answer.status_code, plates(answer)) == (200, expected)
    assert (f'href="/jobs/new/{"?" if query else ""}' in answer.content.decode()) == bool(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("soc_below=many", "soc_below"),
        ("soc_below=NaN", "soc_below"),
        ("soc_above=101", "soc_above"),
        ("soc_above=1e400", "soc_above"),
        ("locked=perhaps", "locked"),
        ("online=flying", "online"),
        ("link=broken", "link"),
        ("id=17", "ids"),
        ("make=" + "x" * 101, "makes"),
        ("model=a%00b", "models"),
    ],
)
def test_list_when_a_filter_makes_no_sense_then_it_says_so_and_shows_no_car(links, cast, browser_of, query, field):
    answer = browser_of(cast.operator).get(f"/vehicles/?{query}")

    assert (answer.status_code, plates(answer), list(answer.context["bar"].errors)) == (422, [], [field])
    assert "/jobs/new/" not in answer.content.decode().partition('id="vehicle-rows"')[2]


def test_list_when_htmx_asks_then_only_the_list_comes_and_the_address_has_what_narrows(links, cast, browser_of):
    query = "q=&make=%C5%A0koda&charging=&plugged=&locked=&link=&soc_below=&soc_above="

    answer = browser_of(cast.operator).get(f"/vehicles/?{query}", headers=HTMX)

    assert answer.content.decode().lstrip().startswith('<div id="vehicle-list">')
    assert answer["HX-Push-Url"] == "/vehicles/?make=%C5%A0koda"


def test_list_when_a_viewer_looks_then_there_is_nothing_to_select_or_send(links, cast, browser_of):
    page = browser_of(cast.viewer).get("/vehicles/").content.decode()

    assert "data-pick" not in page
    assert "/jobs/new/" not in page


def test_list_when_there_are_thirty_cars_then_it_asks_the_database_no_oftener_than_for_few(
    links, cast, browser_of, simulator
):
    browser = browser_of(cast.operator)
    browser.get("/vehicles/?soc_above=1")
    with CaptureQueriesContext(connection) as with_few:
        browser.get("/vehicles/?soc_above=1")
    for number in range(4, 31):
        join(cast.owner, simulator, f"NL-J {number}", learn=number < 8)
    with CaptureQueriesContext(connection) as with_thirty:
        browser.get("/vehicles/?soc_above=1")

    assert len(with_thirty) == len(with_few)


# The command ----------------------------------------------------------------------------------------------------------


def tiles_of(answer):
    return {tile.kind: tile.url for group in answer.context["groups"] for tile in group.tiles}


def test_commands_when_one_chooses_then_all_are_there_and_those_with_a_secret_say_why_not(links, cast, browser_of):
    answer = browser_of(cast.operator).get("/jobs/new/?make=%C5%A0koda")

    tiles = tiles_of(answer)
    assert (answer.status_code, answer.context["count"]) == (200, 1)
    assert tiles["lock"] == "/jobs/new/lock/?make=%C5%A0koda"
    assert sorted(kind for kind, url in tiles.items() if not url) == [
        "disable_valet",
        "enable_valet",
        "reset_pin",
        "set_pin",
    ]
    assert answer.content.decode().count("so that a PIN never waits in a list") == 4


@pytest.mark.parametrize("kind", ["set_pin", "enable_valet", "teleport"])
def test_draft_when_the_command_cannot_be_a_job_then_one_chooses_again(links, cast, browser_of, kind):
    for ask in (browser_of(cast.operator).get, browser_of(cast.operator).post):
        answer = ask(f"/jobs/new/{kind}/?q=J")

        assert (answer.status_code, answer["Location"]) == (302, "/jobs/new/?q=J")


def test_commands_when_the_filter_makes_no_sense_then_it_says_so(links, cast, browser_of):
    answer = browser_of(cast.operator).get("/jobs/new/?soc_below=many")

    assert answer.status_code == 422
    assert "Please enter a number." in answer.content.decode()


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("outsider", 200)])
def test_commands_when_somebody_else_looks_then_they_see_none_of_these_cars(links, cast, browser_of, who, status):
    ids = "&".join(f"id={link.vehicle_id}" for link in links)

    answer = browser_of(getattr(cast, who)).get(f"/jobs/new/?{ids}")

    assert answer.status_code == status
    assert who == "viewer" or answer.context["count"] == 0


# The preview ----------------------------------------------------------------------------------------------------------


def test_draft_when_it_is_opened_then_the_preview_says_who_gets_it_and_who_not_and_why(links, cast, browser_of):
    answer = browser_of(cast.operator).get("/jobs/new/lock/")

    draft, page = answer.context["draft"], answer.content.decode()
    assert (answer.status_code, draft.preview.total, draft.preview.eligible, draft.can_start) == (200, 3, 2, True)
    assert [(group.sentence, group.count, group.next_step.url) for group in draft.skipped] == [
        ("Not allowed by the owner", 1, "/links/")
    ]
    assert "NL-J 2</bdi>" in page
    assert "Send to 2 vehicles" in page
    assert Job.objects.count() == 0


def test_draft_when_the_value_is_typed_then_the_preview_follows_it_without_starting(links, cast, browser_of):
    browser = browser_of(cast.operator)
    values = {"limit_percent": "90", "within_min": "60", "pace_per_min": "", "stop_share_percent": "", "token": "t"}

    answer = browser.post("/jobs/new/set_charge_limit/", values, headers=HTMX)

    assert answer.status_code == 200
    assert answer.content.decode().lstrip().startswith('<form class="draft" id="job-draft"')
    assert (answer.context["draft"].order.limit_percent, Job.objects.count()) == (90, 0)


def test_draft_when_a_place_is_half_typed_then_nothing_is_called_wrong_yet(links, cast, browser_of):
    browser = browser_of(cast.operator)
    half = {"latitude": "52.5", "longitude": "", "within_min": "60"}

    while_typing = browser.post("/jobs/new/send_destination/", half, headers=HTMX)
    pressed = browser.post("/jobs/new/send_destination/", half | {"step": "preview"})

    assert (while_typing.status_code, while_typing.context["draft"].preview) == (200, None)
    assert 'class="wrong"' not in while_typing.content.decode()
    assert 'value="52.5"' in while_typing.content.decode()
    assert (pressed.status_code, list(pressed.context["draft"].form.errors)) == (422, ["longitude"])


BAD = [
    ({"limit_percent": "101"}, "limit_percent"),
    ({"limit_percent": ""}, "limit_percent"),
    ({"limit_percent": "eighty"}, "limit_percent"),
    ({"pace_per_min": "0"}, "pace_per_min"),
    ({"pace_per_min": "1e9"}, "pace_per_min"),
    ({"pace_per_min": "-5"}, "pace_per_min"),
    ({"stop_share_percent": "101"}, "stop_share_percent"),
    ({"stop_share_percent": "half"}, "stop_share_percent"),
    ({"within_min": "7"}, "within_min"),
    ({"within_min": ""}, "within_min"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=repr)
def test_draft_when_a_value_is_bad_then_it_is_told_at_the_field_and_nothing_starts(
    links, cast, browser_of, change, field
):
    values = {"limit_percent": "80", "within_min": "60", "step": "start"} | change

    answer = browser_of(cast.operator).post("/jobs/new/set_charge_limit/", values)

    draft = answer.context["draft"]
    assert (answer.status_code, Job.objects.count(), draft.can_start) == (422, 0, False)
    assert field in {**draft.options.errors, **draft.form.errors}
    assert 'class="wrong"' in answer.content.decode()


def test_draft_when_no_car_can_then_there_is_no_way_to_start(links, cast, browser_of):
    for link in links:
        if link.consents.filter(scope="control_climate").exists():
            withdraw_consent(link=link, scope="control_climate", actor="system:test")

    answer = browser_of(cast.operator).post("/jobs/new/start_climate/", {"within_min": "60", "step": "start"})

    assert (answer.status_code, Job.objects.count()) == (200, 0)
    assert "No vehicle of this selection can get this command." in answer.content.decode()
    assert 'value="start"' not in answer.content.decode()


def test_draft_when_there_are_thirty_cars_then_it_asks_the_database_no_oftener_than_for_few(
    links, cast, browser_of, simulator
):
    browser = browser_of(cast.operator)
    # One of which nobody asked the maker: what is declared of cars like it is looked up, once for all of them.
    join(cast.owner, simulator, "NL-J 31", learn=False)
    browser.get("/jobs/new/lock/")
    with CaptureQueriesContext(connection) as with_few:
        browser.get("/jobs/new/lock/")
    for number in range(4, 31):
        join(cast.owner, simulator, f"NL-J {number}", learn=number < 8)
    with CaptureQueriesContext(connection) as with_thirty:
        browser.get("/jobs/new/lock/")

    assert len(with_thirty) == len(with_few)
