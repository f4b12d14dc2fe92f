"""The pages of alerts: who sees what, and closing with a note."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commands.alerts.models import Alert
from fleet.adapters.commands import Unlock
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import VehicleLink
from tests.commands.alerts.rows import bring, make_alert
from tests.commands.rig import press
from tests.factories import join_simulated_car, make_member, make_team


@pytest.fixture
def membership(db: None) -> Membership:
    return make_team()


@pytest.fixture
def link(membership, simulator) -> VehicleLink:
    return join_simulated_car(membership, simulator, learn=False, license_plate="AL-ERT 1")


def browser_of(membership: Membership) -> Client:
    client = Client()
    client.force_login(membership.user)
    return client


def test_list_when_a_command_was_not_proved_then_it_says_which_car_and_why(link, membership):
    bring(press(link, Unlock()), "unresolved", error_code="contradicted", after=True)

    answer = browser_of(membership).get("/alerts/")

    (row,) = answer.context["rows"]
    assert (row.title, row.word, row.tone) == ("Unlock", "Contradicted", "danger")
    assert row.sentence == "It was sent, and the car still says “Locked”. Please look at the car."
    assert f'href="/vehicles/{link.vehicle_id}/"' in answer.content.decode()


def test_menu_when_alerts_are_open_then_every_page_counts_them_and_never_beyond_99(link, membership):
    client = browser_of(membership)
    none = client.get("/vehicles/").content.decode()
    Alert.objects.bulk_create(
        Alert(team_id=link.team_id, vehicle_id=link.vehicle_id, kind="other", key=str(n)) for n in range(120)
    )

    many = client.get("/vehicles/").content.decode()
    entry = client.get("/alerts/count/", headers={"HX-Request": "true"}).content.decode()

    assert "count alarm" not in none
    assert [">99+<" in text for text in (many, entry)] == [True, True]
    assert entry.lstrip().startswith("<li")


def test_list_when_there_are_many_then_it_asks_as_often_as_for_one_and_pages(link, membership):
    client = browser_of(membership)
    make_alert(link, key="first")
    client.get("/alerts/")
    with CaptureQueriesContext(
        connection,
    ) as for_one:
        client.get("/alerts/")
    for n in range(60):
        make_alert(link, key=str(n))
    client.get("/alerts/")
    with CaptureQueriesContext(connection) as for_many:
        answer = client.get("/alerts/")

    older = client.get(f"/alerts/?cursor={answer.context['next_cursor']}")

    assert len(for_many) == len(for_one)
    keys = [row.alert.key for row in [*answer.context["rows"], *older.context["rows"]]]
    assert keys == [str(n) for n in reversed(range(60))] + ["first"]
    assert older.context["next_cursor"] == ""


@pytest.mark.parametrize("cursor", ["x", "%00", "2026", "é", "A" * 5000, "MjAyNnx4"])
def test_list_when_the_cursor_makes_no_sense_then_the_first_page_shows(link, membership, cursor):
    make_alert(link)

    answer = browser_of(membership).get(f"/alerts/?cursor={cursor}")

    assert (answer.status_code, len(answer.context["rows"])) == (200, 1)


def test_alert_when_closed_with_a_note_then_it_moves_to_the_closed_ones(link, membership):
    alert = make_alert(link)
    client = browser_of(make_member(membership.team, Role.OPERATOR))

    answer = client.post(f"/alerts/{alert.id}/", {"note": "Looked: the car is locked."})

    assert (answer.status_code, answer.url) == (302, "/alerts/")
    assert client.get("/alerts/").context["rows"] == []
    assert "Looked: the car is locked." in client.get("/alerts/?closed=1").content.decode()
    assert client.get(f"/alerts/{alert.id}/").context["form"] is None


@pytest.mark.parametrize("note", ["", "   ", "x" * 501, "a\x00b"])
def test_alert_when_the_note_is_not_usable_then_422_with_the_error_at_the_field(link, membership, note):
    alert = make_alert(link)

    answer = browser_of(membership).post(f"/alerts/{alert.id}/", {"note": note})

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["note"])
    alert.refresh_from_db()
    assert alert.closed_at is None


def test_alert_when_others_ask_then_a_viewer_only_reads_and_an_outsider_finds_nothing(link, membership):
    alert = make_alert(link)
    viewer, outsider = browser_of(make_member(membership.team, Role.VIEWER)), browser_of(make_team("Another Fleet"))
    url = f"/alerts/{alert.id}/"

    seen = [(client.get(url).status_code, client.post(url, {"note": "x"}).status_code) for client in (viewer, outsider)]

    assert seen == [(200, 403), (404, 404)]
    assert outsider.get("/alerts/").context["rows"] == []
    alert.refresh_from_db()
    assert (alert.closed_at, alert.seen_at) == (None, None)


def test_alert_when_an_operator_sees_the_list_then_it_is_remembered_who_saw_it_first(link, membership):
    alert = make_alert(link)
    browser_of(membership).get("/alerts/")

    browser_of(make_member(membership.team, Role.OPERATOR)).get("/alerts/")

    alert.refresh_from_db()
    assert alert.seen_by == membership.user
