"""What an owner takes back: it is forgotten at once, a read that is under way brings nothing back; private hours."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from fleet.adapters.signals import Reading, VehicleSnapshot
from fleet.events.models import Event
from fleet.run.processes import wait_until
from fleet.vehicles.consent import (
    LOCATION,
    allowed_scopes,
    forget_private_locations,
    give_consent,
    private_until,
    set_private_hours,
    withdraw_consent,
)
from fleet.vehicles.models import Connection, Consent, Owner, VehicleLink, VehicleSignal
from fleet.vehicles.services import end_link
from fleet.vehicles.snapshots import SAVE_SNAPSHOTS, Taken, save_snapshot, snapshot_parameters
from tests.factories import join_simulated_car, make_team
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import ALL_SCOPES, Simulator

VALUES = {"soc_percent": 61, "locked": True, "location": {"latitude": 52.5, "longitude": 13.4}}


@pytest.fixture
def link(db: None, simulator: Simulator) -> VehicleLink:
    """A car with everything allowed and something known."""
    link = join_simulated_car(make_team(), simulator, learn=False)
    read_of(link)()
    return link


def read_of(link: VehicleLink) -> Callable[[], None]:
    """A read that the maker has answered by now; call it to have it kept. It knows the scopes from before."""
    now = datetime.now(UTC)
    snapshot = VehicleSnapshot("online", now, {name: Reading(value, now) for name, value in values().items()})
    scopes = allowed_scopes(link)
    return lambda: save_snapshot(snapshot, link=link, scopes=scopes, source="simulator", purpose="regular")


def values() -> dict[str, Any]:
    return VALUES | {"online_state": "online"}


def known(link: VehicleLink) -> set[str]:
    return set(VehicleSignal.objects.filter(vehicle=link.vehicle_id).values_list("signal", flat=True))


def fresh(link: VehicleLink) -> VehicleLink:
    return VehicleLink.objects.select_related("connection__owner", "vehicle").get(pk=link.pk)


# Taking back and giving -----------------------------------------------------------------------------------------


def test_withdraw_when_a_read_is_under_way_then_it_does_not_bring_back_what_was_taken(link: VehicleLink) -> None:
    arrives = read_of(link)

    withdraw_consent(link=link, scope="read_location", actor="owner:test")
    before = known(link)
    arrives()

    assert before == {"soc_percent", "locked", "online_state"}
    assert known(link) == before


def test_end_when_a_read_is_under_way_then_nothing_of_the_car_is_kept(link: VehicleLink) -> None:
    arrives = read_of(link)

    end_link(link=link, actor="owner:test")
    before = known(link)
    arrives()

    assert (before, known(link)) == (set(), set())


@pytest.mark.parametrize("is_withdrawn", [True, False])
def test_withdraw_when_it_is_written_in_the_same_moment_as_a_read_then_neither_waits_nor_leaves_anything(
    committed_db: CommittedDatabase, simulator: Simulator, is_withdrawn: bool
) -> None:
    link = join_simulated_car(make_team(), simulator, learn=False)
    now = datetime.now(UTC)
    snapshot = VehicleSnapshot("online", now, {name: Reading(value, now) for name, value in VALUES.items()})
    taken = Taken(snapshot, link.team_id, link.vehicle_id, link.id, allowed_scopes(link), "simulator", "regular")

    with psycopg.connect(committed_db.url, autocommit=True) as reader, transaction.atomic():
        withdraw_consent(link=link, scope="read_location", actor="owner:test")
        # The change is there, but nobody else sees it yet: the consent looks given to who does not ask for its row.
        reader.execute("SET statement_timeout = '5s'")
        reader.execute(SAVE_SNAPSHOTS, snapshot_parameters([taken]))
        transaction.set_rollback(not is_withdrawn)

    # Of that one read less is kept, never more; the next one keeps what is allowed then.
    assert known(link) == set()


def test_withdraw_when_a_read_is_just_being_written_then_it_waits_and_forgets_that_too(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    link = join_simulated_car(make_team(), simulator, learn=False)
    now = datetime.now(UTC)
    snapshot = VehicleSnapshot("online", now, {name: Reading(value, now) for name, value in VALUES.items()})
    taken = Taken(snapshot, link.team_id, link.vehicle_id, link.id, allowed_scopes(link), "simulator", "regular")

    with psycopg.connect(committed_db.url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute(SAVE_SNAPSHOTS, snapshot_parameters([taken]))
        taking_back = pool.submit(_in_a_thread, withdraw_consent, link=link, scope="read_location", actor="owner:test")
        assert wait_until(lambda: _somebody_waits(), within_s=10)
        reader.commit()
        assert taking_back.result(timeout=10)

    assert known(link) == {"soc_percent", "locked"}


def _in_a_thread(call: Callable[..., Any], **arguments: Any) -> Any:
    try:
        return call(**arguments)
    finally:
        connection.close()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return cursor.fetchone()[0] == 1


def test_give_when_taken_back_before_then_there_are_two_rows_and_the_waiting_keep_their_version(
    link: VehicleLink,
) -> None:
    withdraw_consent(link=link, scope="control_security", actor="owner:test")
    version = fresh(link).consent_version

    first = give_consent(link=link, scope="control_security", text_version="new", actor="owner:test")
    again = give_consent(link=link, scope="control_security", text_version="newer", actor="owner:test")

    rows = Consent.objects.filter(link=link, scope="control_security").order_by("given_at")
    assert (first, again) == (True, False)
    assert [(row.text_version, row.withdrawn_at is None) for row in rows] == [("test", False), ("new", True)]
    assert fresh(link).consent_version == version
    event = Event.objects.get(kind="consent.given")
    assert (event.actor, event.vehicle_id, event.data) == (
        "owner:test",
        link.vehicle_id,
        {"scope": "control_security", "text_version": "new"},
    )


def test_give_when_the_maker_did_not_grant_it_or_the_link_is_over_then_it_is_refused(link: VehicleLink) -> None:
    withdraw_consent(link=link, scope="control_security", actor="owner:test")
    connection_ = link.connection
    connection_.scopes_granted = sorted(set(ALL_SCOPES) - {"control_security"})
    connection_.save(update_fields=["scopes_granted"])

    with pytest.raises(ValueError, match="not granted"):
        give_consent(link=link, scope="control_security", text_version="new", actor="owner:test")
    end_link(link=link, actor="owner:test")
    with pytest.raises(ValueError, match="not granted"):
        give_consent(link=link, scope="read_battery", text_version="new", actor="owner:test")

    assert not Consent.objects.filter(link=link, withdrawn_at__isnull=True).exists()


# Private hours ----------------------------------------------------------------------------------------------------

EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
# 2026-01-05 is a Monday.
NIGHT = [{"days": [1], "from": "18:00", "until": "06:00"}]
DAY = [{"days": [1, 3], "from": "08:00", "until": "12:30"}]


@pytest.mark.parametrize(
    ("windows", "zone", "at", "is_private"),
    [
        (NIGHT, "Europe/Berlin", "2026-01-05 18:00", True),
        (NIGHT, "Europe/Berlin", "2026-01-05 17:59", False),
        (NIGHT, "Europe/Berlin", "2026-01-06 05:59", True),
        (NIGHT, "Europe/Berlin", "2026-01-06 06:00", False),
        # It counts for the day on which it began: not on Monday's morning, not on Tuesday's evening.
        (NIGHT, "Europe/Berlin", "2026-01-05 05:00", False),
        (NIGHT, "Europe/Berlin", "2026-01-06 19:00", False),
        ([{"days": [7], "from": "22:00", "until": "01:00"}], "Asia/Tokyo", "2026-01-05 00:30", True),
        (DAY, "America/New_York", "2026-01-07 12:29", True),
        (DAY, "America/New_York", "2026-01-07 12:30", False),
        (DAY, "America/New_York", "2026-01-06 09:00", False),
        # The hour that is left out in spring, the hour that comes twice in autumn.
        ([{"days": EVERY_DAY, "from": "02:00", "until": "04:00"}], "Europe/Berlin", "2026-03-29 03:30", True),
        ([{"days": EVERY_DAY, "from": "02:00", "until": "03:00"}], "Europe/Berlin", "2026-10-25 02:30", True),
        (DAY + NIGHT, "", "2026-01-05 23:00", True),
        ([], "Europe/Berlin", "2026-01-05 19:00", False),
    ],
)
def test_private_hours_when_asked_then_the_clock_at_the_owners_place_counts(
    db: None, windows: list[Any], zone: str, at: str, is_private: bool
) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone or "UTC"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT in_private_hours(%s::jsonb, %s, %s)", [psycopg.types.json.Jsonb(windows), zone, moment])
        (found,) = cursor.fetchone()
    owner = Owner(private_hours=windows, private_time_zone=zone)
    link = VehicleLink(connection=Connection(owner=owner))

    assert found is is_private
    # What the team reads is told by the same hours.
    until = private_until(link, moment)
    assert (until is not None) is is_private
    if until is not None:
        assert until > moment
        assert f"{until:%H:%M}" in {window["until"] for window in windows}


def around_now(*, before_min: int, after_min: int) -> list[dict[str, Any]]:
    """A window in UTC that began and ends so many minutes from now."""
    now = timezone.now()
    return [
        {
            "days": EVERY_DAY,
            "from": f"{now - timedelta(minutes=before_min):%H:%M}",
            "until": f"{now + timedelta(minutes=after_min):%H:%M}",
        }
    ]


def test_private_hours_when_they_run_then_the_location_is_forgotten_and_not_kept_again(link: VehicleLink) -> None:
    owner = link.connection.owner

    set_private_hours(
        owner=owner, windows=around_now(before_min=5, after_min=60), time_zone="UTC", actor=f"owner:{owner.id}"
    )
    at_once = known(link)
    read_of(link)()

    assert set(LOCATION) & at_once == set()
    assert known(link) == {"soc_percent", "locked", "online_state"}
    event = Event.objects.get(kind="owner.private_hours_set")
    assert (event.subject, event.data) == (f"owner:{owner.id}", {"windows": 1})


def test_private_hours_when_they_are_over_then_the_location_is_kept_again(link: VehicleLink) -> None:
    owner = link.connection.owner
    set_private_hours(
        owner=owner, windows=around_now(before_min=90, after_min=-30), time_zone="UTC", actor=f"owner:{owner.id}"
    )

    read_of(link)()

    assert forget_private_locations() == 0
    assert "location" in known(link)


def test_private_hours_when_another_owner_has_none_then_their_cars_are_seen(
    link: VehicleLink, simulator: Simulator
) -> None:
    other = join_simulated_car(make_team("Another Fleet"), simulator, learn=False)
    read_of(other)()
    owner = link.connection.owner

    set_private_hours(
        owner=owner, windows=around_now(before_min=5, after_min=60), time_zone="UTC", actor=f"owner:{owner.id}"
    )

    assert ("location" in known(link), "location" in known(other)) == (False, True)


@pytest.mark.parametrize(
    ("windows", "zone"),
    [
        ([{"days": [], "from": "18:00", "until": "06:00"}], "UTC"),
        ([{"days": [8], "from": "18:00", "until": "06:00"}], "UTC"),
        ([{"days": [1], "from": "18:00", "until": "18:00"}], "UTC"),
        ([{"days": [1], "from": "24:00", "until": "06:00"}], "UTC"),
        ([{"days": [1], "from": "6:00", "until": "07:00"}], "UTC"),
        (NIGHT, "Atlantis/Capital"),
        (NIGHT * 8, "UTC"),
    ],
)
def test_private_hours_when_they_make_no_sense_then_nothing_is_kept(
    link: VehicleLink, windows: list[Any], zone: str
) -> None:
    owner = link.connection.owner

    with pytest.raises(ValueError, match=r"\w"):
        set_private_hours(owner=owner, windows=windows, time_zone=zone, actor="owner:test")

    assert Owner.objects.values_list("private_hours", "private_time_zone").get(pk=owner.pk) == ([], "")
    assert not Event.objects.filter(kind="owner.private_hours_set").exists()
