"""Promises of the flow under races, replays, damage and time: against the real maker, each in a database of its own."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from connect import tasks
from connect.acceptance import VisitOver, accept
from connect.exchange import exchange_code
from connect.models import LinkMiss, ShareLink, Visit
from connect.scopes import TEXT_VERSION
from connect.services import create_share_link, decline
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Consent, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from fleet.vehicles.services import allowed_scopes
from fleet.vehicles.tokens import get_access_token
from tests.connect.conftest import NEEDED, OwnerBrowser, make_link, make_member
from tests.connect.maker import allow
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.servers import servers
from tests.infrastructure.simulator import Simulator


def yes(visit: Visit, *cars: str, scopes: tuple[str, ...] = ()) -> Visit:
    return accept(visit=visit, vehicle_ids=cars, scopes_optional=scopes, owner_name="")


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run calls in threads that start together; what each returned or raised."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        ready.wait(10)
        try:
            return call()
        except VisitOver as over:
            return over.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


# Share links -----------------------------------------------------------------------------------------------------


def test_create_share_link_when_scope_is_unknown_makes_nothing(manager: Membership) -> None:
    with pytest.raises(ValueError, match="unknown scopes"):
        make_link(manager, needed=["read_minds"])

    assert not ShareLink.objects.exists()


def test_create_share_link_when_made_tells_the_log_without_the_secret(manager: Membership) -> None:
    _link, secret = make_link(manager)

    event = Event.objects.get(kind="share_link.created")
    assert event.actor == manager.user.actor
    assert secret not in json.dumps(event.data)


def test_create_share_link_when_needed_is_optional_too_keeps_it_needed(manager: Membership) -> None:
    link, _ = create_share_link(
        team=manager.team,
        created_by=manager.user,
        label="x",
        scopes_needed=["read_battery"],
        scopes_optional=["read_battery", "read_vin", "control_charge"],
        expires_at=timezone.now() + timedelta(days=1),
    )

    assert (link.scopes_needed, link.scopes_optional) == (["read_battery", "read_vin"], ["control_charge"])


# Races -----------------------------------------------------------------------------------------------------------


def test_accept_when_two_owners_take_the_last_use_lets_one_in(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    provider: ProviderApp = request.getfixturevalue("provider")
    link, secret = make_link(make_member("manager"), max_uses=1)
    accounts = [simulator.account(), simulator.account()]
    visits = [OwnerBrowser(secret).sign_in(account) for account in accounts]

    outcomes = at_once(
        *(
            lambda visit=visit, account=account: yes(visit, account.cars[0]["id"]).step
            for visit, account in zip(visits, accounts, strict=True)
        )
    )

    link.refresh_from_db()
    assert sorted(map(str, outcomes)) == ["done", "link_used_up"]
    assert link.uses == 1
    assert Connection.objects.count() == 1
    assert ProviderAccount.objects.filter(app=provider).count() == 1
    assert not Visit.objects.filter(tokens_sealed__isnull=False).exists()


def test_accept_when_sent_twice_at_once_joins_once(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account({}, {})
    visit = OwnerBrowser(make_link(make_member("manager"), max_uses=None)[1]).sign_in(account)
    cars = [car["id"] for car in account.cars]

    outcomes = at_once(*(lambda: yes(visit, *cars).step for _ in range(4)))

    assert outcomes == ["done"] * 4
    assert (Connection.objects.count(), VehicleLink.objects.count()) == (1, 2)


def test_exchange_when_two_workers_get_the_message_trades_the_code_once(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    owner = OwnerBrowser(make_link(make_member("manager"))[1])
    visit_id = owner.come_back(allow(owner.go(), account))

    at_once(*(lambda: exchange_code(visit_id) for _ in range(4)))

    # The second exchange of a code makes this maker take the grant back; the tokens would be dead.
    done = yes(Visit.objects.get(pk=visit_id), account.cars[0]["id"])
    assert done.step == "done"
    assert get_access_token(done.account_id, refused_version=1)


def test_accept_when_the_owner_declined_in_another_tab_shares_nothing(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    visit = OwnerBrowser(make_link(manager)[1]).sign_in(account)
    decline(visit=Visit.objects.get(pk=visit.pk))

    with pytest.raises(VisitOver) as over:
        yes(visit, account.cars[0]["id"])

    assert over.value.code == "declined"
    assert not Connection.objects.exists()


def test_accept_when_tokens_do_not_open_asks_to_start_again(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    link, secret = make_link(manager)
    visit = OwnerBrowser(secret).sign_in(account)
    Visit.objects.update(tokens_sealed=b"k0:of a key that is gone")

    with pytest.raises(VisitOver) as over:
        yes(visit, account.cars[0]["id"])

    link.refresh_from_db()
    assert (over.value.code, link.uses) == ("code_refused", 0)


# Two teams, two grants -------------------------------------------------------------------------------------------


def test_accept_when_another_team_has_the_car_is_like_any_other_and_changes_nothing_there(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    car = account.cars[0]["id"]
    other = make_member("other")
    yes(OwnerBrowser(make_link(other)[1]).sign_in(account), car)
    before = list(VehicleLink.objects.filter(team=other.team).values())

    visit = OwnerBrowser(make_link(manager)[1]).sign_in(account)
    assert visit.step == "review"
    yes(visit, car)

    assert list(VehicleLink.objects.filter(team=other.team).values()) == before
    assert Vehicle.objects.filter(team=manager.team).count() == 1
    assert ProviderAccount.objects.count() == 1
    assert Vehicle.objects.values("lane").distinct().count() == 1


def test_visit_when_not_accepted_leaves_the_tokens_of_an_older_grant_alone(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    secret = make_link(manager, max_uses=None)[1]
    yes(OwnerBrowser(secret).sign_in(account), account.cars[0]["id"])
    before = ProviderAccount.objects.values().get()

    decline(visit=OwnerBrowser(secret).sign_in(account, scopes={"read_vin", "read_battery"}))

    assert ProviderAccount.objects.values().get() == before


def test_accept_when_another_teams_grant_allows_more_keeps_it_and_takes_what_both_allow(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    car = account.cars[0]["id"]
    other = make_member("other")
    yes(OwnerBrowser(make_link(other)[1]).sign_in(account), car)
    version = ProviderAccount.objects.get().token_version

    visit = OwnerBrowser(make_link(manager, needed=["read_battery", "control_climate"])[1]).sign_in(account)
    yes(visit, car)

    assert ProviderAccount.objects.get().token_version == version
    assert allowed_scopes(VehicleLink.objects.get(team=manager.team)) == {"read_vin", "read_battery"}
    assert allowed_scopes(VehicleLink.objects.get(team=other.team)) == {"read_vin", *NEEDED}


def test_accept_when_owner_comes_again_with_fewer_scopes_replaces_the_old_grant(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    car = account.cars[0]["id"]
    secret = make_link(manager, max_uses=None)[1]
    yes(OwnerBrowser(secret).sign_in(account), car, scopes=("control_security",))
    owner_id = Connection.objects.get().owner_id

    yes(OwnerBrowser(secret).sign_in(account, scopes={"read_vin", "read_battery"}), car)

    live = VehicleLink.objects.get(ended_at__isnull=True)
    assert allowed_scopes(live) == {"read_vin", "read_battery"}
    assert live.connection.owner_id == owner_id
    assert ProviderAccount.objects.get().token_version == 2
    assert Connection.objects.filter(status="active").count() == 1


# What makers send ------------------------------------------------------------------------------------------------


def test_exchange_when_account_has_five_hundred_cars_lists_them_all(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account(*({} for _ in range(500)))
    owner = OwnerBrowser(make_link(manager)[1])

    visit = owner.sign_in(account)
    page = owner.get("review", visit)

    assert {plain["provider_vehicle_id"] for plain in visit.vehicles} == {car["id"] for car in account.cars}
    assert page.content.decode().count('name="cars"') == 500


def test_review_when_names_look_like_markup_escapes_them(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account({"license_plate": "<b>plate</b>"})
    owner = OwnerBrowser(make_link(manager)[1])
    visit = owner.sign_in(account)

    page = owner.get("review", visit).content.decode()

    assert "&lt;b&gt;plate&lt;/b&gt;" in page
    assert "<b>plate</b>" not in page


# Secrets ---------------------------------------------------------------------------------------------------------


def test_flow_when_done_has_no_secret_in_log_broker_session_or_database(
    committed_db: CommittedDatabase,
    simulator: Simulator,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    owner = OwnerBrowser(make_link(make_member("manager"))[1])
    with caplog.at_level(logging.DEBUG):
        back = allow(owner.go(), account)
        code, state = (part.split("=", 1)[1] for part in back.split("?", 1)[1].split("&"))
        visit_id = owner.come_back(back)
        waiting = Visit.objects.get(pk=visit_id)
        exchange_code(visit_id)
        owner.decide(Visit.objects.get(pk=visit_id), [account.cars[0]["id"]])
        token = get_access_token(ProviderAccount.objects.get().id)

    messages = servers.broker.command("LRANGE", settings.CELERY_TASK_DEFAULT_QUEUE, "0", "-1")
    secrets = {"code": code, "state": state, "link": owner.secret, "token": token}
    places = {
        "log": "\n".join(record.getMessage() for record in caplog.records if record.name != "asyncio"),
        "broker": str(messages),
        "database": _dump(),
        "waiting row": repr(vars(waiting)),
    }
    assert str(visit_id) in places["broker"]
    found = {(what, where) for what, secret in secrets.items() for where, text in places.items() if secret in text}
    assert found == set()


def _dump() -> str:
    """Every row of every table as text."""
    with connection.cursor() as cursor:
        return "\n".join(
            str(row) for table in connection.introspection.table_names(cursor) for row in _rows(cursor, table)
        )


def _rows(cursor, table: str) -> list[tuple[object, ...]]:
    cursor.execute(f'SELECT t::text FROM "{table}" AS t')  # noqa: S608 - names of our own tables
    return cursor.fetchall()


def test_accept_when_tokens_were_copied_from_another_visit_refuses_them(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    secret = make_link(manager, max_uses=None)[1]
    mine, other = OwnerBrowser(secret).sign_in(account), OwnerBrowser(secret).sign_in(simulator.account())
    Visit.objects.filter(pk=mine.pk).update(tokens_sealed=other.tokens_sealed)

    with pytest.raises(VisitOver) as over:
        yes(mine, account.cars[0]["id"])

    assert over.value.code == "code_refused"
    assert not ProviderAccount.objects.exists()


# Sweeping --------------------------------------------------------------------------------------------------------


def test_sweep_when_owner_left_forgets_tokens_and_cars(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    visit = OwnerBrowser(make_link(make_member("manager"))[1]).sign_in(simulator.account())
    assert visit.tokens_sealed is not None
    Visit.objects.update(expires_at=timezone.now())

    tasks.sweep()

    visit.refresh_from_db()
    assert (visit.step, visit.failure, visit.tokens_sealed, visit.vehicles) == ("failed", "expired", None, [])
    assert not ProviderAccount.objects.exists()


def test_sweep_when_nobody_took_the_code_rings_again_and_when_a_worker_died_gives_up(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    secret = make_link(make_member("manager"), max_uses=None)[1]
    lost, died = OwnerBrowser(secret), OwnerBrowser(secret)
    lost_id = lost.come_back(allow(lost.go(), account))
    died_id = died.come_back(allow(died.go(), account))
    Visit.objects.filter(pk=died_id).update(claimed_at=timezone.now() - timedelta(minutes=3))
    servers.broker.command("FLUSHDB")

    tasks.sweep()

    messages = str(servers.broker.command("LRANGE", settings.CELERY_TASK_DEFAULT_QUEUE, "0", "-1"))
    assert str(lost_id) in messages
    assert str(died_id) not in messages
    assert Visit.objects.get(pk=died_id).failure == "maker_down"


def test_sweep_when_rows_are_old_deletes_visits_and_misses_but_no_connection(
    committed_db: CommittedDatabase, simulator: Simulator, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("provider")
    account = simulator.account()
    yes(OwnerBrowser(make_link(make_member("manager"))[1]).sign_in(account), account.cars[0]["id"])
    Visit.objects.update(finished_at=timezone.now() - timedelta(days=8))
    LinkMiss.objects.create(address_hash="x", minute_at=timezone.now() - timedelta(hours=1))

    tasks.sweep()

    assert (Visit.objects.count(), LinkMiss.objects.count(), Connection.objects.count()) == (0, 0, 1)


# The database's own rules ----------------------------------------------------------------------------------------


def test_visit_when_it_names_another_teams_link_is_refused_by_the_database(
    manager: Membership, provider: ProviderApp
) -> None:
    owner = OwnerBrowser(make_link(manager)[1])
    owner.go()
    foreign, _ = make_link(make_member("other"))

    Visit.objects.update(link=foreign)

    with pytest.raises(IntegrityError, match="same_team"):
        connection.check_constraints()


def test_visit_when_ended_with_secrets_is_refused_by_the_database(manager: Membership, provider: ProviderApp) -> None:
    OwnerBrowser(make_link(manager)[1]).go()

    with pytest.raises(IntegrityError, match="visit_end_has_no_secrets"), transaction.atomic():
        Visit.objects.update(step="failed", finished_at=timezone.now())


def test_share_link_when_used_beyond_its_limit_is_refused_by_the_database(manager: Membership) -> None:
    make_link(manager, max_uses=1)

    with pytest.raises(IntegrityError, match="share_link_not_overused"), transaction.atomic():
        ShareLink.objects.update(uses=2)


def test_consents_when_given_carry_the_version_of_the_text(
    manager: Membership, provider: ProviderApp, simulator: Simulator
) -> None:
    account = simulator.account()
    yes(OwnerBrowser(make_link(manager)[1]).sign_in(account), account.cars[0]["id"])

    assert set(Consent.objects.values_list("text_version", flat=True)) == {TEXT_VERSION}
