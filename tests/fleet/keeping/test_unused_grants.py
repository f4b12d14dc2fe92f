"""Grants that nobody uses any more are taken back at the maker, through its troubles too; others live on."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.adapters.oauth import read_token_answer
from fleet.events.models import Event
from fleet.keeping.grants import end_unused_grants
from fleet.keeping.models import GrantEnding
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, Owner, ProviderAccount, VehicleLink
from fleet.vehicles.services import end_link, remove_vehicle, save_account
from fleet.vehicles.tokens import get_access_token
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.simulator import Account, Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Membership:
    return make_team()


@pytest.fixture
def link(owner: Membership, simulator: Simulator) -> VehicleLink:
    return join_simulated_car(owner, simulator, learn=False)


def tokens_of(link: VehicleLink) -> dict[str, Any]:
    fields = ("status", "access_token_sealed", "refresh_token_sealed", "previous_refresh_token_sealed")
    return ProviderAccount.objects.values(*fields).get(pk=link.connection.account_id)


GONE = dict.fromkeys(("access_token_sealed", "refresh_token_sealed", "previous_refresh_token_sealed"))


def test_grant_when_the_last_car_is_removed_then_the_maker_is_told_and_our_tokens_are_gone(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    before = simulator.token_counts()["grants"]
    remove_vehicle(vehicle=link.vehicle, actor=owner.user.actor)

    end_unused_grants()
    end_unused_grants()

    assert simulator.token_counts()["grants"] == before - 1
    assert tokens_of(link) == {"status": "revoked", **GONE}
    assert Event.objects.get(kind="grant.ended").team_id == owner.team_id


def test_grant_when_another_car_of_the_login_is_used_then_it_lives_on(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    other = make_team("Another Fleet")
    account = link.connection.account
    guest = Owner.objects.create(team=other.team, name="Olga Owner")
    Connection.objects.create(team=other.team, account=account, owner=guest, scopes_granted=["read_battery"])
    end_link(link=link, actor="owner:test")

    end_unused_grants()

    assert not GrantEnding.objects.exists()
    assert get_access_token(account.id)


def test_grant_when_the_maker_is_out_for_an_hour_then_it_is_told_afterwards_and_nothing_is_read_meanwhile(
    link: VehicleLink, simulator: Simulator
) -> None:
    before = simulator.token_counts()["grants"]
    simulator.behaviour(scope="all", status_before={"status": 503, "count": 1000})
    end_link(link=link, actor="owner:test")

    end_unused_grants()
    during = tokens_of(link)
    with pytest.raises(AdapterError, match="needs_reconnect"):
        get_access_token(link.connection.account_id)
    for _ in range(3):
        GrantEnding.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
        end_unused_grants()
    assert GrantEnding.objects.get().tries == 4
    simulator.clear_behaviour()
    GrantEnding.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))
    end_unused_grants()

    assert (during["status"], during["access_token_sealed"]) == ("revoked", None)
    assert during["refresh_token_sealed"] is not None
    assert tokens_of(link) == {"status": "revoked", **GONE}
    assert simulator.token_counts()["grants"] == before - 1


def test_grant_when_the_owner_comes_back_and_leaves_again_then_the_new_one_is_taken_back_too(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    end_link(link=link, actor="owner:test")
    end_unused_grants()
    first = link.connection.account
    again = Account(first.provider_user_id, first.brand, "", "", [])
    account = save_account(app=first.app, brand=first.brand, tokens=read_token_answer(simulator.token(again)))

    end_unused_grants()

    assert account.pk == first.pk
    assert tokens_of(link) == {"status": "revoked", **GONE}
    assert Event.objects.filter(kind="grant.ended", team_id=owner.team_id).count() == 2
