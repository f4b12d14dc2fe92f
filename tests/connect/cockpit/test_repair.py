"""Asking owners to repair: one open link, one letter a day; and a grant that dies and comes back, at the maker."""

import re
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from commands.models import Command
from commands.services import request_command
from connect.cockpit.facts import facts_of
from connect.cockpit.health import Health, State, judge
from connect.cockpit.pages import make_cockpit, read_chosen
from connect.cockpit.repair import CannotAsk, ask_many, ask_owner, latest_asks, plan_asks, set_email
from connect.models import Recipient, ShareLink
from connect.sending.letters import write_due_letters
from connect.sending.services import secret_of
from fleet.adapters.commands import StartCharge
from fleet.events.models import Event
from fleet.events.personal import read as read_personal
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Owner, ProviderAccount, ProviderApp, Vehicle, VehicleLink, VehicleSignal
from fleet.vehicles.refreshing import end_waves, refresh_early
from fleet.vehicles.services import read_vehicle
from tests.connect.cockpit.rows import make_connections
from tests.connect.conftest import OwnerBrowser, make_link
from tests.factories import make_simulator_app
from tests.fleet.vehicles.test_refreshing import put_back, refuse
from tests.fleet.vehicles.test_tokens import revoke_at_the_maker
from tests.infrastructure.simulator import Simulator

SECRET = re.compile(r"/c/([\w-]+)/")
DAY = timedelta(days=1)


@pytest.fixture
def app(db: None) -> ProviderApp:
    return make_simulator_app()


def health_of(connection: Connection) -> Health:
    ((_key, facts),) = facts_of([connection.id], team_id=connection.team_id)
    return judge(facts, now=timezone.now())


def links_out(connection: Connection) -> list[ShareLink]:
    return list(ShareLink.objects.filter(repairs=connection, revoked_at__isnull=True))


def a_day_passes() -> None:
    sent_at = timezone.now() - DAY - timedelta(minutes=1)
    Recipient.objects.update(send_at=None, sent_at=sent_at, sent_count=1)


def test_owner_when_asked_again_then_it_is_the_same_link_and_one_letter_a_day(
    manager: Membership, app: ProviderApp
) -> None:
    connection = make_connections(manager, app, 1)[0].connection

    first = ask_owner(connection=connection, membership=manager)
    with pytest.raises(CannotAsk, match="lately"):
        ask_owner(connection=connection, membership=manager)
    by_hand = ask_owner(connection=connection, membership=manager, by_hand=True)
    a_day_passes()
    again = ask_owner(connection=connection, membership=manager)

    assert {first.pk, by_hand.pk, again.pk} == {first.pk}
    assert again.send_at is not None
    (link,) = links_out(connection)
    assert (link.brands, link.max_uses, link.language, link.repairs_id) == (["volkswagen"], 1, "de", connection.id)
    assert (link.scopes_needed, link.scopes_optional) == (["read_vin"], ["read_battery"])
    asked = Event.objects.filter(kind="connection.asked").order_by("id").values_list("data", flat=True)
    assert list(asked) == [{"by": "letter"}, {"by": "link"}, {"by": "letter"}]


def test_owner_when_they_had_three_letters_or_no_connection_any_more_then_they_are_left_in_peace(
    manager: Membership, app: ProviderApp
) -> None:
    patient, gone = (link.connection for link in make_connections(manager, app, 2))
    ask_owner(connection=patient, membership=manager)
    a_day_passes()
    Recipient.objects.update(sent_count=3)
    Connection.objects.filter(pk=gone.pk).update(status="ended", ended_at=timezone.now())

    with pytest.raises(CannotAsk, match="often"):
        ask_owner(connection=patient, membership=manager)
    with pytest.raises(CannotAsk, match="ended"):
        ask_owner(connection=gone, membership=manager)


def test_owner_when_their_address_or_the_end_asked_for_changes_then_the_older_link_stops(
    manager: Membership, app: ProviderApp
) -> None:
    connection = make_connections(manager, app, 1)[0].connection
    older = ask_owner(connection=connection, membership=manager)
    set_email(owner=connection.owner, email="new@example.com", actor=manager.user.actor)
    newer = ask_owner(connection=connection, membership=manager)
    a_day_passes()
    longer = ask_owner(connection=connection, membership=manager, consent_ends_at=timezone.now() + 90 * DAY)

    assert (older.email, newer.email, longer.email) == ("owner0@example.com", "new@example.com", "new@example.com")
    assert [link.id for link in links_out(connection)] == [longer.link_id]
    event = Event.objects.get(kind="owner.email_changed")
    assert list(read_personal(event.data.values(), team_id=manager.team_id).values()) == ["new@example.com"]
    assert "new@example.com" not in str(event.data)


def test_consent_when_it_ends_soon_then_the_same_span_is_asked_for_again(manager: Membership, app: ProviderApp) -> None:
    connection = make_connections(manager, app, 1)[0].connection
    now = timezone.now()
    Connection.objects.filter(pk=connection.pk).update(created_at=now - 88 * DAY, ends_at=now + 2 * DAY)

    asked_for = ask_owner(connection=connection, membership=manager).link.consent_ends_at

    assert asked_for is not None
    assert abs(asked_for - (now + 90 * DAY)) < timedelta(minutes=1)


