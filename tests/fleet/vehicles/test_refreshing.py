"""Caring for grants: early, healed after a crash, kept through a provider's trouble."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.adapters.errors import AdapterError
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.consent import allowed_scopes
from fleet.vehicles.models import Connection, ProviderAccount, ProviderApp, VehicleLink
from fleet.vehicles.refreshing import claim_due, end_waves, narrow_scopes, refresh_early
from fleet.vehicles.tokens import get_access_token, read_access_token, wait_after
from tests.factories import join_simulated_car, make_team
from tests.fleet.vehicles.test_tokens import revoke_at_the_maker
from tests.infrastructure.simulator import Simulator

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Membership:
    return make_team()


def join(team: Membership, simulator: Simulator) -> ProviderAccount:
    return join_simulated_car(team, simulator, learn=False).connection.account


def put_back(account: ProviderAccount, *fields: str, by: timedelta) -> None:
    """Let something have happened so much earlier."""
    account.refresh_from_db()
    ProviderAccount.objects.filter(pk=account.pk).update(**{field: getattr(account, field) - by for field in fields})
    account.refresh_from_db()


def test_login_when_it_is_new_then_it_is_due_between_seven_and_eight_tenths_of_its_tokens_life(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)

    account.refresh_from_db()
    life = account.access_expires_at - account.refreshed_at
    assert 0.7 <= (account.refresh_at - account.refreshed_at) / life <= 0.8
    assert claim_due() == []


def test_login_when_it_is_due_then_one_round_takes_it_and_it_is_refreshed_while_the_old_token_lives(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)
    put_back(account, "refresh_at", by=timedelta(hours=1))
    older = read_access_token(account)

    taken, again = claim_due(), claim_due()
    is_fresh = refresh_early(account.id, seen_version=1)
    account.refresh_from_db()

    assert (taken, again, is_fresh) == ([(account.id, 1)], [], True)
    assert older is not None
    assert read_access_token(account) not in {older, None}
    assert account.refresh_at > timezone.now() + timedelta(minutes=30)


@pytest.mark.parametrize("why", ["ended", "switched off", "held", "needs its owner"])
def test_login_when_nobody_may_use_it_then_it_is_not_refreshed(
    team: Membership, simulator: Simulator, why: str
) -> None:
    account = join(team, simulator)
    put_back(account, "refresh_at", by=timedelta(hours=1))
    if why == "ended":
        Connection.objects.update(status="ended", ended_at=timezone.now())
    elif why == "needs its owner":
        ProviderAccount.objects.update(status="needs_owner")
    else:
        held_until = timezone.now() + timedelta(minutes=1) if why == "held" else None
        ProviderApp.objects.update(is_enabled=why != "switched off", held_until=held_until)

    assert claim_due() == []


def test_login_when_its_refresh_died_half_way_then_it_is_taken_at_once_and_the_same_token_counts_once_more(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)
    simulator.behaviour(refresh_grace_s=60)
    spent = bytes(account.refresh_token_sealed)
    refresh_early(account.id, seen_version=1)
    # As when the process died between the maker's answer and the commit.
    ProviderAccount.objects.filter(pk=account.pk).update(
        refresh_token_sealed=spent, token_version=1, refresh_started_at=timezone.now() - timedelta(seconds=41)
    )

    taken = claim_due()
    is_fresh = refresh_early(account.id, seen_version=1)

    account.refresh_from_db()
    assert (taken, is_fresh, account.refresh_started_at) == ([(account.id, 1)], True, None)
    assert get_access_token(account.id, refused_version=2)


def test_refresh_when_the_answer_is_lost_on_the_way_then_it_asks_once_more(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)
    simulator.behaviour(refresh_grace_s=60, scope="all", lose_reply=1)
    before = simulator.token_counts()["rotations"]

    is_fresh = refresh_early(account.id, seen_version=1)

    assert is_fresh
    assert simulator.token_counts()["rotations"] - before in {1, 2}
    assert get_access_token(account.id, refused_version=2)


def test_refresh_when_the_maker_is_ill_then_it_waits_longer_each_time_and_the_old_token_lives_on(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)
    simulator.behaviour(scope="all", status_before={"status": 503, "count": 100})
    waits: list[float] = []

    for _ in range(3):
        began = timezone.now()
        assert not refresh_early(account.id, seen_version=1)
        account.refresh_from_db()
        waits.append((account.refresh_at - began).total_seconds())

    assert [23 <= waits[0] <= 37, 47 <= waits[1] <= 73, 95 <= waits[2] <= 145] == [True, True, True]
    assert (account.status, account.refused_at, account.refresh_started_at) == ("active", None, None)
    assert read_access_token(account)


def test_wait_when_failures_go_on_then_it_is_never_longer_than_eighteen_minutes_or_what_the_maker_asks() -> None:
    assert max(wait_after(1000) for _ in range(50)) <= timedelta(minutes=18)
    assert timedelta(minutes=26) <= wait_after(0, retry_after_s=2000) <= timedelta(minutes=40)
    assert wait_after(0, retry_after_s=1e9) <= timedelta(hours=1.2)


def refuse(account: ProviderAccount, simulator: Simulator) -> None:
    """Let the maker refuse a login, for the first time two minutes ago and once more now."""
    revoke_at_the_maker(simulator, account)
    refresh_early(account.id, seen_version=1)
    put_back(account, "refused_at", by=timedelta(minutes=2))
    refresh_early(account.id, seen_version=1)
    account.refresh_from_db()


def test_refusal_when_it_is_one_of_few_then_the_owner_is_asked_within_five_minutes(
    team: Membership, simulator: Simulator
) -> None:
    account = join(team, simulator)
    revoke_at_the_maker(simulator, account)

    refresh_early(account.id, seen_version=1)
    account.refresh_from_db()
    looks_again_in = account.refresh_at - account.refused_at
    put_back(account, "refused_at", "refresh_at", by=timedelta(seconds=61))
    assert claim_due() == [(account.id, 1)]
    refresh_early(account.id, seen_version=1)

    account.refresh_from_db()
    assert looks_again_in == timedelta(seconds=60)
    assert account.status == "needs_owner"
    assert Event.objects.filter(kind="connection.needs_owner", team_id=team.team_id).count() == 1


def test_refusals_when_they_come_in_numbers_then_no_owner_is_asked_and_it_is_told_once(
    team: Membership, simulator: Simulator
) -> None:
    accounts = [join(team, simulator) for _ in range(7)]
    ProviderAccount.objects.update(refreshed_at=timezone.now() - timedelta(hours=1))
    for account in accounts[:4]:
        revoke_at_the_maker(simulator, account)
        refresh_early(account.id, seen_version=1)

    for account in accounts[4:]:
        refuse(account, simulator)

    app = ProviderApp.objects.get(pk=accounts[0].app_id)
    assert set(ProviderAccount.objects.values_list("status", flat=True)) == {"active"}
    assert app.refusing_since is not None
    assert Event.objects.filter(kind="provider.refusing").count() == 1
    assert accounts[6].refresh_at > timezone.now() + timedelta(minutes=4)
    assert end_waves() == 0

    ProviderAccount.objects.update(refused_last_at=timezone.now() - timedelta(minutes=11))
    assert end_waves() == 1
    assert Event.objects.filter(kind="provider.accepting").count() == 1


def test_refusals_when_many_others_are_well_then_they_are_their_owners(team: Membership, simulator: Simulator) -> None:
    accounts = [join(team, simulator) for _ in range(6)]
    well = [join(team, simulator) for _ in range(30)]

    for account in accounts:
        refuse(account, simulator)

    assert {account.status for account in accounts} == {"needs_owner"}
    assert len(well) == ProviderAccount.objects.filter(status="active").count()


def test_scopes_when_the_maker_grants_less_at_a_refresh_then_what_waits_and_needs_them_is_not_sent(
    team: Membership, simulator: Simulator
) -> None:
    link = join_simulated_car(team, simulator, learn=False)
    account, before = link.connection.account, link.consent_version

    narrow_scopes(account, frozenset({"read_battery", "control_security", "openid"}))
    narrow_scopes(account, frozenset({"read_battery", "control_security", "control_charge"}))

    link = VehicleLink.objects.select_related("connection").get(pk=link.pk)
    assert allowed_scopes(link) == {"read_battery", "control_security"}
    assert link.consent_version == before + 1
    event = Event.objects.get(kind="connection.narrowed")
    assert "control_charge" in event.data["scopes"]


def test_refresh_when_the_version_moved_meanwhile_then_nobody_is_asked(team: Membership, simulator: Simulator) -> None:
    account = join(team, simulator)
    simulator.behaviour(scope="all", hang=1, offline=True)

    token = get_access_token(account.id, refused_version=0)

    assert token == read_access_token(account)


def test_refresh_when_the_login_is_over_then_it_says_so(team: Membership, simulator: Simulator) -> None:
    account = join(team, simulator)
    ProviderAccount.objects.update(status="revoked")

    assert refresh_early(account.id, seen_version=1) is False
    with pytest.raises(AdapterError, match="needs_reconnect"):
        get_access_token(account.id)
