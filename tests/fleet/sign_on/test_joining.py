"""Teams that are open to a domain: who opens them, who joins, and who stays out."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.events.models import Event
from fleet.members.services import change_member, remove
from fleet.teams.access import SESSION_KEY
from fleet.teams.custom_roles import save_role
from fleet.teams.grants import Grant
from fleet.teams.models import Membership, SignOnDomain, Team, User
from fleet.teams.roles import Permission, Rights, Role
from fleet.teams.services import add_member, create_team
from tests.factories import make_member, make_team, make_user
from tests.fleet.sign_on.conftest import Traveller
from tests.fleet.sign_on.rows import make_linked_team, make_linked_user, make_open_domain
from tests.infrastructure.identity import Person
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
ROBIN = Person("sub-1", "robin@acme.example")
PAGE = "/teams/sign-on/"
FORM = {"domain": "acme.example", "role": "operator", "reach": "all"}


def role_of_robin(owner: Membership) -> str | None:
    rows = Membership.objects.filter(team=owner.team, user__email=ROBIN.email, ended_at__isnull=True)
    return rows.values_list("role", flat=True).first()


def test_joining_when_somebody_comes_by_the_domains_provider_then_they_land_in_the_team(traveller: Traveller) -> None:
    owner = make_linked_team()
    make_open_domain(owner, Grant(Role.OPERATOR))

    traveller.go(ROBIN)

    robin = User.objects.get(email=ROBIN.email)
    assert role_of_robin(owner) == "operator"
    assert traveller.client.session[SESSION_KEY] == str(owner.team_id)
    assert "Acme Fleet" in traveller.client.get("/vehicles/").content.decode()
    told = Event.objects.get(kind="member.added", team_id=owner.team_id, actor=robin.actor)
    assert told.data == {"user": str(robin.id), "role": "operator"}


def test_joining_when_come_again_then_nothing_is_added_and_they_land_there_once_more(traveller: Traveller) -> None:
    owner = make_linked_team()
    make_open_domain(owner)
    traveller.go(ROBIN)
    create_team(name="Their own", owner=User.objects.get(email=ROBIN.email))
    traveller.client = Client()

    traveller.go(ROBIN)

    assert Membership.objects.filter(team=owner.team).count() == 2
    assert traveller.client.session[SESSION_KEY] == str(owner.team_id)


def test_joining_when_they_were_removed_then_they_stay_out_until_invited(traveller: Traveller) -> None:
    owner = make_linked_team()
    make_open_domain(owner)
    traveller.go(ROBIN)
    remove(membership=owner, target=Membership.objects.get(team=owner.team, user__email=ROBIN.email))
    traveller.client = Client()

    traveller.go(ROBIN)

    assert traveller.user_id is not None
    assert role_of_robin(owner) is None
    assert SESSION_KEY not in traveller.client.session


def end_rights(owner: Membership, row: SignOnDomain) -> None:
    second = add_member(team=owner.team, user=make_user(), role=Role.OWNER, actor="system:test")
    change_member(membership=second, target=owner, grant=Grant(Role.VIEWER))


def lessen_rights(owner: Membership, row: SignOnDomain) -> None:
    second = add_member(team=owner.team, user=make_user(), role=Role.OWNER, actor="system:test")
    little = Rights(frozenset({Permission.VIEW, Permission.MEMBERS}))
    role = save_role(membership=second, name="Little", rights=little)
    change_member(membership=second, target=owner, grant=Grant(Role.CUSTOM, role))


def leave_the_domain(owner: Membership, row: SignOnDomain) -> None:
    User.objects.filter(pk=owner.user_id).update(email="olga@example.com")


def close(owner: Membership, row: SignOnDomain) -> None:
    SignOnDomain.objects.update(removed_at=timezone.now())


def end_the_team(owner: Membership, row: SignOnDomain) -> None:
    Team.objects.filter(pk=owner.team_id).update(delete_at=timezone.now() + timedelta(days=2))


@pytest.mark.parametrize("happens", [end_rights, lessen_rights, leave_the_domain, close, end_the_team])
def test_joining_when_what_opened_the_team_no_longer_holds_then_nobody_joins(
    traveller: Traveller, happens: Any
) -> None:
    owner = make_linked_team()
    happens(owner, make_open_domain(owner, Grant(Role.OPERATOR)))

    traveller.go(ROBIN)

    assert traveller.user_id is not None
    assert role_of_robin(owner) is None


def test_joining_when_the_domain_is_another_then_nobody_joins(traveller: Traveller) -> None:
    owner = make_linked_team()
    make_open_domain(owner)

    traveller.go(Person("sub-9", "kim@harbour.example"), provider="harbour")

    assert Membership.objects.filter(team=owner.team).count() == 1


def test_page_when_an_owner_of_the_domain_opens_the_team_then_the_log_tells_of_it() -> None:
    owner = make_linked_team()
    browser = sign_in(Client(), owner)

    answer = browser.post(PAGE, FORM)
    page = browser.get(PAGE).content.decode()

    row = SignOnDomain.objects.get()
    assert (answer.status_code, row.domain, row.role, row.made_by_id) == (302, "acme.example", "operator", owner.id)
    assert "acme.example" in page
    told = Event.objects.get(kind="sign_on.opened")
    assert (told.team_id, told.data) == (owner.team_id, {"domain": "acme.example", "role": "operator"})


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({**FORM, "domain": "example.com"}, 422, "Select a valid choice"),
        ({**FORM, "domain": "harbour.example"}, 422, "Only somebody of this domain"),
        ({**FORM, "role": "superuser"}, 422, "Select a valid choice"),
        ({**FORM, "role": ["viewer", "owner"]}, 422, "Choose one role"),
        ({**FORM, "reach": "some"}, 422, "Choose a group"),
        ({}, 422, "This field is required"),
    ],
)
def test_page_when_what_is_sent_can_not_be_then_it_says_what(form: dict[str, Any], status: int, words: str) -> None:
    answer = sign_in(Client(), make_linked_team()).post(PAGE, form)

    assert (answer.status_code, SignOnDomain.objects.count()) == (status, 0)
    assert words in answer.content.decode()


def test_page_when_nobody_confirmed_lately_then_it_asks_first() -> None:
    owner = make_linked_team()
    browser = sign_in(Client(), owner, minutes_ago=16)

    answer = browser.post(PAGE, FORM)

    assert (answer.status_code, SignOnDomain.objects.count()) == (422, 0)
    assert reverse("sign_on_confirm") in answer.content.decode()


def test_page_when_an_admin_gives_more_than_they_have_then_it_is_refused_and_noted() -> None:
    owner = make_linked_team()
    admin = add_member(team=owner.team, user=make_linked_user("ada@acme.example"), role=Role.ADMIN, actor="system:test")

    answer = sign_in(Client(), admin).post(PAGE, {**FORM, "role": "owner"})

    assert (answer.status_code, SignOnDomain.objects.count()) == (403, 0)
    assert Event.objects.get(kind="member.refused").data == {"what": "sign_on", "role": "owner"}


def test_page_when_the_member_comes_by_no_provider_then_they_draw_nobody_in() -> None:
    answer = sign_in(Client(), make_team()).post(PAGE, FORM)

    assert (answer.status_code, SignOnDomain.objects.count()) == (422, 0)


def test_page_when_the_domain_is_open_already_then_it_says_so() -> None:
    owner = make_linked_team()
    make_open_domain(owner)

    answer = sign_in(Client(), owner).post(PAGE, FORM)

    assert (answer.status_code, SignOnDomain.objects.count()) == (422, 1)


def test_closing_when_done_then_the_entry_is_gone_and_members_stay(traveller: Traveller) -> None:
    owner = make_linked_team()
    row = make_open_domain(owner)
    traveller.go(ROBIN)
    browser = sign_in(Client(), owner)

    answers = [browser.post(f"{PAGE}{row.id}/close/").status_code for _ in range(2)]

    assert answers == [302, 404]
    assert role_of_robin(owner) == "viewer"
    assert Event.objects.filter(kind="sign_on.closed").values_list("data", flat=True).get() == {
        "domain": "acme.example"
    }


def test_closing_when_the_role_is_small_or_the_team_is_foreign_then_it_stays_open() -> None:
    owner = make_linked_team()
    row = make_open_domain(owner)
    people = {"viewer": make_member(owner.team, Role.VIEWER), "outsider": make_team("Another")}

    answers = {who: sign_in(Client(), one).post(f"{PAGE}{row.id}/close/").status_code for who, one in people.items()}

    assert answers == {"viewer": 403, "outsider": 404}
    assert SignOnDomain.objects.get().removed_at is None


def test_page_when_an_entry_no_longer_holds_then_it_says_that_nobody_joins() -> None:
    owner = make_linked_team()
    leave_the_domain(owner, make_open_domain(owner))

    page = sign_in(Client(), owner).get(PAGE).content.decode()

    assert "Nobody joins" in page
