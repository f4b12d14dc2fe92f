"""Saying yes under races and damage, and beside an older grant of the same login."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from connect.acceptance import VisitOver
from connect.exchange import exchange_code
from connect.models import Visit
from connect.services import decline
from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import Connection, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from fleet.vehicles.tokens import get_access_token
from tests.connect.conftest import NEEDED, OwnerBrowser, make_link, make_member, yes
from tests.connect.maker import allow
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator


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
