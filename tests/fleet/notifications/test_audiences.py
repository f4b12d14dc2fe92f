"""Who hears of what: by permission, by reach, by who asked; and nobody whose right is gone."""

from typing import Any
from uuid import uuid4

import pytest

from commands.jobs.services import create_job
from commands.services import request_command
from fleet.adapters.commands import FlashLights, Lock
from fleet.notifications.choices import Choices
from fleet.notifications.kinds import KINDS
from fleet.notifications.words import MANY, ONE
from fleet.teams.grants import Grant
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.teams.services import add_member, change_role, remove_member
from fleet.vehicles.filters import VehicleFilter
from fleet.vehicles.groups import save_group
from fleet.vehicles.models import VehicleLink
from tests.factories import join_simulated_car, make_member, make_team, make_user
from tests.fleet.notifications.conftest import make_vehicle, read, says, told, write
from tests.infrastructure.simulator import Simulator

ROLES = [Role.ADMIN, Role.MANAGER, Role.OPERATOR, Role.DRIVER, Role.VIEWER]


@pytest.fixture
def cast(owner: Membership) -> dict[str, Membership]:
    """Everybody of the team, and somebody of another."""
    members = {role.value: make_member(owner.team, role) for role in ROLES}
    cast = {"owner": owner, **members, "outsider": make_team("Another Fleet")}
    for member in cast.values():
        told(member.user)
    read()
    return cast


def hearers(cast: dict[str, Membership], kind: str) -> set[str]:
    return {name for name, member in cast.items() if kind in [event for event, _ in told(member.user)]}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("connection.needs_owner", {"owner", "admin", "manager"}),
        ("command.unresolved", {"owner", "admin", "manager"}),
        ("command.contradicted", {"owner", "admin", "manager"}),
        ("share_link.created", {"owner", "admin", "manager"}),
        ("member.added", {"owner", "admin"}),
        ("member.removed", {"owner", "admin"}),
        ("member.role_changed", {"owner", "admin"}),
        ("token.created", {"owner", "admin"}),
        ("team.closing", {"owner", "admin", "manager", "operator", "driver", "viewer"}),
        ("team.reopened", {"owner", "admin", "manager", "operator", "driver", "viewer"}),
        ("job.finished", set()),
        ("account.new_device", set()),
        ("command.confirmed", set()),
    ],
)
def test_audience_when_it_happens_in_a_team_then_the_role_decides(
    cast: dict[str, Membership], kind: str, expected: set[str]
) -> None:
    write(kind, membership=cast["owner"], subject="team:x")

    read()

    assert hearers(cast, kind) == expected


def test_audience_when_somebody_did_it_themselves_then_only_the_others_hear(cast: dict[str, Membership]) -> None:
    write("share_link.created", membership=cast["owner"], actor=cast["admin"].user.actor)

    read()

    assert hearers(cast, "share_link.created") == {"owner", "manager"}
    assert says(cast["owner"].user)[0] == "Robin Example made a share link."


def test_audience_when_an_account_changes_then_its_person_hears_though_they_did_it(cast: dict[str, Membership]) -> None:
    person = cast["driver"].user
    for kind in ("account.password_changed", "account.new_device", "account.signed_in"):
        write(kind, actor=person.actor, subject=person.actor)

    read()

    assert told(person) == [("account.password_changed", 1), ("account.new_device", 1)]
    assert hearers(cast, "account.new_device") == {"driver"}


def test_audience_when_a_role_changed_then_whose_it_is_hears_it(cast: dict[str, Membership]) -> None:
    change_role(membership=cast["viewer"], role=Role.DRIVER, actor=cast["owner"].user.actor)

    read()

    assert hearers(cast, "member.role_changed") == {"admin", "viewer"}
    assert says(cast["viewer"].user)[0] == "Robin Example gave you the role Driver."


def test_audience_when_a_member_reaches_some_vehicles_then_they_hear_of_those(owner: Membership) -> None:
    near, far = make_vehicle(owner, "NEAR 1"), make_vehicle(owner, "FAR 1")
    group = save_group(membership=owner, name="Near", vehicle_ids=[near.id])
    grants = {
        "by group": Grant(Role.MANAGER, reaches_all=False, group_ids=[group.id]),
        "by id": Grant(Role.MANAGER, reaches_all=False, vehicle_ids=[far.id]),
    }
    cast = {
        name: add_member(team=owner.team, user=make_user(), role=grant, actor="system:test")
        for name, grant in grants.items()
    }
    read()
    write("command.unresolved", membership=owner, vehicle_id=near.id, subject="command:1", data={"kind": "lock"})
    write("command.unresolved", membership=owner, vehicle_id=far.id, subject="command:2", data={"kind": "lock"})

    read()

    found = {name: says(member.user) for name, member in cast.items()}
    assert found == {
        "by group": ["Lock on NEAR 1 was not proved. Please look at the car."],
        "by id": ["Lock on FAR 1 was not proved. Please look at the car."],
    }
    assert told(owner.user)[-1] == ("command.unresolved", 2)


