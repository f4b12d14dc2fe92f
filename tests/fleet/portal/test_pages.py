"""What an owner sees and does: single permissions, the log, private hours, their data as a file."""

import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from commands.services import request_command
from connect.models import ShareLink
from connect.scopes import SCOPES, TEXT_VERSION
from fleet.adapters.commands import Lock, SendDestination
from fleet.events.models import Event
from fleet.portal.log import PAGE_SIZE
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Consent, Owner, ReadCount, Vehicle, VehicleLink, VehicleSignal
from fleet.vehicles.services import end_link
from tests.factories import PASSWORD, join_simulated_car, make_user
from tests.fleet.portal.conftest import Browser
from tests.infrastructure.simulator import ALL_SCOPES, Simulator


def given(link: VehicleLink) -> set[str]:
    return set(Consent.objects.filter(link=link, withdrawn_at__isnull=True).values_list("scope", flat=True))


def words_of(page: str) -> str:
    return " ".join(strip_tags(page.replace("<", " <")).split())


# Single permissions -----------------------------------------------------------------------------------------------


def test_home_when_open_then_it_says_to_whom_which_car_what_and_until_when(pages: Browser, link: VehicleLink) -> None:
    Connection.objects.update(ends_at=timezone.now() + timedelta(days=40))

    page = pages.text("home")

    words = words_of(page)
    assert "What you share with Harbour Cars" in words
    assert link.vehicle.make_and_model in words
    assert "HC-AR 1" in words
    assert re.search(r"shared since \d+ \w+ \d{4}, until \d+ \w+ \d{4}", words.replace(" ,", ","))
    assert page.count('aria-checked="true"') == len(given(link) & SCOPES.keys())
    assert "the team needs it" in words


def test_scope_when_taken_back_and_given_again_then_each_is_once_and_in_the_log(
    pages: Browser, link: VehicleLink, owner: Owner
) -> None:
    first = pages.post("scope", link.id, "control_charge")
    again = pages.post("scope", link.id, "control_charge")
    without = given(link)
    page = pages.text("home")
    back = pages.post("scope", link.id, "control_charge", on="1")
    pages.post("scope", link.id, "control_charge", on="1")

    assert [(answer.status_code, answer["Location"]) for answer in (first, again, back)] == [(302, "/my/")] * 3
    assert without == set(ALL_SCOPES) - {"control_charge"}
    assert page.count('aria-checked="false"') == 1
    assert given(link) == set(ALL_SCOPES)
    newest = Consent.objects.filter(link=link, scope="control_charge").latest("given_at")
    assert newest.text_version == TEXT_VERSION
    kinds = ["consent.withdrawn", "consent.given"]
    events = Event.objects.filter(kind__in=kinds).order_by("id").values_list("kind", "actor")
    assert list(events) == [(kind, f"owner:{owner.id}") for kind in kinds]


@pytest.mark.parametrize(
    "way", ["not asked", "not granted", "unknown", "ended at the maker"], ids=lambda way: way.replace(" ", "_")
)
def test_scope_when_it_cannot_be_given_then_nothing_changes(pages: Browser, link: VehicleLink, way: str) -> None:
    Consent.objects.filter(link=link, scope="control_engine").delete()
    scope = "fly" if way == "unknown" else "control_engine"
    share_link = ShareLink.objects.get()
    if way != "not asked":
        share_link.scopes_optional = [*share_link.scopes_optional, "control_engine"]
        share_link.save(update_fields=["scopes_optional"])
    if way == "not granted":
        Connection.objects.update(scopes_granted=sorted(set(ALL_SCOPES) - {"control_engine"}))
    if way == "ended at the maker":
        Connection.objects.update(status="ended", ended_at=timezone.now())
    before = given(link)

    answer = pages.post("scope", link.id, scope, on="1")

    assert answer.status_code == (404 if way == "ended at the maker" else 302)
    assert given(link) == before


def test_stop_when_one_of_two_cars_is_chosen_then_the_other_stays(
    pages: Browser, link: VehicleLink, manager: Membership, simulator: Simulator
) -> None:
    other = join_simulated_car(manager, simulator, learn=False)
    Connection.objects.filter(pk=other.connection_id).update(owner=link.connection.owner)
    question = pages.get("stop_car", link.id)

    answer = pages.post("stop_car", link.id)

    ended = dict(VehicleLink.objects.values_list("id", "ended_at"))
    assert question.status_code == 200
    assert VehicleLink.objects.filter(ended_at__isnull=True).count() == 1
    assert (answer["Location"], ended[link.id] is None, ended[other.id]) == ("/my/", False, None)
    assert pages.post("stop_car", link.id).status_code == 404
    assert "Shared before" in pages.text("home")
    pages.post("stop")
    assert not VehicleLink.objects.filter(ended_at__isnull=True).exists()
    assert "You share no car with this team now." in pages.text("home")


