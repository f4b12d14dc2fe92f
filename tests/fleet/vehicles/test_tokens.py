"""Refreshing: once for all who ask at the same time, and only a definite refusal, seen twice, asks the owner."""

import threading
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.events.models import Event
from fleet.vehicles.models import ProviderAccount
from fleet.vehicles.sealing import unseal
from fleet.vehicles.services import read_vehicle
from fleet.vehicles.tokens import get_access_token, read_access_token
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import CLIENT_ID, CLIENT_SECRET, Simulator


def make_account(simulator: Simulator, *, is_tired: bool = True) -> ProviderAccount:
    link = join_simulated_car(make_team(), simulator, learn=False)
    account = link.connection.account
    if is_tired:
        ProviderAccount.objects.filter(pk=account.pk).update(access_expires_at=timezone.now())
    account.refresh_from_db()
    return account


def revoke_at_the_maker(simulator: Simulator, account: ProviderAccount) -> None:
    refresh_token = unseal(account.refresh_token_sealed, bound_to=f"provider_account:{account.id}:refresh")
    form = {"token": refresh_token, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(f"{simulator.url}/{account.brand}/oauth/revoke", body, timeout=10) as answer:
        assert answer.status == 200


def test_get_access_token_when_it_is_fresh_asks_nobody(db: None, simulator: Simulator) -> None:
    account = make_account(simulator, is_tired=False)
    simulator.behaviour(offline=True, hang=1, scope="all")

    token = get_access_token(account.id)

    account.refresh_from_db()
    assert token == read_access_token(account)
    assert account.token_version == 1


def test_get_access_token_when_it_is_tired_refreshes_and_keeps_the_older_refresh_token(
    db: None, simulator: Simulator
) -> None:
    account = make_account(simulator)
    older = bytes(account.refresh_token_sealed)

    token = get_access_token(account.id)

    account.refresh_from_db()
    assert token == read_access_token(account)
    assert account.token_version == 2
    assert bytes(account.previous_refresh_token_sealed) == older
    assert account.refresh_started_at is None


def test_get_access_token_when_many_ask_at_once_refreshes_once(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    account = make_account(simulator)
    ready = threading.Barrier(5)

    def ask(_: int) -> str:
        ready.wait(10)
        try:
            return get_access_token(account.id)
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        tokens = set(pool.map(ask, range(5)))

    # Refresh tokens work once: a second request with the same one would have ended the grant at the maker.
    account.refresh_from_db()
    assert tokens == {read_access_token(account)}
    assert (account.token_version, account.status) == (2, "active")
    assert get_access_token(account.id, refused_version=2) not in tokens


def test_get_access_token_when_the_refused_one_was_replaced_already_takes_the_newer(
    db: None, simulator: Simulator
) -> None:
    account = make_account(simulator)
    token = get_access_token(account.id)

    again = get_access_token(account.id, refused_version=1)

    assert again == token


@pytest.mark.parametrize(
    "behaviour",
    [
        {"status_before": {"status": 503, "count": 100}},
        {"rate_limit": {"retry_after_s": 30, "count": 100}},
    ],
    ids=["503", "429"],
)
def test_get_access_token_when_the_maker_is_ill_keeps_the_connection(
    db: None, simulator: Simulator, behaviour: dict[str, object]
) -> None:
    account = make_account(simulator)
    simulator.behaviour(scope="all", **behaviour)

    for _ in range(3):
        with pytest.raises(AdapterError):
            get_access_token(account.id)
    simulator.clear_behaviour()
    account.refresh_from_db()
    during = (account.status, account.refused_at, account.token_version)
    token = get_access_token(account.id)

    assert during == ("active", None, 1)
    assert token


@pytest.mark.parametrize("garbage", ["html", "truncated", "empty"])
def test_get_access_token_when_the_answer_is_garbage_is_no_refusal(
    db: None, simulator: Simulator, garbage: str
) -> None:
    account = make_account(simulator)
    simulator.behaviour(scope="all", garbage=garbage)

    with pytest.raises(AdapterError) as error:
        get_access_token(account.id)

    account.refresh_from_db()
    assert error.value.code == "upstream_down"
    assert (account.status, account.refused_at, account.token_version) == ("active", None, 1)


def test_get_access_token_when_refused_once_keeps_the_connection(db: None, simulator: Simulator) -> None:
    account = make_account(simulator)
    revoke_at_the_maker(simulator, account)

    for _ in range(3):
        with pytest.raises(AdapterError) as refusal:
            get_access_token(account.id)

    account.refresh_from_db()
    assert refusal.value.code == "needs_reconnect"
    assert (account.status, account.refused_version) == ("active", 1)


def test_get_access_token_when_refused_again_a_minute_later_asks_the_owner_and_tells_the_team(
    db: None, simulator: Simulator
) -> None:
    account = make_account(simulator)
    revoke_at_the_maker(simulator, account)
    with pytest.raises(AdapterError):
        get_access_token(account.id)
    ProviderAccount.objects.update(refused_at=timezone.now() - timedelta(seconds=61))

    with pytest.raises(AdapterError):
        get_access_token(account.id)

    account.refresh_from_db()
    assert account.status == "needs_owner"
    assert Event.objects.filter(kind="connection.needs_owner", subject=f"account:{account.id}").count() == 1


def test_get_access_token_when_owner_must_sign_in_again_asks_nobody(db: None, simulator: Simulator) -> None:
    account = make_account(simulator)
    ProviderAccount.objects.update(status="needs_owner")

    with pytest.raises(AdapterError) as refusal:
        get_access_token(account.id)

    account.refresh_from_db()
    assert refusal.value.code == "needs_reconnect"
    assert account.token_version == 1


def test_read_vehicle_when_token_is_tired_refreshes_on_the_way(db: None, simulator: Simulator) -> None:
    link = join_simulated_car(make_team(), simulator, learn=False)
    ProviderAccount.objects.update(access_expires_at=timezone.now())

    snapshot = read_vehicle(link)

    assert snapshot.value("locked") is not None
    assert ProviderAccount.objects.get().token_version == 2
