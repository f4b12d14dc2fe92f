"""A team that is closed: nothing leaves any more, everything says so, and an owner opens it again."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from commands.models import Command
from commands.programs.models import Schedule
from commands.services import NotAllowed
from connect.acceptance import VisitOver, _use_link
from connect.models import ShareLink, Visit
from fleet.adapters.commands import FlashLights, Lock, Unlock
from fleet.events.models import Event
from fleet.keeping.closing import _waiting_in_vain, stop_closed_teams, stop_team
from fleet.live.broadcast import Broadcast, Page, Right
from fleet.members.addresses import read_pasted
from fleet.members.invitations import invite, invite_by_link
from fleet.members.letters import find_waiting
from fleet.teams.deletion import NotAllowed as MayNotEnd
from fleet.teams.deletion import close_team, reopen_team
from fleet.teams.grants import Grant
from fleet.teams.models import Membership, Team
from fleet.teams.roles import Role
from fleet.teams.services import change_role
from fleet.vehicles.models import Vehicle, VehicleLink
from fleet.vehicles.tasks import refresh_due
from tests.commands.jobs.rig import feed, over, start
from tests.commands.programs.scheduling import make_schedule
from tests.commands.rig import car_of, carry, known, press
from tests.commands.test_roles import try_all_ways
from tests.factories import make_member, make_share_link, make_visit
from tests.fleet.members.conftest import at_once
from tests.infrastructure.simulator import Simulator
from tests.signing_in import sign_in


def reloaded(membership: Membership) -> Membership:
    """The member as the next request would find them."""
    return Membership.objects.select_related("team", "authority", "user", "custom_role").get(pk=membership.pk)


def test_command_when_the_team_is_closed_then_none_is_accepted(owner: Membership, link: VehicleLink) -> None:
    close_team(membership=owner)

    assert try_all_ways(reloaded(owner), link, Lock()) == {"team_closing"}
    with pytest.raises(NotAllowed):
        press(link, Unlock())
    assert not Command.objects.exists()


def test_command_when_the_team_is_closed_after_it_was_accepted_then_it_never_leaves(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    command = press(link, FlashLights())

    close_team(membership=owner)
    carry(command, until=["refused"])

    assert known(command) == ("refused", "", "rights_changed", "")
    assert car_of(link, simulator).requests() == []


def test_presses_when_the_team_is_closed_in_the_same_moment_then_none_of_them_leaves(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    member = reloaded(owner)  # a request that looked before the team was closed

    came_of = at_once(
        *(lambda: press(link, FlashLights(), by=member) for _ in range(6)), lambda: close_team(membership=owner)
    )
    carry()

    commands = [one for one in came_of if isinstance(one, Command)]
    assert not [one for one in came_of if isinstance(one, Exception) and not isinstance(one, NotAllowed)]
    assert {known(command)[0] for command in commands} <= {"refused"}
    assert car_of(link, simulator).requests() == []


def test_what_runs_when_the_team_is_closed_then_it_stops_and_does_not_start_again(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    schedule = make_schedule(owner)
    job = start(owner, Lock())
    command = press(link, FlashLights())

    close_team(membership=owner)
    stop_team(owner.team_id)
    feed()
    reopen_team(membership=owner)
    stop_closed_teams()
    feed()
    carry()

    schedule.refresh_from_db()
    assert (schedule.state, schedule.reason) == (Schedule.State.PAUSED, "team_closing")
    assert known(command)[0] == "cancelled"
    assert over(job) == ("stopped", "rights")
    assert car_of(link, simulator).requests() == []


def test_command_when_the_team_is_open_again_then_it_is_sent_though_the_stop_comes_late(
    owner: Membership, link: VehicleLink, simulator: Simulator
) -> None:
    close_team(membership=owner)
    reopen_team(membership=owner)
    command = press(link, FlashLights())

    stop_team(owner.team_id)
    in_vain = list(_waiting_in_vain(owner.team_id))
    carry(command, until=["confirmed"])

    assert in_vain == []
    assert car_of(link, simulator).requests() == ["lights.flash"]


def test_ways_in_when_the_team_is_closed_then_they_say_so(owner: Membership, link: VehicleLink, client: Client) -> None:
    _, share = make_share_link(owner)
    visit = make_visit(owner, link.connection.account.app)
    _, letter = invite_by_link(membership=owner, grant=Grant(Role.VIEWER))
    invite(membership=owner, rows=read_pasted("ada@example.com"), grant=Grant(Role.VIEWER))
    open_before = [client.get(f"/c/{share}/").status_code, client.get(f"/join/{letter}/", follow=True).status_code]

    close_team(membership=owner)

    answers = [client.get(f"/c/{share}/"), client.get(f"/join/{letter}/", follow=True)]
    assert open_before == [200, 200]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert ["is closed" in answer.content.decode() for answer in answers] == [True, True]
    assert Visit.objects.get(pk=visit.pk).link.problem(timezone.now()) == "team_closed"
    assert find_waiting() == []


def test_owner_when_the_team_is_closed_on_their_way_then_no_car_joins(owner: Membership, link: VehicleLink) -> None:
    visit = make_visit(owner, link.connection.account.app)
    close_team(membership=owner)

    with pytest.raises(VisitOver) as over:
        _use_link(visit, timezone.now())

    assert over.value.code == "team_closed"
    assert ShareLink.objects.get(pk=visit.link_id).uses == 0


def test_reading_when_the_team_is_closed_then_its_cars_are_left_alone(owner: Membership, link: VehicleLink) -> None:
    Vehicle.objects.update(read_at=None)
    close_team(membership=owner)
    refresh_due()
    while_closed = Vehicle.objects.get().read_at

    reopen_team(membership=owner)
    refresh_due()

    assert while_closed is None
    assert Vehicle.objects.get().read_at is not None


def test_closing_when_it_is_done_then_the_log_and_the_row_say_until_when(owner: Membership) -> None:
    before = timezone.now()

    ends_at = close_team(membership=owner)
    again = close_team(membership=owner)

    assert timedelta() <= ends_at - before - timedelta(days=settings.TEAM_GRACE_DAYS) < timedelta(minutes=1)
    assert again == ends_at
    event = Event.objects.get(kind="team.closing")
    assert (event.actor, event.team_id, event.data) == (
        owner.user.actor,
        owner.team_id,
        {"delete_at": ends_at.isoformat()},
    )


def test_closing_when_the_right_was_lost_a_moment_ago_then_nothing_happens(owner: Membership) -> None:
    second = make_member(owner.team, Role.OWNER)
    stale = reloaded(owner)
    change_role(membership=owner, role=Role.ADMIN, actor=second.user.actor)

    with pytest.raises(MayNotEnd):
        close_team(membership=stale)

    assert Team.objects.get(pk=owner.team_id).delete_at is None


@pytest.mark.parametrize("hours", [-1, 1, 23])
def test_grace_when_it_is_less_than_a_day_then_the_database_refuses_it(owner: Membership, hours: int) -> None:
    with pytest.raises(DatabaseError, match="a day at least"), transaction.atomic():
        Team.objects.filter(pk=owner.team_id).update(delete_at=timezone.now() + timedelta(hours=hours))


@pytest.mark.parametrize(("kind", "left"), [("team.closing", False), ("team.reopened", False), ("team.erasing", True)])
def test_open_pages_when_the_team_ends_then_all_of_them_look_again(kind: str, left: bool) -> None:
    broadcast, page = Broadcast(), Page("T", frozenset(), Right("membership:1"))
    broadcast._pages.add(page)

    broadcast.tell({"team": "T", "changes": [[None, kind, "team:T"]]})
    broadcast.tell({"team": "U", "changes": [[None, kind, "team:U"]]})

    assert [page.queue.get_nowait()] == [{"kind": "rights", "left": left}]
    assert page.queue.empty()


# Pages --------------------------------------------------------------------------------------------------------------


def test_page_when_the_name_is_typed_then_the_team_is_closed_and_every_page_says_so(
    owner: Membership, link: VehicleLink
) -> None:
    viewer = make_member(owner.team, Role.VIEWER)
    browser = sign_in(Client(), owner)

    answer = browser.post("/teams/closing/", {"name": " Nordlicht "})

    assert (answer.status_code, answer["Location"]) == (302, "/teams/closing/")
    for member, word in ((owner, "Open it again"), (viewer, "An owner can open it again.")):
        page = sign_in(Client(), member).get("/vehicles/").content.decode()
        assert "This team is closed" in page
        assert word in page
    panel = browser.get(f"/vehicles/{link.vehicle_id}/").content.decode()
    assert "The team is closed" in panel


@pytest.mark.parametrize(
    ("typed", "minutes_ago", "status"), [("", 0, 422), ("Nordlich", 0, 422), ("Nordlicht", 20, 422)]
)
def test_page_when_the_name_or_the_proof_is_missing_then_nothing_happens(
    owner: Membership, typed: str, minutes_ago: int, status: int
) -> None:
    browser = sign_in(Client(), owner, minutes_ago=minutes_ago)

    answer = browser.post("/teams/closing/", {"name": typed})

    assert answer.status_code == status
    assert answer.content.decode().count('class="wrong"') == 1
    assert Team.objects.get(pk=owner.team_id).delete_at is None


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MANAGER, Role.VIEWER])
def test_page_when_it_is_no_owner_then_403(owner: Membership, role: Role) -> None:
    browser = sign_in(Client(), make_member(owner.team, role))

    answers = [browser.get("/teams/closing/"), browser.post("/teams/closing/", {"name": "Nordlicht"})]
    close_team(membership=owner)
    answers.append(browser.post("/teams/reopening/"))

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Team.objects.get(pk=owner.team_id).delete_at is not None


def test_page_when_an_owner_opens_it_again_then_it_is_open(owner: Membership) -> None:
    close_team(membership=owner)
    late, soon = sign_in(Client(), owner, minutes_ago=20), sign_in(Client(), owner)

    refused = late.post("/teams/reopening/")
    done = soon.post("/teams/reopening/")
    once_more = soon.post("/teams/reopening/")

    assert (refused.status_code, done.status_code, once_more.status_code) == (422, 302, 302)
    assert Team.objects.get(pk=owner.team_id).delete_at is None
    assert Event.objects.filter(kind="team.reopened").count() == 1
    assert "This team is closed" not in soon.get("/vehicles/").content.decode()
