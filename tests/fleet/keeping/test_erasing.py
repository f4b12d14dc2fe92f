"""The end of a team: only its log is left, however often the eraser died, and other teams' rows stay."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from commands.models import Command
from fleet.adapters.commands import FlashLights
from fleet.adapters.oauth import read_token_answer
from fleet.events import personal
from fleet.events.models import Event, PersonalValue
from fleet.events.sealing import seal_events
from fleet.events.services import acting_as
from fleet.events.verifying import verify
from fleet.keeping.erasing import erase_due_teams
from fleet.keeping.fates import FATES, Fate, models_of_teams
from fleet.keeping.grants import WAITS
from fleet.keeping.models import GrantEnding
from fleet.run.environment import ROOT
from fleet.run.processes import wait_until
from fleet.teams.deletion import NotAllowed, close_team, reopen_team
from fleet.teams.models import Membership, Team, User
from fleet.teams.roles import Role
from fleet.teams.services import add_member
from fleet.vehicles.models import Connection, Lane, ProviderAccount, ProviderApp, VehicleLink
from fleet.vehicles.services import save_account
from fleet.vehicles.tokens import get_access_token
from tests.commands.alerts.rows import bring
from tests.commands.rig import car_of, carry, press
from tests.factories import join_simulated_car, make_share_link, make_team, make_visit
from tests.fleet.keeping.conftest import make_history
from tests.fleet.members.conftest import at_once
from tests.infrastructure.databases import CommittedDatabase
from tests.infrastructure.simulator import Account, Simulator
from tests.signing_in import sign_in


def let_grace_end(superuser: psycopg.Connection, owner: Membership) -> None:
    """Close a team, and let its time of grace pass."""
    close_team(membership=owner)
    superuser.execute("UPDATE teams_team SET delete_at = now() - interval '1 second' WHERE id = %s", [owner.team_id])


def rows_of(team_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a team, whole, by table; but for its log."""
    found = {}
    for model in models_of_teams():
        if FATES.get(model._meta.label_lower) is Fate.KEPT:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t WHERE team_id = %s ORDER BY 1", [team_id])  # noqa: S608
            if rows := cursor.fetchall():
                found[model._meta.label_lower] = rows
    return found


def kinds(team_id: UUID) -> list[str]:
    happened = Event.objects.filter(team_id=team_id).order_by("id").values_list("kind", flat=True)
    return [kind for kind in happened if kind.split(".")[0] in {"team", "grant", "personal", "link"}]


@pytest.fixture
def account(simulator: Simulator) -> Account:
    return simulator.account({"license_plate": "NL-T 1"})


@pytest.fixture
def other(committed_db: CommittedDatabase, simulator: Simulator, account: Account) -> Membership:
    """Another team with the same car by the same login, and a car of its own."""
    other = make_team("Werft")
    make_history(other, join_simulated_car(other, simulator, account=account))
    make_share_link(other)
    return other


@pytest.fixture
def ended(
    owner: Membership, simulator: Simulator, account: Account, other: Membership, superuser: psycopg.Connection
) -> VehicleLink:
    """The only car that no other team has; the team has all else that a team can have, and its time is over."""
    join_simulated_car(owner, simulator, account=account)
    link = join_simulated_car(owner, simulator)
    make_history(owner, link)
    press(link, FlashLights())
    make_visit(owner, link.connection.account.app)
    add_member(team=owner.team, user=other.user, role=Role.VIEWER, actor="system:test")
    let_grace_end(superuser, owner)
    return link


def test_team_when_its_time_is_over_then_only_its_log_is_left_and_others_keep_all(
    owner: Membership, other: Membership, ended: VehicleLink, simulator: Simulator
) -> None:
    shared = Connection.objects.get(team=other.team).account
    own, before, had = ended.connection.account, rows_of(other.team_id), rows_of(owner.team_id)
    events = Event.objects.filter(team_id=owner.team_id).count()

    gone = erase_due_teams()

    assert gone == [owner.team_id]
    assert {"commands.command", "jobs.jobitem", "vehicles.consent", "teams.membership", "connect.visit"} <= had.keys()
    assert rows_of(owner.team_id) == {}
    assert not Team.objects.filter(pk=owner.team_id).exists()
    assert rows_of(other.team_id) == before
    assert User.objects.filter(pk__in=[owner.user_id, other.user_id]).count() == 2
    # The login that both teams used lives on; the other's grant is over at the maker, and nothing of it is left here.
    assert get_access_token(shared.id)
    assert not ProviderAccount.objects.filter(pk=own.pk).exists()
    assert Event.objects.filter(team_id=owner.team_id).count() > events
    told = [kind for kind in kinds(owner.team_id) if kind != "team.created"]
    assert told == ["team.closing", "team.erasing", "link.ended", "link.ended", "grant.ended", "personal.shredded",
                    "team.erased"]  # fmt: skip
    assert Event.objects.get(kind="team.erased").data == {"owners": [str(owner.user_id)]}
    seal_events()
    assert (verify().problems, verify().unsealed) == ([], 0)


