"""What a role allows, checked at the press, in bulk and by a job: families, hours, vehicles, how many at once."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from commands.bulk import Request, check_many, request_commands
from commands.jobs.services import create_job
from commands.models import Command
from commands.services import NotAllowed, NotSupported, request_command
from fleet.adapters.commands import FlashLights, Lock, SetPin, StartEngine, StopCharge
from fleet.adapters.rules import InvalidParameter
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.hours import EVERY_DAY, WorkingHours
from fleet.teams.models import Membership
from fleet.teams.roles import PRESETS, Rights, Role
from fleet.teams.services import add_member, change_role
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.groups import remove_group, save_group
from fleet.vehicles.models import VehicleGroup, VehicleLink
from tests.commands.rig import carry, known, press
from tests.factories import join_simulated_car, make_member, make_user
from tests.infrastructure.simulator import Simulator

SYSTEM = "system:test"


def give(membership: Membership, grant: Grant) -> Membership:
    """A new member of the same team with this grant."""
    return add_member(team=membership.team, user=make_user(), role=grant, actor=SYSTEM)


def own_role(owner: Membership, **changes: Any) -> Grant:
    """An operator's rights with some of them changed, as a role of the team's own."""
    rights: Rights = replace(PRESETS[Role.OPERATOR], **changes)
    return Grant(Role.CUSTOM, save_role(membership=owner, name=f"Role {timezone.now():%H%M%S.%f}", rights=rights))


def hours_around(now: datetime, *, before: timedelta, after: timedelta) -> WorkingHours:
    """Hours of every day that began `before` now and end `after` now, in UTC and to the minute."""
    starts, ends = (now - before).astimezone(UTC), (now + after).astimezone(UTC)
    return WorkingHours(tuple(EVERY_DAY), time(starts.hour, starts.minute), time(ends.hour, ends.minute))


def try_all_ways(member: Membership, link: VehicleLink, order: Any) -> set[str]:
    """Ask for one command by a press and in bulk, and return the codes of the answers; "" is accepted."""
    codes = set()
    try:
        request_command(vehicle=link.vehicle, membership=member, order=order)
        codes.add("")
    except (NotAllowed, NotSupported) as error:
        codes.add(error.code)
    if not order.secrets:
        wanted = [Request(link.vehicle_id, order)]
        (answer,) = request_commands(membership=member, requests=wanted, origin="api", cause="")
        codes.add(answer.code)
    return codes


@pytest.fixture
def second(link: VehicleLink, membership: Membership, simulator: Simulator) -> VehicleLink:
    return join_simulated_car(membership, simulator)


@pytest.mark.parametrize(
    ("role", "order", "codes"),
    [
        (Role.MANAGER, SetPin("1234"), {""}),
        (Role.OPERATOR, Lock(), {""}),
        (Role.OPERATOR, SetPin("1234"), {"role"}),
        (Role.DRIVER, Lock(), {""}),
        (Role.DRIVER, StartEngine(), {"role"}),
        (Role.VIEWER, Lock(), {"role"}),
    ],
)
def test_command_when_the_role_has_its_family_then_it_is_accepted_else_refused(
    link: VehicleLink, simulator: Simulator, membership: Membership, role: Role, order: Any, codes: set[str]
) -> None:
    car = join_simulated_car(membership, simulator, powertrain="ICE") if order.kind == "start_engine" else link
    member = make_member(link.team, role)

    assert try_all_ways(member, car, order) == codes


def test_command_when_it_is_outside_the_hours_of_the_role_then_it_is_refused(
    link: VehicleLink, membership: Membership
) -> None:
    over = hours_around(timezone.now(), before=timedelta(hours=3), after=timedelta(hours=-1))
    member = give(membership, own_role(membership, hours=over))

    assert try_all_ways(member, link, Lock()) == {"off_hours"}
    assert not Command.objects.exists()


def test_command_when_the_hours_of_the_role_end_soon_then_nothing_leaves_after_them(
    link: VehicleLink, membership: Membership
) -> None:
    now = timezone.now()
    hours = hours_around(now, before=timedelta(hours=1), after=timedelta(minutes=4))
    member = give(membership, own_role(membership, hours=hours))

    pressed = press(link, StopCharge(), by=member)
    wanted = [Request(link.vehicle_id, Lock())]
    (answer,) = request_commands(membership=member, requests=wanted, origin="job", cause="")

    end = hours.end_after(now, membership.team.zone)
    deadlines = Command.objects.in_bulk([pressed.id, answer.command_id])
    assert {command.deadline for command in deadlines.values()} == {end}


def test_vehicle_when_the_membership_is_not_for_it_then_it_does_not_exist_for_it(
    link: VehicleLink, second: VehicleLink, membership: Membership
) -> None:
    grant = Grant(Role.OPERATOR, reaches_all=False, vehicle_ids=[second.vehicle_id])
    member = give(membership, grant)

    codes = check_many(membership=member, vehicle_ids=[link.vehicle_id, second.vehicle_id], order=Lock())

    assert codes == {second.vehicle_id: ""}
    assert try_all_ways(member, link, Lock()) == {"connection_ended"}
    assert try_all_ways(member, second, Lock()) == {""}
    job = create_job(membership=member, cars=VehicleFilter(), order=FlashLights())
    assert [item.vehicle_id for item in job.items.all()] == [second.vehicle_id]


@pytest.mark.parametrize("how", ["taken out", "group removed", "vehicles changed"])
def test_command_when_its_car_is_taken_from_the_member_while_it_waits_then_it_is_never_sent(
    link: VehicleLink, car: Any, membership: Membership, how: str
) -> None:
    group = save_group(membership=membership, name="Depot", vehicle_ids=[link.vehicle_id])
    member = give(membership, Grant(Role.OPERATOR, reaches_all=False, group_ids=[group.id]))
    command = press(link, Lock(), by=member)

    match how:
        case "taken out":
            save_group(membership=membership, name="Depot", vehicle_ids=[], group=group)
        case "group removed":
            remove_group(membership=membership, group=VehicleGroup.objects.get(pk=group.pk))
        case "vehicles changed":
            change_role(membership=member, role=Grant(Role.OPERATOR, reaches_all=False), actor=SYSTEM)
    carry()

    assert known(command) == ("refused", "", "rights_changed", "")
    assert car.requests() == []


def test_command_when_the_teams_own_role_is_changed_while_it_waits_then_it_is_never_sent(
    link: VehicleLink, car: Any, membership: Membership
) -> None:
    grant = own_role(membership)
    member = give(membership, grant)
    command = press(link, Lock(), by=member)

    narrower = replace(PRESETS[Role.OPERATOR], families=frozenset({"control_charge"}))
    save_role(membership=membership, name="Charging only", rights=narrower, role=grant.custom_role)
    carry()

    assert known(command) == ("refused", "", "rights_changed", "")
    assert car.requests() == []


def test_job_when_more_cars_would_get_it_than_the_role_allows_then_it_is_refused(
    link: VehicleLink, second: VehicleLink, membership: Membership
) -> None:
    driver = make_member(link.team, Role.DRIVER)

    with pytest.raises(InvalidParameter) as refused:
        create_job(membership=driver, cars=VehicleFilter(), order=FlashLights())

    assert (refused.value.field, refused.value.code) == ("filter", "too_many_for_role")
    job = create_job(membership=driver, cars=VehicleFilter(ids=(link.vehicle_id,)), order=FlashLights())
    assert job.eligible == 1