def test_home_when_there_are_many_cars_then_it_asks_no_more_questions(
    pages: Browser, link: VehicleLink, manager: Membership, simulator: Simulator
) -> None:
    with CaptureQueriesContext(connection) as few:
        pages.text("home")
    for _ in range(4):
        more = join_simulated_car(manager, simulator, learn=False)
        Connection.objects.filter(pk=more.connection_id).update(
            owner=link.connection.owner, share_link_id=link.connection.share_link_id
        )

    with CaptureQueriesContext(connection) as many:
        pages.text("home")

    assert len(many) == len(few)


# The log ----------------------------------------------------------------------------------------------------------


def count_reads(link: VehicleLink, number: int, *, hours_ago: int, purpose: str = "regular", actor: str = "") -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    ReadCount.objects.create(
        team_id=link.team_id,
        link=link,
        hour_at=hour,
        purpose=purpose,
        actor=actor,
        count=number,
        scopes=["read_charge", "read_lock_state"],
    )


def test_log_when_open_then_it_tells_commands_and_reads_by_whom_and_why_and_no_value(
    pages: Browser, link: VehicleLink, manager: Membership
) -> None:
    manager.user.name = "Mika Manager"
    manager.user.save(update_fields=["name"])
    request_command(vehicle=link.vehicle, membership=manager, order=Lock())
    place = SendDestination(latitude=48.137, longitude=11.575, label="Secret Street 1")
    request_command(vehicle=link.vehicle, membership=manager, order=place, origin="api")
    ReadCount.objects.all().delete()
    count_reads(link, 52, hours_ago=3)
    count_reads(link, 1, hours_ago=2, purpose="asked", actor=manager.user.actor)
    stranger = make_user("Sam Stranger")
    count_reads(link, 1, hours_ago=1, purpose="asked", actor=stranger.actor)

    page = pages.text("log")

    words = words_of(page)
    for told in (
        "Lock Waiting for its turn",
        "Send destination Waiting for its turn",
        "Mika Manager, pressed by hand",
        "Mika Manager, by a program of the team",
        "Read 52 times within the hour",
        "Charging Doors and locks",
        "Mika Manager, pressed “Read again”",
        "Somebody of the team",
    ):
        assert told in words, told
    assert [hidden for hidden in ("48.1", "11.5", "Secret Street", "Sam Stranger") if hidden in page] == []
    assert manager.user.email not in page


def test_log_when_a_car_had_another_owner_before_then_only_this_owners_time_is_told(
    pages: Browser, link: VehicleLink, manager: Membership, simulator: Simulator
) -> None:
    other = join_simulated_car(manager, simulator, learn=False)
    request_command(vehicle=other.vehicle, membership=manager, order=Lock())
    # The same car: as if the other owner had shared it before.
    VehicleLink.objects.filter(pk=other.pk).update(vehicle=link.vehicle_id)
    Vehicle.objects.filter(pk=other.vehicle_id).update(removed_at=timezone.now())
    ReadCount.objects.all().delete()

    assert "Nothing yet" in pages.text("log")
    end_link(link=link, actor="owner:test")
    count_reads(link, 7, hours_ago=1)
    assert "Read 7 times" in pages.text("log")


def test_log_when_it_is_long_then_its_pages_hold_everything_once(
    pages: Browser, link: VehicleLink, manager: Membership
) -> None:
    ReadCount.objects.all().delete()
    for hours_ago in range(PAGE_SIZE):
        # Two rows of one hour stand at the same place in time.
        count_reads(link, 1_000 + hours_ago, hours_ago=hours_ago)
        count_reads(link, 2_000 + hours_ago, hours_ago=hours_ago, purpose="command")
    request_command(vehicle=link.vehicle, membership=manager, order=Lock())

    seen, cursor = [], ""
    while True:
        answer = pages.get("log", cursor=cursor)
        seen += [(entry.is_command, entry.what) for entry in answer.context["entries"]]
        cursor = answer.context["next_cursor"]
        if not cursor:
            break

    assert len(seen) == len(set(seen)) == 2 * PAGE_SIZE + 1
    assert seen[0] == (True, "Lock")
    for nonsense in ("x", "eA==", "MjAyNi0wMS0wMXxyfDE=", "MjAyNi0wMS0wMVQwMDowMDowMCswMDowMHxjfDE="):
        assert len(pages.get("log", cursor=nonsense).context["entries"]) == PAGE_SIZE


# Private hours ----------------------------------------------------------------------------------------------------

HOURS = {"days_0": ["1", "7"], "from_0": "18:00", "until_0": "06:00", "time_zone": "Europe/Berlin"}


