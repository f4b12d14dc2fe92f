"""B037: parts of a page whose right is gone answer without data and lead on."""

from django.test import Client

from fleet.members.services import remove
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from fleet.vehicles.models import Lane, Vehicle
from tests.factories import make_member, make_team
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
    assert (page.status_code, page["Location"], page.content) == (302, "/no-team/", b"")
    assert client.get("/no-team/").status_code == 200


def test_part_when_nobody_is_signed_in_then_401_leads_to_the_sign_in_and_back(owner: Membership) -> None:
    answer = Client().get(f"/vehicles/{make_car(owner).id}/state/", headers=HTMX)

    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fvehicles%2F%3Fq%3Dx"


def test_part_when_a_member_asks_for_what_is_not_theirs_then_it_is_answered_as_ever(owner: Membership) -> None:
    answer = signed_in(owner).get("/vehicles/00000000-0000-4000-8000-000000000000/state/", headers=HTMX)

    assert answer.status_code == 404
    assert "HX-Redirect" not in answer


def test_page_when_its_person_has_no_team_then_every_team_page_leads_out_and_the_rest_stays(owner: Membership) -> None:
    client = signed_in(make_member(owner.team, Role.VIEWER))
    remove(membership=owner, target=Membership.objects.get(user=client.get("/accounts/").context["user"]))
    car = make_car(owner)

    led = [client.get(url) for url in ("/vehicles/", f"/vehicles/{car.id}/", "/members/", "/audit/")]
    pressed = client.post(f"/vehicles/{car.id}/commands/lock/")
    apart = ("/nonsense/", "/join/nonsense/", f"/connect/wait/{car.id}/")

    assert {(answer.status_code, answer["Location"]) for answer in [*led, pressed]} == {(302, "/no-team/")}
    assert {client.get(url).status_code for url in apart} == {404}
    assert client.get("/accounts/").status_code == 200


def test_page_when_a_member_asks_for_what_is_not_theirs_then_it_does_not_exist(owner: Membership) -> None:
    stranger = make_team("Another Fleet")

    assert signed_in(stranger).get(f"/vehicles/{make_car(owner).id}/").status_code == 404
