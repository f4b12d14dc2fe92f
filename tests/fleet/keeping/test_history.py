"""What goes when it is over and old enough, what stays, and that the database itself draws the line."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from commands.alerts.models import Alert
from commands.alerts.services import close_alert
from commands.jobs.models import Job, JobItem
from commands.jobs.services import retry_failed
from commands.models import Command, CommandAttempt
from commands.programs.models import ScheduleRun, TimedCommand
from fleet.adapters.commands import FlashLights, HonkHorn, Lock, Unlock
from fleet.events.models import Event, PersonalValue
from fleet.events.sealing import seal_events
from fleet.events.services import acting_as
from fleet.events.verifying import verify
from fleet.keeping.history import BEGINNING, PLACE, remove_batch, remove_history
from fleet.keeping.locks import alone_at
from fleet.keeping.tasks import end_teams
from fleet.keeping.tasks import remove_history as remove_what_is_over
from fleet.teams.models import Invitation, Membership, Team
from fleet.vehicles.models import ReadCount, VehicleLink, VehicleSignal
from tests.commands.alerts.rows import bring
from tests.commands.jobs.rig import feed, start
from tests.commands.programs.scheduling import make_timed
from tests.commands.rig import press
from tests.factories import join_simulated_car, make_team
from tests.fleet.keeping.conftest import Pass, finish, finish_job, make_history
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Simulator
from tests.signing_in import sign_in

HISTORY = (
    Command, CommandAttempt, Job, JobItem, ScheduleRun, TimedCommand, Alert, Invitation, VehicleSignal, PersonalValue,
)  # fmt: skip


def keep(owner: Membership, *, history: int | None = 30, names: int | None = None) -> None:
    Team.objects.filter(pk=owner.team_id).update(keep_history_days=history, keep_names_days=names)


def rows(owner: Membership) -> dict[str, int]:
    """How many rows of each kind a team has."""
    return {model.__name__: model.objects.filter(team_id=owner.team_id).count() for model in HISTORY}


def test_read_counts_when_they_are_90_days_old_then_they_go_whatever_the_team_wishes(
    committed_db: CommittedDatabase, simulator: Simulator
) -> None:
    link = join_simulated_car(make_team(), simulator, learn=False)
    for days in (89, 91, 92, 93):
        hour_at = timezone.now() - timedelta(days=days)
        ReadCount.objects.create(team_id=link.team_id, link=link, hour_at=hour_at, purpose="regular")

    removed = remove_history(most=2)

    assert removed == Counter({"read_counts": 3})
    assert ReadCount.objects.count() == 1


def removed_by_log(owner: Membership) -> Counter[str]:
    events = Event.objects.filter(team_id=owner.team_id, kind="team.history_removed")
    return sum((Counter(event.data) for event in events), Counter())


def test_history_when_it_is_old_then_it_goes_and_what_is_young_stays(
    owner: Membership, link: VehicleLink, simulator: Simulator, days_pass: Pass
) -> None:
    other = make_team("Werft")
    make_history(other, join_simulated_car(other, simulator))
    make_history(owner, link)
    days_pass(40)
    of_old, of_other = rows(owner), rows(other)
    make_history(owner, link)
    of_both = rows(owner)
    keep(owner, names=30)

    removed = remove_history()

    expected = {name: of_both[name] - of_old[name] for name in of_both}
    assert rows(owner) == expected
    assert all(expected[name] > 0 for name in expected if name != "VehicleSignal"), expected
    assert rows(other) == of_other
    assert removed == Counter(
        commands=3, jobs=1, schedule_runs=1, timed=1, alerts=1, invitations=1, readings=of_old["VehicleSignal"], names=1
    )
    assert removed_by_log(owner) == removed - Counter(names=1)
    assert remove_history() == Counter()
    seal_events()
    assert (verify().problems, verify().unsealed) == ([], 0)


def test_history_when_the_team_wishes_to_keep_it_then_nothing_goes(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    make_history(owner, link)
    days_pass(4000)
    before = rows(owner)

    removed = remove_history()
    batch, _ = remove_batch(owner.team_id, BEGINNING, most=10)

    assert (removed, batch, rows(owner)) == (Counter(), Counter(), before)


def test_history_when_something_still_needs_it_then_it_stays(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    sent = bring(press(link, FlashLights()), "sent")
    unproved = bring(press(link, Lock()), "unresolved", error_code="not_proved")
    timed = make_timed(link, owner)
    bring(timed.first, "confirmed", evidence="vehicle_ack")
    done = finish(link, HonkHorn())
    days_pass(400)
    keep(owner)

    removed = remove_history(most=1)

    assert removed["commands"] == 1
    assert set(Command.objects.values_list("id", flat=True)) == {sent.id, unproved.id, timed.first_id}
    assert not Command.objects.filter(pk=done.pk).exists()
    assert Alert.objects.get().command_id == unproved.id


def test_history_when_an_alert_is_closed_then_its_command_goes_with_it_later(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    bring(press(link, Lock()), "unresolved", error_code="not_proved")
    days_pass(20)
    close_alert(alert=Alert.objects.get(), user=owner.user, note="Found it locked.")
    days_pass(20)
    keep(owner)

    first = remove_history()
    days_pass(20)
    second = remove_history()

    assert (first["commands"], first["alerts"]) == (0, 0)
    assert (second["commands"], second["alerts"]) == (1, 1)


def test_history_when_it_goes_in_small_batches_then_all_of_it_goes(
    owner: Membership, link: VehicleLink, simulator: Simulator, days_pass: Pass
) -> None:
    join_simulated_car(owner, simulator)
    for _ in range(3):
        make_history(owner, link)
    days_pass(40)
    keep(owner)
    remove_batch(owner.team_id, None, most=1)  # a run that died after its first transaction

    remove_history(most=1)

    assert {name: number for name, number in rows(owner).items() if number} == {"PersonalValue": 3}
    assert removed_by_log(owner)["commands"] == 12


def test_history_when_somebody_else_is_removing_then_nothing_is_done(
    owner: Membership, link: VehicleLink, as_owner: psycopg.Connection, days_pass: Pass
) -> None:
    make_history(owner, link)
    days_pass(40)
    keep(owner)
    as_owner.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [PLACE])

    assert remove_history() == Counter()

    with alone_at(PLACE) as is_mine:
        assert not is_mine


def test_clock_when_it_rings_then_workers_do_both(owner: Membership, link: VehicleLink, days_pass: Pass) -> None:
    finish(link)
    days_pass(40)
    keep(owner)
    beat = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}

    for task in (end_teams, remove_what_is_over):
        task()

    assert {end_teams.name, remove_what_is_over.name} <= beat
    assert not Command.objects.exists()


def test_retry_when_its_first_job_went_then_it_stays_and_its_page_opens(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    first = start(owner, Lock())
    feed()
    bring(Command.objects.get(cause=f"job:{first.id}"), "failed", error_code="vehicle_unreachable")
    feed()
    first.refresh_from_db()
    days_pass(40)
    again = retry_failed(job=first, membership=owner)
    keep(owner)

    remove_history()

    browser = sign_in(Client(), owner)
    pages = {path: browser.get(path).status_code for path in (f"/jobs/{again.id}/", f"/jobs/{first.id}/", "/audit/")}
    assert pages == {f"/jobs/{again.id}/": 200, f"/jobs/{first.id}/": 404, "/audit/": 200}
    assert Job.objects.get(pk=again.pk).parent_id is None
    assert "/jobs/" + str(first.id) not in browser.get(f"/jobs/{again.id}/").content.decode()


def test_key_when_its_command_is_younger_than_the_history_then_it_still_brings_that(
    owner: Membership, link: VehicleLink, days_pass: Pass
) -> None:
    command = finish(link, idempotency_key="once")
    days_pass(29)
    keep(owner)

    remove_history()

    assert press(link, FlashLights(), idempotency_key="once") == command


# The database draws the line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Command, CommandAttempt, Job, JobItem, Alert, ScheduleRun, TimedCommand])
def test_row_when_the_application_deletes_it_itself_then_it_is_refused(db: None, model: type[Model]) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        model.objects.all()._raw_delete("default")


@pytest.mark.parametrize("column", ["keep_history_days", "keep_names_days"])
def test_limit_when_it_is_less_than_a_month_then_the_database_refuses_it(db: None, column: str) -> None:
    owner = make_team()

    with pytest.raises(IntegrityError):
        Team.objects.filter(pk=owner.team_id).update(**{column: 29})


def test_command_when_the_application_makes_it_look_old_then_it_stays(owner: Membership, link: VehicleLink) -> None:
    past = timezone.now() - timedelta(days=400)
    pattern = press(link, Unlock())
    with acting_as("system:test"):
        made = Command.objects.get(pk=pattern.pk)
        made.pk, made.sequence, made.accepted_at, made.finished_at = UUID(int=7), 900, past, None
        made.save(force_insert=True)
    bring(made, "cancelled", finished_at=past + timedelta(seconds=1))
    keep(owner)

    assert remove_history()["commands"] == 0
    assert Command.objects.filter(pk=made.pk).exists()


def test_functions_when_somebody_else_calls_them_then_they_may_not(
    committed_db: CommittedDatabase, superuser: psycopg.Connection
) -> None:
    superuser.execute("CREATE ROLE stranger LOGIN")
    try:
        names = superuser.execute(
            "SELECT p.oid::regprocedure::text, has_function_privilege('stranger', p.oid, 'EXECUTE'), p.prosecdef, "
            "p.proconfig FROM pg_proc p WHERE p.proname ~ '^(remove_old_|erase_rows)'"
        ).fetchall()
    finally:
        superuser.execute("DROP ROLE stranger")
    assert len(names) == 6
    assert {(may, as_owner, tuple(config)) for _, may, as_owner, config in names} == {
        (False, True, ("search_path=pg_catalog, public, pg_temp",))
    }


def test_history_when_a_job_is_big_then_it_goes_whole(owner: Membership, link: VehicleLink, days_pass: Pass) -> None:
    job = finish_job(owner)
    days_pass(40)
    keep(owner)

    batch, _ = remove_batch(owner.team_id, None, most=1)

    assert (batch["jobs"], JobItem.objects.filter(job_id=job.id).count()) == (1, 0)