def test_hours_when_set_then_they_are_kept_and_shown_again(pages: Browser, owner: Owner) -> None:
    answer = pages.post("hours", **HOURS)
    owner.refresh_from_db()
    page = pages.text("hours")

    assert (answer.status_code, answer["Location"]) == (302, "/my/")
    assert owner.private_hours == [{"days": [1, 7], "from": "18:00", "until": "06:00"}]
    assert owner.private_time_zone == "Europe/Berlin"
    assert page.count("checked") == 2
    assert 'value="18:00"' in page
    assert 'name="from_1"' in page
    assert "Set: in them nobody sees" in pages.text("home")


def test_hours_when_no_day_is_chosen_then_there_are_none(pages: Browser, owner: Owner) -> None:
    pages.post("hours", **HOURS)

    pages.post("hours", from_0="18:00", until_0="06:00", time_zone="Europe/Berlin")

    owner.refresh_from_db()
    assert owner.private_hours == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from_0": ""}, "id_from_0-errors"),
        ({"until_0": "25:00"}, "id_until_0-errors"),
        ({"until_0": "18:00"}, "id_until_0-errors"),
        ({"days_0": ["8"]}, "id_days_0-errors"),
        ({"time_zone": "Atlantis/Capital"}, "id_time_zone-errors"),
        ({"from_0": "\x00"}, "id_from_0-errors"),
    ],
)
def test_hours_when_something_is_wrong_then_the_field_says_so(
    pages: Browser, owner: Owner, change: dict[str, object], field: str
) -> None:
    answer = pages.post("hours", **(HOURS | change))

    assert answer.status_code == 422
    assert f'id="{field}"' in answer.content.decode()
    owner.refresh_from_db()
    assert owner.private_hours == []


def test_hours_when_they_run_then_the_team_reads_until_when_and_no_more(
    pages: Browser, link: VehicleLink, manager: Membership
) -> None:
    now = timezone.now()
    until = now + timedelta(hours=2)
    everyday = [str(day) for day in range(1, 8)]
    form = {"days_0": everyday, "from_0": f"{now - timedelta(hours=1):%H:%M}", "until_0": f"{until:%H:%M}"}
    team = pages.client.__class__()
    assert team.login(email=manager.user.email, password=PASSWORD)
    before = team.get(link.vehicle.get_absolute_url()).content.decode()

    pages.post("hours", **form, time_zone="UTC")
    page = team.get(link.vehicle.get_absolute_url()).content.decode()

    assert "Private hours" not in before
    assert f"Private hours until {until:%H:%M}" in words_of(page)
    assert not VehicleSignal.objects.filter(vehicle=link.vehicle_id, signal="location").exists()


# One's own data ---------------------------------------------------------------------------------------------------


def test_export_when_asked_for_then_it_is_one_file_with_everything_and_stands_in_the_log(
    pages: Browser, link: VehicleLink, owner: Owner, manager: Membership
) -> None:
    pages.post("scope", link.id, "control_engine")
    request_command(vehicle=link.vehicle, membership=manager, order=Lock())

    answer = pages.post("export")
    text = b"".join(answer.streaming_content).decode()

    held = json.loads(text)
    assert answer["Content-Disposition"].startswith('attachment; filename="fleetwell-')
    assert (held["owner"]["email"], held["owner"]["shared_with"]) == (owner.email, "Harbour Cars")
    assert [car["vin"] for car in held["cars"]] == [link.vehicle.vin]
    assert len(held["connections"]) == 1
    consents = {one["permission"]: one["taken_back_at"] for one in held["consents"]}
    assert consents.keys() == set(ALL_SCOPES)
    assert [name for name, at in consents.items() if at] == ["control_engine"]
    assert {one["signal"] for one in held["latest_values"]} >= {"soc_percent", "location"}
    assert [line["what"] for line in held["log"] if line["kind"] == "command"] == ["Lock"]
    event = Event.objects.get(kind="owner.exported")
    assert (event.actor, event.subject, event.data) == (f"owner:{owner.id}", f"owner:{owner.id}", {})


def test_export_when_nothing_is_shared_any_more_then_the_file_is_sound(pages: Browser, link: VehicleLink) -> None:
    ReadCount.objects.all().delete()
    pages.post("stop")

    held = json.loads(b"".join(pages.post("export").streaming_content))

    assert (held["latest_values"], held["log"]) == ([], [])
    assert held["cars"][0]["ended_at"] is not None


def test_pages_when_asked_the_wrong_way_then_nothing_happens(pages: Browser, link: VehicleLink) -> None:
    answers = [pages.get("scope", link.id, "read_location"), pages.get("export"), pages.get("leave"), pages.post("log")]

    assert [answer.status_code for answer in answers] == [405] * 4
    assert given(link) == set(ALL_SCOPES)