def test_notices_when_the_vehicles_become_fewer_then_those_of_the_others_are_gone(owner: Membership) -> None:
    vehicles = [make_vehicle(owner, f"V {number}") for number in range(2)]
    group = save_group(membership=owner, name="Both", vehicle_ids=[vehicle.id for vehicle in vehicles])
    grant = Grant(Role.MANAGER, reaches_all=False, group_ids=[group.id])
    member = add_member(team=owner.team, user=make_user(), role=grant, actor="system:test")
    write("command.unresolved", membership=owner, vehicle_id=vehicles[0].id, subject="command:1")
    read()
    before = told(member.user)

    save_group(membership=owner, name="Both", vehicle_ids=[vehicles[1].id], group=group)

    assert (before, told(member.user)) == ([("command.unresolved", 1)], [])


@pytest.mark.parametrize("how", ["removed", "smaller role"])
def test_notices_when_the_right_is_gone_then_they_are_gone_too(owner: Membership, how: str) -> None:
    admin = make_member(owner.team, Role.ADMIN)
    write("member.added", membership=owner)
    read()
    before = told(admin.user)

    if how == "removed":
        remove_member(membership=admin, actor=owner.user.actor)
    else:
        change_role(membership=admin, role=Role.OPERATOR, actor=owner.user.actor)

    assert (len(before), told(admin.user)) == (1, [])


@pytest.fixture
def car(owner: Membership, simulator: Simulator) -> VehicleLink:
    return join_simulated_car(owner, simulator, license_plate="CAR 1")


def test_command_when_not_proved_then_who_pressed_hears_and_after_them_who_changes_rules(
    owner: Membership, car: VehicleLink
) -> None:
    driver = make_member(owner.team, Role.DRIVER)
    command = request_command(vehicle=car.vehicle, membership=driver, order=Lock())
    facts = {"vehicle_id": car.vehicle_id, "subject": f"command:{command.id}", "data": {"kind": "lock"}}
    read()
    write("command.contradicted", membership=owner, **facts)
    read()
    pressed = (told(driver.user), told(owner.user))
    remove_member(membership=driver, actor=owner.user.actor)
    write("command.unresolved", membership=owner, **facts)

    read()

    assert pressed == ([("command.contradicted", 1)], [("member.added", 1)])
    assert (told(driver.user), told(owner.user)[-1]) == ([], ("command.unresolved", 1))


@pytest.mark.parametrize(
    ("kind", "data"), [("command.unresolved", {"error": "overtaken"}), ("command.contradicted", {"alert": False})]
)
def test_command_when_nobody_need_look_then_nobody_is_told(owner: Membership, kind: str, data: dict[str, Any]) -> None:
    write(kind, membership=owner, subject=f"command:{uuid4()}", data=data)

    read()

    assert told(owner.user) == []


def test_job_when_it_ends_then_who_started_it_is_told_once(owner: Membership, car: VehicleLink) -> None:
    operator = make_member(owner.team, Role.OPERATOR)
    job = create_job(membership=operator, cars=VehicleFilter(), order=FlashLights())
    read()
    for kind in ("job.ran_out", "job.finished"):
        write(kind, membership=owner, actor="system:jobs", subject=f"job:{job.id}", data={"why": "budget"})
        read()

    assert told(operator.user) == [("job.finished", 1)]
    assert says(operator.user) == ["Your job is finished: Flash lights."]
    assert [kind for kind, _ in told(owner.user)] == ["member.added"]


def test_connection_when_it_breaks_then_who_reaches_one_of_its_cars_is_told_which(
    owner: Membership, car: VehicleLink
) -> None:
    other = make_vehicle(owner, "OTHER 1")
    near = Grant(Role.MANAGER, reaches_all=False, vehicle_ids=[car.vehicle_id])
    far = Grant(Role.MANAGER, reaches_all=False, vehicle_ids=[other.id])
    one, none = (
        add_member(team=owner.team, user=make_user(), role=grant, actor="system:test") for grant in (near, far)
    )
    plate = car.vehicle.plate or car.vehicle.title
    write("connection.needs_owner", membership=owner, subject=f"account:{car.connection.account_id}")

    read()

    assert (says(one.user), told(none.user)) == (
        [f"{plate}: the maker asks the owner to sign in again. Ask them in the connections."],
        [],
    )


def test_team_when_it_is_deleted_before_the_reader_comes_then_the_reader_goes_on(owner: Membership) -> None:
    with_nobody = make_team()
    write("member.added", membership=with_nobody)
    write("member.added", membership=owner)
    with_nobody.user.is_active = False
    with_nobody.user.save(update_fields=["is_active"])

    assert read() == 3
    assert told(owner.user) == [("member.added", 1)]


def test_table_when_read_then_each_event_has_a_sentence_and_each_kind_one_for_several() -> None:
    events = {event for kind in KINDS.values() for event in kind.events}

    assert (ONE.keys(), MANY.keys()) == (events, KINDS.keys())
    nothing_chosen = Choices({key: [False, False] for key in KINDS})
    always = {key for key in KINDS if nothing_chosen.bell(key) or nothing_chosen.letter(key)}
    assert always == {"device", "account", "linked"}
