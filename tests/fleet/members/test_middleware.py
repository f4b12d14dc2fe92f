"""B037: parts of a page whose right is gone answer without data and lead on."""

from django.test import Client

from fleet.members.services import remove
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import Lane, Vehicle
from tests.factories import make_member
from tests.fleet.members.conftest import signed_in

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/vehicles/?q=x"}


def make_car(membership: Membership) -> Vehicle:
    return Vehicle.objects.create(
        team=membership.team, lane=Lane.objects.create(key=f"test:{membership.id}"), plate="NL-T 77"
    )


def test_part_when_its_person_was_removed_then_403_leads_out_without_data(owner: Membership) -> None:
    car, member = make_car(owner), make_member(owner.team, Role.VIEWER)
    client, url = signed_in(member), f"/vehicles/{car.id}/state/"
    assert client.get(url, headers=HTMX).status_code == 200

    remove(membership=owner, target=member)
    part, page = client.get(url, headers=HTMX), client.get(f"/vehicles/{car.id}/")

    assert (part.status_code, part.content, part["HX-Redirect"]) == (403, b"", "/no-team/")
    assert (page.status_code, "NL-T 77" in page.content.decode()) == (404, False)


def test_part_when_nobody_is_signed_in_then_401_leads_to_the_sign_in_and_back(owner: Membership) -> None:
    answer = Client().get(f"/vehicles/{make_car(owner).id}/state/", headers=HTMX)

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fvehicles%2F%3Fq%3Dx"


def test_part_when_a_member_asks_for_what_is_not_theirs_then_it_is_answered_as_ever(owner: Membership) -> None:
    answer = signed_in(owner).get("/vehicles/00000000-0000-4000-8000-000000000000/state/", headers=HTMX)

    assert answer.status_code == 404
    assert "HX-Redirect" not in answer
