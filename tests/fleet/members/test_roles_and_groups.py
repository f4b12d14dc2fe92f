"""Pages of roles and groups."""

from typing import Any

import pytest

from fleet.teams.custom_roles import save_role
from fleet.teams.models import CustomRole, Membership
from fleet.teams.roles import PRESETS, Family, Permission, Rights, Role
from fleet.vehicles.groups import save_group
from fleet.vehicles.models import GroupedVehicle, Lane, Vehicle, VehicleGroup
from tests.factories import make_team
from tests.fleet.members.conftest import signed_in

NIGHT = {
    "name": "Night shift",
    "permissions": ["view", "command"],
    "families": ["control_charge"],
    "max_cars": "10",
    "needs_step_up": "on",
    "has_hours": "on",
    "weekdays": ["4", "5"],
    "starts": "22:00",
    "ends": "06:00",
}


def make_car(membership: Membership, plate: str) -> Vehicle:
    lane = Lane.objects.create(key=f"test:{plate}:{membership.team_id}")
    return Vehicle.objects.create(team=membership.team, lane=lane, plate=plate, make="Opel", model="Corsa")


def test_table_when_opened_then_it_says_what_the_code_says(viewer: Membership) -> None:
    rows = signed_in(viewer).get("/roles/").context["rows"]

    shown = {row.title: [yes for _, yes in row.allows] for row in rows}
    expected = {
        str(role.label): [rights.may(one) for one in Permission if one != Permission.COMMAND]
        + [family in rights.families for family in Family]
        for role, rights in PRESETS.items()
    }
    assert shown == expected


def test_role_when_saved_then_it_holds_what_the_form_says_and_shows_it_again(owner: Membership) -> None:
    client = signed_in(owner)

    answer = client.post("/roles/new/", NIGHT)

    assert answer.status_code == 302
    role = CustomRole.objects.get()
    assert (role.name, role.permissions, role.families, role.max_cars, role.needs_step_up, role.hours) == (
        "Night shift",
        ["command", "view"],
        ["control_charge"],
        10,
        True,
        {"weekdays": [4, 5], "starts": "22:00", "ends": "06:00"},
    )
    form = client.get(f"/roles/{role.id}/").context["form"]
    assert (form["name"].value(), form["max_cars"].value(), form["weekdays"].value()) == ("Night shift", 10, [4, 5])
    assert 'value="22:00"' in client.get(f"/roles/{role.id}/").content.decode()
    assert "Night shift" in client.get("/members/invite/").content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "owner"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"permissions": []}, "permissions"),
        ({"permissions": ["everything"]}, "permissions"),
        ({"families": []}, "families"),
        ({"families": ["read_location"]}, "families"),
        ({"max_cars": "0"}, "max_cars"),
        ({"max_cars": "99999999999"}, "max_cars"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": ["9"]}, "weekdays"),
        ({"starts": ""}, "starts"),
        ({"ends": "25:00"}, "ends"),
    ],
)
def test_role_when_the_form_is_wrong_then_the_error_is_at_its_field(
    owner: Membership, change: dict[str, Any], field: str
) -> None:
    answer = signed_in(owner).post("/roles/new/", NIGHT | change)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not CustomRole.objects.exists()


def test_role_when_it_holds_more_than_ones_own_then_it_is_refused(admin: Membership) -> None:
    answer = signed_in(admin).post("/roles/new/", NIGHT | {"permissions": ["view", "delete"]})

    assert answer.status_code == 403
    assert not CustomRole.objects.exists()


def test_role_when_the_name_is_taken_then_it_says_so_but_not_to_itself(owner: Membership) -> None:
    role = save_role(membership=owner, name="Yard", rights=Rights(frozenset({Permission.VIEW})))
    client = signed_in(owner)
    same = {"name": "YARD", "permissions": ["view"]}

    assert client.post("/roles/new/", same).status_code == 422
    assert client.post(f"/roles/{role.id}/", same).status_code == 302