def test_shared_car_when_one_of_its_teams_is_erased_then_the_other_still_commands_it(
    owner: Membership, other: Membership, ended: VehicleLink, simulator: Simulator
) -> None:
    link = VehicleLink.objects.get(team=other.team)
    lane = link.vehicle.lane_id
    erase_due_teams()

    command = press(link, FlashLights())
    carry(command, until=["confirmed", "unresolved", "failed", "refused"])

    assert "lights.flash" in car_of(link, simulator).executed()
    assert Lane.objects.filter(pk=lane).exists()


def test_erasing_when_the_team_was_opened_again_then_nothing_goes(
    owner: Membership, ended: VehicleLink, superuser: psycopg.Connection
) -> None:
    reopen_team(membership=owner)
    before = rows_of(owner.team_id)

    assert erase_due_teams() == []
    assert rows_of(owner.team_id) == before


def test_erasing_when_an_owner_opens_the_team_in_the_same_moment_then_one_of_both_happens(
    owner: Membership, ended: VehicleLink
) -> None:
    came_of = at_once(lambda: erase_due_teams(), lambda: reopen_team(membership=owner))

    was_opened = True in came_of
    lost = NotAllowed | Team.DoesNotExist | Membership.DoesNotExist
    assert was_opened or any(isinstance(one, lost) for one in came_of)
    assert Team.objects.filter(pk=owner.team_id, delete_at=None).exists() == was_opened
    assert bool(rows_of(owner.team_id)) == was_opened


def test_erasing_when_it_begins_then_nobody_sees_or_opens_the_team_any_more(
    owner: Membership, ended: VehicleLink
) -> None:
    browser = sign_in(Client(), owner)

    erase_due_teams(within_s=0)

    assert Team.objects.filter(pk=owner.team_id).exists()
    assert browser.get(f"/vehicles/{ended.vehicle_id}/").status_code in {302, 404}  # to "you are in no team"
    assert browser.post("/teams/reopening/").status_code in {302, 404}
    assert Team.objects.get(pk=owner.team_id).delete_at is not None
    with pytest.raises(NotAllowed):
        reopen_team(membership=owner)


def test_erasing_when_a_command_is_on_its_way_then_it_is_followed_to_its_end_first(
    owner: Membership, link: VehicleLink, superuser: psycopg.Connection
) -> None:
    command = bring(press(link, FlashLights()), "sent")
    let_grace_end(superuser, owner)

    first = erase_due_teams()
    kept = (Command.objects.get().pk, ProviderAccount.objects.get().refresh_token_sealed is not None)
    with acting_as("system:test"):
        Command.objects.filter(pk=command.pk).update(
            state="unresolved", error_code="not_proved", finished_at=timezone.now()
        )
    second = erase_due_teams()

    assert (first, kept) == ([], (command.pk, True))
    assert second == [owner.team_id]


