"""Cars that a maker no longer lists: marked for every team, never ended by it, and unmarked when they are back."""

from datetime import timedelta

from django.utils import timezone

from fleet.events.models import Event
from fleet.vehicles.listing import list_due, note_listing
from fleet.vehicles.models import ProviderAccount, VehicleLink
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator


def test_listing_when_a_car_seen_before_is_missing_then_it_is_marked_and_stays(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    account = simulator.account({"model": "ID.3"})
    link = join_simulated_car(make_team(), simulator, account=account)
    elsewhere = join_simulated_car(make_team("Another Fleet"), simulator, account=account)
    login = link.connection.account

    assert note_listing(login, {"another-car"}) == 2
    assert note_listing(login, {"another-car"}) == 0
    marked = VehicleLink.objects.filter(unlisted_at__isnull=False, ended_at__isnull=True)
    assert set(marked.values_list("id", flat=True)) == {link.id, elsewhere.id}
    assert all(one.is_live for one in marked.select_related("connection"))

    assert note_listing(login, {link.provider_vehicle_id}) == 2
    assert not marked.exists()
    told = Event.objects.filter(team_id=link.team_id, kind__in=["link.unlisted", "link.listed"]).order_by("id")
    assert [event.kind for event in told] == ["link.unlisted", "link.listed"]


def test_listing_when_a_day_old_then_the_maker_is_asked_once(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    link = join_simulated_car(make_team(), simulator)
    VehicleLink.objects.filter(pk=link.pk).update(unlisted_at=timezone.now())

    young = list_due()
    ProviderAccount.objects.update(created_at=timezone.now() - timedelta(days=2))
    old, again = list_due(), list_due()

    assert [young, old, again] == [0, 1, 0]
    link.refresh_from_db()
    assert link.unlisted_at is None


def test_listing_when_the_maker_is_down_then_nothing_is_marked(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    link = join_simulated_car(make_team(), simulator)
    ProviderAccount.objects.update(created_at=timezone.now() - timedelta(days=2))
    simulator.behaviour(scope="all", status_before={"status": 503, "count": 50})

    assert list_due() == 0
    link.refresh_from_db()
    assert link.unlisted_at is None