def test_role_when_somebody_has_it_then_it_stays(owner: Membership, viewer: Membership) -> None:
    role = save_role(membership=owner, name="Yard", rights=Rights(frozenset({Permission.VIEW})))
    client = signed_in(owner)
    client.post(f"/members/{viewer.id}/", {"role": f"custom:{role.id}", "reach": "all"})

    client.post(f"/roles/{role.id}/remove/")
    viewer.refresh_from_db()
    assert (viewer.role, viewer.custom_role) == (Role.CUSTOM, role)
    assert CustomRole.objects.get().removed_at is None
    client.post(f"/members/{viewer.id}/", {"role": "viewer", "reach": "all"})
    client.post(f"/roles/{role.id}/remove/")

    assert CustomRole.objects.get().removed_at is not None


def test_group_when_saved_then_it_holds_the_vehicles_of_the_list(owner: Membership) -> None:
    first, second = make_car(owner, "HH-NL 1"), make_car(owner, "HH-NL 2")
    client = signed_in(owner)

    client.post("/groups/new/", {"name": "Yard", "vehicles": "hh nl1\nHH-NL 2"})
    group = VehicleGroup.objects.get()
    both = set(GroupedVehicle.objects.values_list("vehicle_id", flat=True))
    client.post(f"/groups/{group.id}/", {"name": "The yard", "vehicles": "HH-NL 2"})

    assert both == {first.id, second.id}
    assert list(GroupedVehicle.objects.values_list("vehicle_id", flat=True)) == [second.id]
    assert VehicleGroup.objects.get().name == "The yard"
    assert client.get(f"/groups/{group.id}/").context["form"]["vehicles"].value() == "HH-NL 2"


@pytest.mark.parametrize("plate", ["HH-XX 9", "HH-FF 1"])
def test_group_when_a_vehicle_is_unknown_or_foreign_then_it_is_named(owner: Membership, plate: str) -> None:
    make_car(make_team("Another"), "HH-FF 1")

    answer = signed_in(owner).post("/groups/new/", {"name": "Yard", "vehicles": plate})

    assert answer.status_code == 422
    assert answer.context["form"].errors["vehicles"] == [f"Not found: {plate}."]
    assert not VehicleGroup.objects.exists()


def test_group_when_two_vehicles_have_one_plate_then_it_asks_which(owner: Membership) -> None:
    for _ in range(2):
        lane = Lane.objects.create(key=f"test:{Lane.objects.count()}:{owner.team_id}")
        Vehicle.objects.create(team=owner.team, lane=lane, plate="HH-NL 1", make="Opel", model="Corsa")

    answer = signed_in(owner).post("/groups/new/", {"name": "Yard", "vehicles": "HH-NL 1"})

    assert answer.status_code == 422
    assert "HH-NL 1" in answer.context["form"].errors["vehicles"][0]


def test_member_when_only_a_group_is_given_then_they_reach_only_that(owner: Membership, viewer: Membership) -> None:
    inside, outside = make_car(owner, "HH-NL 1"), make_car(owner, "HH-NL 2")
    group = save_group(membership=owner, name="Yard", vehicle_ids=[inside.id])

    signed_in(owner).post(f"/members/{viewer.id}/", {"role": "viewer", "reach": "some", "groups": str(group.id)})

    client = signed_in(viewer)
    assert client.get(f"/vehicles/{inside.id}/").status_code == 200
    assert client.get(f"/vehicles/{outside.id}/").status_code == 404


def test_group_when_removed_then_its_vehicles_stay(owner: Membership) -> None:
    car = make_car(owner, "HH-NL 1")
    group = save_group(membership=owner, name="Yard", vehicle_ids=[car.id])
    client = signed_in(owner)

    asked, done = client.get(f"/groups/{group.id}/remove/"), client.post(f"/groups/{group.id}/remove/")

    assert (asked.status_code, done.status_code) == (200, 302)
    assert (VehicleGroup.objects.count(), Vehicle.objects.count()) == (0, 1)