ERASER = """
import django
django.setup()
from fleet.keeping.erasing import erase_due_teams
erase_due_teams(most=1)
"""


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("table", ["jobs_jobitem", "vehicles_consent", "teams_authority"])
def test_eraser_when_it_is_killed_in_the_middle_then_the_next_one_goes_on(
    owner: Membership,
    other: Membership,
    ended: VehicleLink,
    committed_db: CommittedDatabase,
    superuser: psycopg.Connection,
    table: str,
) -> None:
    before = rows_of(other.team_id)
    with psycopg.connect(committed_db.owner_url) as holder:
        # Somebody holds a row of this table: there the eraser stands when it is killed.
        holder.execute(f"SELECT 1 FROM {table} WHERE team_id = %s FOR UPDATE", [owner.team_id])  # noqa: S608
        env = {**os.environ, "DATABASE_URL": committed_db.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        eraser = subprocess.Popen([sys.executable, "-c", ERASER], cwd=ROOT, env=env)
        # As the superuser: others do not see what a process waits for.
        assert wait_until(lambda: superuser.execute(WAITING).fetchone() == (1,), within_s=30)
        eraser.kill()
        eraser.wait()
    half = rows_of(owner.team_id)

    assert wait_until(lambda: erase_due_teams() == [owner.team_id], within_s=30)

    assert 0 < len(half) < len(FATES)
    assert rows_of(owner.team_id) == {}
    assert rows_of(other.team_id) == before
    assert kinds(owner.team_id).count("team.erased") == 1
    seal_events()
    assert verify().problems == []


def test_grant_when_the_maker_is_silent_then_it_is_asked_for_a_week_and_the_tokens_go_all_the_same(
    owner: Membership, link: VehicleLink, superuser: psycopg.Connection
) -> None:
    app = link.connection.account.app
    ProviderApp.objects.filter(pk=app.pk).update(urls=app.urls | {"revoke": "http://127.0.0.1:9/{brand}"})
    let_grace_end(superuser, owner)

    rounds = []
    for _ in range(len(WAITS) + 1):
        rounds.append(erase_due_teams())
        rounds.append(erase_due_teams())  # not before its time
        GrantEnding.objects.update(next_try_at=timezone.now())

    assert [gone for gone in rounds if gone] == [[owner.team_id]]
    assert sum(WAITS, timedelta()) >= timedelta(days=6)
    assert not ProviderAccount.objects.exists()
    event = Event.objects.get(kind="grant.abandoned")
    assert (event.team_id, event.data["tries"]) == (owner.team_id, len(WAITS) + 1)


def test_grant_when_another_team_is_given_it_meanwhile_then_it_lives_on(
    owner: Membership, link: VehicleLink, simulator: Simulator, superuser: psycopg.Connection
) -> None:
    account = link.connection.account
    app = account.app
    ProviderApp.objects.filter(pk=app.pk).update(urls=app.urls | {"revoke": "http://127.0.0.1:9/{brand}"})
    let_grace_end(superuser, owner)
    erase_due_teams()
    late = make_team("Werft")
    # The owner signs in for the other team: new tokens for the same login.
    again = Account(account.provider_user_id, account.brand, "", "", [])
    save_account(app=app, brand=account.brand, tokens=read_token_answer(simulator.token(again)))
    Connection.objects.create(team=late.team, account=account, owner=make_owner(late), scopes_granted=[])
    GrantEnding.objects.update(next_try_at=timezone.now())

    gone = erase_due_teams()

    assert gone == [owner.team_id]
    assert get_access_token(account.id)


def make_owner(membership: Membership) -> Any:
    with acting_as("system:test"):
        return apps.get_model("vehicles", "Owner").objects.create(team=membership.team, name="Olga Owner")


def test_team_with_a_registration_of_its_own_when_it_is_erased_then_that_goes_too(
    owner: Membership, link: VehicleLink, superuser: psycopg.Connection
) -> None:
    app_id = link.connection.account.app_id
    ProviderApp.objects.filter(pk=app_id).update(team=owner.team)
    with acting_as("system:test"), connection.cursor() as cursor:
        cursor.execute("SELECT wake_grant(%s, %s, false, 'test')", [link.vehicle.lane_id, app_id])
    let_grace_end(superuser, owner)

    assert erase_due_teams() == [owner.team_id]
    assert not ProviderApp.objects.filter(pk=app_id).exists()


def test_names_when_the_team_is_erased_then_its_own_are_shredded_and_no_others(
    owner: Membership, link: VehicleLink, other: Membership, superuser: psycopg.Connection
) -> None:
    with transaction.atomic():
        mine = personal.keep("ada@example.com", team_id=owner.team_id)
    let_grace_end(superuser, owner)

    erase_due_teams()

    assert personal.read([mine], team_id=owner.team_id) == {}
    assert PersonalValue.objects.filter(team_id=other.team_id).count() == 1


# The database draws the line ----------------------------------------------------------------------------------------


def erase_by_hand(team_id: UUID, table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT erase_rows(%s, %s::regclass, 100)", [team_id, table])


def test_rows_when_the_time_is_not_over_then_the_database_keeps_them(owner: Membership, link: VehicleLink) -> None:
    close_team(membership=owner)

    with pytest.raises(DatabaseError, match="its time is not over"):
        erase_by_hand(owner.team_id, "vehicles_consent")


def test_rows_when_somebody_still_sees_the_team_then_the_database_keeps_them(
    owner: Membership, ended: VehicleLink
) -> None:
    with pytest.raises(DatabaseError, match="still open to its members"):
        erase_by_hand(owner.team_id, "vehicles_consent")


def test_log_when_the_team_is_over_then_the_database_keeps_it(
    owner: Membership, link: VehicleLink, superuser: psycopg.Connection
) -> None:
    let_grace_end(superuser, owner)
    Membership.objects.filter(team=owner.team).update(ended_at=timezone.now())

    with pytest.raises(DatabaseError, match="append-only"):
        erase_by_hand(owner.team_id, "events_event")


# The census ---------------------------------------------------------------------------------------------------------


def test_fates_when_a_model_is_new_then_somebody_has_to_judge_it() -> None:
    labels = {model._meta.label_lower for model in models_of_teams()}

    assert labels - FATES.keys() == set(), "say in fleet/keeping/fates.py what becomes of these"
    assert FATES.keys() - labels == set()


def test_fates_when_a_model_has_a_key_of_its_team_then_it_is_found() -> None:
    named = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.column == "team_id" for field in model._meta.concrete_fields)
    }

    assert named == {model._meta.db_table for model in models_of_teams()}
