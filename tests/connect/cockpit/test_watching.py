"""Teams are told once for each expected end; grants are used before they die of idleness. Time is moved in rows."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from connect.cockpit.facts import facts_of
from connect.cockpit.health import Health, State, judge
from connect.cockpit.watching import tell_of_ends
from fleet.adapters.registry import ADAPTERS
from fleet.events.models import Event
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection, ProviderAccount, ProviderApp, Vehicle, VehicleLink
from fleet.vehicles.refreshing import claim_due, refresh_early
from fleet.vehicles.services import end_due_connections
from fleet.vehicles.tokens import read_access_token
from tests.connect.cockpit.rows import SHORT_LIVED, make_connections
from tests.factories import join_simulated_car, make_simulator_app, make_team
from tests.fleet.vehicles.test_refreshing import put_back
from tests.infrastructure.simulator import Simulator

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def team() -> Membership:
    return make_team()


@pytest.fixture
def app(team: Membership) -> ProviderApp:
    return make_simulator_app()


@pytest.fixture
def short_lived(app: ProviderApp, monkeypatch: pytest.MonkeyPatch) -> ProviderApp:
    """A maker whose grants live for 30 days, and die of 20 minutes without use."""
    monkeypatch.setitem(ADAPTERS, "short_lived", SHORT_LIVED)
    ProviderApp.objects.update(provider="short_lived")
    app.refresh_from_db()
    return app


def told(kind: str = "connection.expiring") -> list[tuple[str, str]]:
    """What was told: of which connection, and why."""
    events = Event.objects.filter(kind=kind).order_by("id")
    return [(event.data["connection"], event.data["why"]) for event in events]


def health_of(connection: Connection) -> Health:
    ((_key, facts),) = facts_of([connection.id], team_id=connection.team_id)
    return judge(facts, now=timezone.now())


def test_end_when_it_is_two_weeks_away_then_the_team_is_told_once_and_again_when_it_changes(
    team: Membership, app: ProviderApp
) -> None:
    connection = make_connections(team, app, 1)[0].connection
    one, now = Connection.objects.filter(pk=connection.pk), timezone.now()

    rounds = []
    for ends_at in (now + 20 * DAY, now + 13 * DAY, now + 13 * DAY, now + 3 * DAY, None):
        one.update(ends_at=ends_at)
        rounds.append(tell_of_ends())

    assert rounds == [0, 1, 0, 1, 0]
    assert told() == [(str(connection.id), "consent")] * 2
    event = Event.objects.filter(kind="connection.expiring").first()
    assert (event.team_id, event.subject) == (team.team_id, f"account:{connection.account_id}")


def test_consent_when_its_time_is_over_then_the_connection_ends_by_itself_and_that_is_told_once(
    team: Membership, app: ProviderApp
) -> None:
    due, taken_back = (link.connection for link in make_connections(team, app, 2))
    Connection.objects.filter(pk=due.pk).update(ends_at=timezone.now() - timedelta(seconds=1))
    Connection.objects.filter(pk=taken_back.pk).update(
        status="ended", ended_at=timezone.now(), ends_at=timezone.now() + DAY
    )

    end_due_connections()
    rounds = [tell_of_ends(), tell_of_ends()]

    assert rounds == [1, 0]
    (event,) = Event.objects.filter(kind="connection.expired")
    assert (event.team_id, event.subject) == (team.team_id, f"connection:{due.id}")


def test_grant_when_the_maker_ends_it_after_some_days_then_that_day_is_foreseen_and_told(
    team: Membership, short_lived: ProviderApp
) -> None:
    young, old = (link.connection for link in make_connections(team, short_lived, 2))
    Connection.objects.filter(pk=old.pk).update(created_at=F("created_at") - 27 * DAY)
    old.refresh_from_db()

    rounds = [tell_of_ends(), tell_of_ends()]

    health = health_of(old)
    assert rounds == [1, 0]
    assert told() == [(str(old.id), "grant")]
    assert (health.state, health.why, health.until) == (State.ENDS_SOON, "grant", old.created_at + 30 * DAY)
    assert health_of(young).state is State.WORKS


def test_grant_when_it_dies_of_being_idle_then_it_is_refreshed_before_though_nobody_reads_the_car(
    team: Membership, short_lived: ProviderApp, simulator: Simulator
) -> None:
    account = join_simulated_car(team, simulator, app=short_lived, learn=False).connection.account
    Vehicle.objects.update(read_at=timezone.now() + DAY)
    account.refresh_from_db()
    wait = account.refresh_at - account.refreshed_at

    put_back(account, "refresh_at", "refreshed_at", by=timedelta(minutes=17))
    taken = claim_due()
    simulator.behaviour(status_before={"status": 503, "count": 99}, scope="all")
    down = refresh_early(account.id, seen_version=1)
    account.refresh_from_db()
    in_trouble, looks_again_in = health_of(Connection.objects.get()), account.refresh_at - timezone.now()
    simulator.clear_behaviour()
    put_back(account, "refresh_at", by=timedelta(minutes=2))
    again = claim_due()
    up = refresh_early(account.id, seen_version=1)

    # The access token itself would be good for an hour.
    assert account.access_expires_at - timezone.now() > timedelta(minutes=55)
    assert timedelta(minutes=14) <= wait <= timedelta(minutes=16)
    assert (taken, down, again, up) == ([(account.id, 1)], False, [(account.id, 1)], True)
    assert looks_again_in < timedelta(minutes=2)
    assert (in_trouble.state, in_trouble.why) == (State.ENDS_SOON, "idle")
    account.refresh_from_db()
    assert read_access_token(account) is not None
    assert health_of(Connection.objects.get()).end is None or health_of(Connection.objects.get()).end.why == "grant"


def test_pairing_when_the_maker_says_it_is_needed_then_the_connection_says_so(
    team: Membership, app: ProviderApp
) -> None:
    link = make_connections(team, app, 1)[0]
    VehicleLink.objects.filter(pk=link.pk).update(
        capabilities={
            "lock": {"answer": "no", "why": "needs_pairing", "ranges": {}},
            "set_charge_limit": {"answer": "yes", "why": "", "ranges": {}},
        }
    )

    assert health_of(link.connection).state is State.NEEDS_PAIRING


def test_account_when_nobody_tells_of_it_then_its_status_alone_counts(team: Membership, app: ProviderApp) -> None:
    connection = make_connections(team, app, 1)[0].connection
    ProviderAccount.objects.update(status="needs_owner", refused_last_at=timezone.now())

    assert health_of(connection).state is State.NEEDS_OWNER
    assert tell_of_ends() == 0