def test_many_when_asked_then_one_address_gets_one_letter_and_who_said_no_none(
    manager: Membership, app: ProviderApp
) -> None:
    twice, again, refused, down = make_connections(manager, app, 4)
    Owner.objects.filter(pk=again.connection.owner_id).update(email=twice.connection.owner.email.upper())
    ProviderAccount.objects.update(status="needs_owner")
    other = ProviderApp.objects.create(
        provider="simulator", client_id="other", client_secret_sealed=b"", is_enabled=False, name="Off"
    )
    ProviderAccount.objects.filter(pk=down.connection.account_id).update(app=other, status="active")
    no = ask_owner(connection=refused.connection, membership=manager, by_hand=True)
    Recipient.objects.filter(pk=no.pk).update(declined_at=timezone.now())
    connections = list(Connection.objects.select_related("owner", "account").order_by("created_at", "pk"))

    plan = plan_asks(connections, team_id=manager.team_id, now=timezone.now())
    number = ask_many(connections=connections, membership=manager)

    both = {twice.connection_id, again.connection_id}
    assert len(plan.by_letter) == len(plan.lately) == 1
    assert {one.id for one in plan.by_letter + plan.lately} == both
    assert [one.id for one in plan.said_no] == [refused.connection_id]
    assert [one.id for one in plan.not_theirs] == [down.connection_id]
    assert (number, Recipient.objects.filter(send_at__isnull=False).count()) == (1, 1)


def test_grant_when_it_dies_then_the_owner_repairs_it_from_the_letter_and_the_car_keeps_its_history(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"license_plate": "HH-RP 1"})
    owner = OwnerBrowser(make_link(manager)[1])
    owner.decide(owner.sign_in(account), [account.cars[0]["id"]], ["read_location"], name="Olga")
    old = VehicleLink.objects.select_related("vehicle", "connection__account__app", "connection__owner").get()
    read_vehicle(old, with_capabilities=True)
    command = request_command(vehicle=old.vehicle, membership=manager, order=StartCharge())
    readings = VehicleSignal.objects.count()
    set_email(owner=old.connection.owner, email="olga@example.com", actor=manager.user.actor)
    works = health_of(old.connection).state

    refuse(old.connection.account, simulator)
    broken = health_of(old.connection).state
    recipient = ask_owner(connection=old.connection, membership=manager)
    sent = write_due_letters()
    (letter,) = mail.outbox
    secret = SECRET.findall(str(letter.body))[0]
    owner = OwnerBrowser(secret)
    owner.client.get(reverse("connect:start", args=[secret]))
    opened = latest_asks([old.connection_id], team_id=manager.team_id)[old.connection_id].status
    form = owner.get("review", visit := owner.sign_in(account)).context["form"]
    owner.decide(visit, form["cars"].value(), form["scopes"].value())
    new = VehicleLink.objects.select_related("connection__account__app").get(ended_at__isnull=True)
    read_vehicle(new)

    assert (works, broken, sent) == (State.WORKS, State.NEEDS_OWNER, 1)
    assert letter.to == ["olga@example.com"]
    assert "Volkswagen no longer accepts this connection" in letter.body
    assert opened == "opened"
    assert secret == secret_of(recipient)
    old.refresh_from_db()
    recipient.refresh_from_db()
    assert old.ended_at is not None
    assert recipient.done_at is not None
    assert recipient.connection_id == new.connection_id != old.connection_id
    assert Vehicle.objects.get().id == new.vehicle_id
    assert Command.objects.get(vehicle=new.vehicle).id == command.id
    assert VehicleSignal.objects.filter(vehicle=new.vehicle).count() >= readings > 0
    cockpit = make_cockpit(manager, read_chosen({}), None, now=timezone.now())
    assert [(row.link.id, row.health.state) for row in cockpit.rows] == [(new.id, State.WORKS)]
    assert [tab.title for tab in cockpit.tabs] == ["All", "Works"]


def test_letter_when_the_consent_ends_then_it_says_so_in_the_owners_language(
    manager: Membership, app: ProviderApp
) -> None:
    connection = make_connections(manager, app, 1)[0].connection
    Connection.objects.filter(pk=connection.pk).update(
        ends_at=datetime(2030, 5, 4, 12, tzinfo=timezone.get_fixed_timezone(0))
    )

    ask_owner(connection=connection, membership=manager)
    write_due_letters()

    (letter,) = mail.outbox
    assert "4. Mai 2030" in letter.body
    assert "Volkswagen ID.4" in letter.body
    assert "Verbindung" in letter.subject


def test_maker_when_it_refuses_many_or_its_sign_in_is_down_then_it_is_the_maker_and_not_the_owners(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    links = []
    for _ in range(6):
        account = simulator.account({})
        owner = OwnerBrowser(make_link(manager)[1])
        owner.decide(owner.sign_in(account), [account.cars[0]["id"]])
        links.append(VehicleLink.objects.select_related("connection__account").latest("created_at"))
    accounts = [link.connection.account for link in links]
    ProviderAccount.objects.update(refreshed_at=timezone.now() - timedelta(hours=1))
    simulator.behaviour(status_before={"status": 503, "count": 99}, scope="all")
    refresh_early(accounts[0].id, seen_version=1)
    put_back(accounts[0], "access_expires_at", by=timedelta(hours=2))
    silent = health_of(links[0].connection)
    simulator.clear_behaviour()

    for account in accounts[:4]:
        revoke_at_the_maker(simulator, account)
        refresh_early(account.id, seen_version=1)
    suspected = health_of(links[1].connection)
    for account in accounts[4:]:
        refuse(account, simulator)
    in_wave = {health_of(link.connection).why for link in links}
    states = set(ProviderAccount.objects.values_list("status", flat=True))
    ProviderAccount.objects.update(refused_last_at=timezone.now() - timedelta(minutes=11), refused_at=None)
    end_waves()

    assert (silent.state, silent.why) == (State.MAKER_DOWN, "sign_in")
    assert (suspected.state, suspected.why) == (State.ENDS_SOON, "refused")
    assert (in_wave, states) == ({"refusing"}, {"active"})
    assert {health_of(link.connection).state for link in links[1:]} == {State.NEW}
