"""The list of connections: who sees which, tabs and filters, a fixed number of queries, honest words."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from connect.cockpit.pages import Chosen, Cockpit, make_cockpit, read_chosen
from connect.models import Recipient
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.consent import withdraw_consent
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from tests.connect.cockpit.rows import make_connections
from tests.factories import make_member, make_share_link, make_simulator_app, make_team
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Membership:
    return make_team()


@pytest.fixture
def app(team: Membership) -> ProviderApp:
    return make_simulator_app()


def browser_of(membership: Membership) -> Client:
    return sign_in(Client(), membership)


def cockpit_of(membership: Membership, **chosen: str) -> Cockpit:
    return make_cockpit(membership, read_chosen(chosen), chosen.get("page"), now=timezone.now())


def states_of(cockpit: Cockpit) -> dict[str, str]:
    return {row.link.vehicle.plate: row.health.state.value for row in cockpit.rows}


def test_list_when_some_are_broken_then_the_worst_come_first_and_tabs_count_them(
    team: Membership, app: ProviderApp
) -> None:
    well, broken, ending, over = make_connections(team, app, 4)
    ProviderAccount.objects.filter(pk=broken.connection.account_id).update(status="needs_owner")
    Connection.objects.filter(pk=ending.connection_id).update(ends_at=timezone.now() + timedelta(days=3))
    VehicleLink.objects.filter(pk=over.pk).update(ended_at=timezone.now())

    everything, only, ended = cockpit_of(team), cockpit_of(team, state="needs_owner"), cockpit_of(team, state="ended")

    assert list(states_of(everything).items()) == [
        (broken.vehicle.plate, "needs_owner"),
        (ending.vehicle.plate, "ends_soon"),
        (well.vehicle.plate, "works"),
    ]
    assert [(tab.title, tab.count, tab.query) for tab in everything.tabs] == [
        ("All", 3, ""),
        ("Needs the owner", 1, "state=needs_owner"),
        ("Ends soon", 1, "state=ends_soon"),
        ("Works", 1, "state=works"),
        ("Ended", 1, "state=ended"),
    ]
    assert states_of(only) == {broken.vehicle.plate: "needs_owner"}
    assert states_of(ended) == {over.vehicle.plate: "ended"}


def test_list_when_narrowed_then_car_make_and_owner_count_and_the_address_can_be_shared(
    team: Membership, app: ProviderApp
) -> None:
    one, other = make_connections(team, app, 2)
    (skoda,) = make_connections(team, app, 1, make="Skoda")
    Owner.objects.filter(pk=one.connection.owner_id).update(name="Ottilie 100%")

    assert list(states_of(cockpit_of(team, q="OTTILIE 100%"))) == [one.vehicle.plate]
    assert list(states_of(cockpit_of(team, q=other.vehicle.plate.lower()))) == [other.vehicle.plate]
    assert list(states_of(cockpit_of(team, make="Skoda"))) == [skoda.vehicle.plate]
    assert cockpit_of(team).makes == ["Skoda", "Volkswagen"]
    assert cockpit_of(team, make="Skoda", q="ID", state="works").tabs[0].query == "make=Skoda&q=ID"
    assert read_chosen({"state": "nonsense", "make": "\0", "q": " \0 " * 100}) == Chosen()


def test_list_when_there_are_many_then_the_queries_are_as_many_as_for_one(team: Membership, app: ProviderApp) -> None:
    client = browser_of(team)
    make_connections(team, app, 1)
    client.get(reverse("connect:connections"))

    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse("connect:connections"))
    make_connections(team, app, 70)
    with CaptureQueriesContext(connection) as many:
        page = client.get(reverse("connect:connections"))

    assert len(many) == len(few)
    assert page.content.decode().count('id="connection-') >= 50
    assert "1 to 50 of 71" in page.content.decode()


def test_list_when_a_member_is_for_some_cars_then_they_see_those_and_another_team_none(
    team: Membership, app: ProviderApp
) -> None:
    near, far = make_connections(team, app, 2)
    manager = make_member(team.team, Role.MANAGER)
    manager.reaches_all, manager.vehicle_ids = False, [near.vehicle_id]
    manager.save()

    shown = browser_of(manager)
    assert list(states_of(cockpit_of(manager))) == [near.vehicle.plate]
    assert shown.get(reverse("connect:connection", args=[near.connection_id])).status_code == 200
    assert shown.get(reverse("connect:connection", args=[far.connection_id])).status_code == 404
    assert cockpit_of(make_team("Another Fleet")).total == 0
    assert browser_of(make_member(team.team, Role.VIEWER)).get(reverse("connect:connections")).status_code == 403


def test_ended_when_the_car_is_connected_again_removed_or_long_gone_then_it_is_not_shown(
    team: Membership, app: ProviderApp
) -> None:
    again, removed, old = make_connections(team, app, 3)
    VehicleLink.objects.update(ended_at=timezone.now())
    VehicleLink.objects.filter(pk=old.pk).update(ended_at=timezone.now() - timedelta(days=31))
    Vehicle.objects.filter(pk=removed.vehicle_id).update(removed_at=timezone.now())
    VehicleLink.objects.create(
        team=team.team, connection=old.connection, vehicle=again.vehicle, provider_vehicle_id="again"
    )

    assert states_of(cockpit_of(team, state="ended")) == {}
    assert list(states_of(cockpit_of(team))) == [again.vehicle.plate]


def test_page_when_nothing_is_known_of_an_end_then_it_says_so(team: Membership, app: ProviderApp) -> None:
    (link,) = make_connections(team, app, 1)

    listed = browser_of(team).get(reverse("connect:connections")).content.decode()
    one = browser_of(team).get(reverse("connect:connection", args=[link.connection_id])).content.decode()

    assert "not known" in listed
    assert "not known" in one


def test_address_when_changed_then_it_is_kept_and_nonsense_is_refused_at_the_field(
    team: Membership, app: ProviderApp
) -> None:
    (link,) = make_connections(team, app, 1, emails=False)
    client, url = browser_of(team), reverse("connect:owner_email", args=[link.connection_id])

    wrong = client.post(url, {"email": "nonsense"})
    right = client.post(url, {"email": "olga@example.com"})

    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.content.decode()
    assert right.status_code == 302
    assert Owner.objects.get(pk=link.connection.owner_id).email == "olga@example.com"


def test_asking_when_pressed_in_the_list_then_a_letter_waits_and_one_comes_back_to_the_same_list(
    team: Membership, app: ProviderApp
) -> None:
    (link,) = make_connections(team, app, 1)
    client, url = browser_of(team), reverse("connect:ask", args=[link.connection_id])

    first = client.post(url, {"to": "list", "state": "needs_owner", "q": "CO N"})
    again = client.post(url, {"to": "list"}, follow=True)

    assert first["Location"] == "/connections/?state=needs_owner&q=CO+N"
    assert Recipient.objects.count() == 1
    assert "within the last 24 hours" in again.content.decode()
    assert "Letter waits to be sent" in again.content.decode()


def test_asking_when_there_is_no_address_then_the_link_is_shown_with_its_code_in_this_answer_only(
    team: Membership, app: ProviderApp
) -> None:
    (link,) = make_connections(team, app, 1, emails=False)
    client, url = browser_of(team), reverse("connect:ask", args=[link.connection_id])

    shown = client.post(url).content.decode()
    later = client.get(reverse("connect:connection", args=[link.connection_id])).content.decode()
    wrong = client.post(url, {"ends_on": "2001-01-01"})

    assert "http://testserver/c/" in shown
    assert 'role="img"' in shown
    assert "/c/" not in later
    assert wrong.status_code == 422
    assert "next ten years" in wrong.content.decode()


def test_asking_several_when_confirmed_then_the_preview_tells_and_only_who_can_be_asked_is(
    team: Membership, app: ProviderApp
) -> None:
    broken, well = make_connections(team, app, 2)
    (mute,) = make_connections(team, app, 1, emails=False)
    gone = [broken.connection.account_id, mute.connection.account_id]
    ProviderAccount.objects.filter(pk__in=gone).update(status="needs_owner")
    foreign = make_connections(make_team("Another Fleet"), app, 1)[0]
    client, url = browser_of(team), reverse("connect:ask_several")
    ids = [str(link.pk) for link in (broken, well, mute, foreign)] + ["nonsense"]

    preview = client.post(url, {"id": ids}).content.decode()
    before = Recipient.objects.count()
    sent = client.post(url, {"id": ids, "confirm": "1", "state": "needs_owner"}, follow=True)
    all_again = client.post(url, {"all": "1", "confirm": "1"}, follow=True).content.decode()

    assert "<b>1</b> can be asked by letter" in preview
    assert "<b>1</b> has no address" in preview
    assert "<b>1</b> works: nobody is asked" in preview
    assert "3 connections selected" in preview
    assert before == 0
    assert sent.redirect_chain == [("/connections/?state=needs_owner", 302)]
    assert "1 letter is on its way" in sent.content.decode()
    assert [recipient.email for recipient in Recipient.objects.all()] == [broken.connection.owner.email]
    assert "0 letters are on their way" in all_again


def test_list_when_the_maker_is_held_or_silent_then_its_cars_are_told_so_and_nobody_is_to_be_asked(
    team: Membership, app: ProviderApp
) -> None:
    (link,) = make_connections(team, app, 1)
    now = timezone.now()

    ProviderApp.objects.update(breaker_opened_at=now - timedelta(hours=1), breaker_until=now)
    (silent,) = cockpit_of(team).rows
    ProviderApp.objects.update(breaker_opened_at=None, breaker_until=None, held_until=now + timedelta(hours=1))
    (held,) = cockpit_of(team).rows

    assert (silent.link, silent.health.why, silent.has_button) == (link, "breaker", False)
    assert silent.noticed_at == now - timedelta(hours=1)
    assert (held.health.why, held.health.until, held.has_button) == ("held", now + timedelta(hours=1), False)


def test_list_when_less_is_given_than_the_link_needed_then_what_is_missing_is_named(
    team: Membership, app: ProviderApp
) -> None:
    (link,) = make_connections(team, app, 1)
    asked, _secret = make_share_link(team)  # needs the battery
    Connection.objects.filter(pk=link.connection_id).update(share_link_id=asked.id)
    before = states_of(cockpit_of(team))

    withdraw_consent(link=link, scope="read_battery", actor="owner:test")
    (after,) = cockpit_of(team).rows

    assert before == {link.vehicle.plate: "works"}
    assert (after.health.state.value, after.missing) == ("limited", ["Battery and range"])
    assert "Missing: Battery and range." in browser_of(team).get(reverse("connect:connections")).content.decode()
