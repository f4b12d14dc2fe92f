"""The way in for who was invited: other addresses, other accounts, old links, guesses."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from fleet.members.addresses import read_pasted
from fleet.members.invitations import invite, invite_by_link, resend, revoke
from fleet.teams.grants import Grant
from fleet.teams.models import Invitation, Membership
from fleet.teams.roles import Role
from tests.factories import PASSWORD, make_user
from tests.fleet.members.conftest import BACKEND, read_letters

OPERATOR = Grant(Role.OPERATOR)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def test_link_when_opened_then_the_secret_leaves_the_address(admin: Membership) -> None:
    _, secret = invite_by_link(membership=admin, grant=OPERATOR)
    client = Client()

    opened = client.get(f"/join/{secret}/")
    page = client.get("/join/")

    assert (opened.status_code, opened["Location"]) == (302, "/join/")
    assert "Nordlicht" in page.content.decode()
    assert secret not in page.content.decode()


def test_link_when_accepted_then_the_person_works_in_that_team(admin: Membership) -> None:
    _, secret = invite_by_link(membership=admin, grant=OPERATOR)
    user = make_user()
    client = client_of(user)
    client.get(f"/join/{secret}/")

    answer = client.post("/join/")

    assert (answer.status_code, answer["Location"]) == (302, "/vehicles/")
    assert Membership.objects.get(user=user).role == "operator"
    assert "Nordlicht" in client.get("/vehicles/").content.decode()


def test_letter_when_opened_by_another_person_then_it_says_for_whom_and_joins_nobody(admin: Membership) -> None:
    invite(membership=admin, rows=read_pasted("robin@example.com"), grant=OPERATOR)
    (secret,) = read_letters()
    user = make_user()
    client = client_of(user)

    shown = client.get(f"/join/{secret}/", follow=True)
    pressed = client.post("/join/")

    for page in (shown, pressed):
        assert page.status_code == 403
        assert "robin@example.com" in page.content.decode()
        assert user.email in page.content.decode()
    assert not Membership.objects.filter(user=user).exists()


def test_other_account_when_wanted_then_the_invitation_stays_in_hand(admin: Membership) -> None:
    robin = make_user()
    invite(membership=admin, rows=read_pasted(robin.email), grant=OPERATOR)
    (secret,) = read_letters()
    client = client_of(make_user())
    client.get(f"/join/{secret}/")

    left = client.post("/join/switch/")
    client.force_login(robin, backend=BACKEND)
    joined = client.post("/join/")

    assert left["Location"] == "/accounts/login/?next=%2Fjoin%2F"
    assert (joined.status_code, Membership.objects.get(user=robin).role) == (302, "operator")


def test_page_when_nobody_is_signed_in_then_accepting_joins_nobody(admin: Membership) -> None:
    _, secret = invite_by_link(membership=admin, grant=OPERATOR)
    client = Client()
    client.get(f"/join/{secret}/")

    page = client.post("/join/")

    assert page.status_code == 200
    assert Invitation.objects.get().accepted_at is None


def test_link_when_used_revoked_expired_or_sent_again_then_it_says_which(admin: Membership) -> None:
    def status_of(secret: str) -> tuple[int, str]:
        page = client_of(make_user()).get(f"/join/{secret}/", follow=True)
        return page.status_code, str(page.context["out"].title)

    used, used_secret = invite_by_link(membership=admin, grant=OPERATOR)
    person = client_of(make_user())
    person.get(f"/join/{used_secret}/")
    person.post("/join/")
    revoked, revoked_secret = invite_by_link(membership=admin, grant=OPERATOR)
    revoke(membership=admin, invitation=revoked)
    expired, expired_secret = invite_by_link(membership=admin, grant=OPERATOR)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    again, older_secret = invite_by_link(membership=admin, grant=OPERATOR)
    resend(membership=admin, invitation=again)

    assert [status_of(one) for one in (used_secret, revoked_secret, expired_secret, older_secret, "x" * 27)] == [
        (410, "This invitation was already used"),
        (410, "This invitation was taken back"),
        (410, "This invitation has expired"),
        (404, "This invitation does not exist"),
        (404, "This invitation does not exist"),
    ]
    assert used.team_id == admin.team_id


def test_page_when_the_letter_is_sent_again_after_it_was_opened_then_the_older_way_is_closed(admin: Membership) -> None:
    invitation, secret = invite_by_link(membership=admin, grant=OPERATOR)
    client = client_of(make_user())
    client.get(f"/join/{secret}/")
    resend(membership=admin, invitation=invitation)

    answer = client.post("/join/")

    assert answer.status_code == 404
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize("length", [27, 5_000])
def test_guesses_when_there_are_many_then_they_are_stopped(db: None, length: int) -> None:
    client = Client(REMOTE_ADDR=f"203.0.113.{length % 250}")

    statuses = [client.get(f"/join/{'x' * (length - 4)}{number:04d}/").status_code for number in range(40)]

    # A minute may end in between: then there are 30 of each.
    assert statuses[:30] == [404] * 30
    assert 429 in statuses
    assert set(statuses) == {404, 429}


def test_nobodys_team_when_asked_then_it_says_how_to_go_on(db: None) -> None:
    assert client_of(make_user()).get("/no-team/").status_code == 200
    assert Client().get("/no-team/")["Location"] == "/accounts/login/"


def test_sign_up_when_invited_then_no_team_is_asked_for_and_the_address_stands_there(admin: Membership) -> None:
    invite(membership=admin, rows=read_pasted("robin@example.com"), grant=OPERATOR)
    (secret,) = read_letters()
    client = Client()
    client.get(f"/join/{secret}/")

    form = client.get("/accounts/signup/?next=/join/").context["form"]
    made = client.post(
        "/accounts/signup/",
        {"name": "Robin", "email": "robin@example.com", "password1": "sails over the harbour", "next": "/join/"},
    )
    joined = client.post("/join/")

    assert (list(form.fields), form["email"].value()) == (["name", "email", "password1"], "robin@example.com")
    assert (made.status_code, made["Location"]) == (302, "/join/")
    assert joined.status_code == 302
    assert EmailAddress.objects.get(email="robin@example.com").verified
    (membership,) = Membership.objects.filter(user__email="robin@example.com")
    assert (membership.team, membership.role) == (admin.team, "operator")


def test_sign_up_when_nobody_invited_then_a_team_is_needed(db: None) -> None:
    answer = Client().post(
        "/accounts/signup/", {"name": "Robin", "email": "r@example.com", "password1": "sails over the harbour"}
    )

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["team_name"])


def test_sign_up_when_the_address_is_another_than_the_letters_then_it_is_not_taken_for_confirmed(
    admin: Membership,
) -> None:
    invite(membership=admin, rows=read_pasted("robin@example.com"), grant=OPERATOR)
    (secret,) = read_letters()
    client = Client()
    client.get(f"/join/{secret}/")

    client.post("/accounts/signup/", {"name": "Kim", "email": "kim@example.com", "password1": "sails over the harbour"})

    assert not EmailAddress.objects.get(email="kim@example.com").verified


def test_sign_in_when_an_invitation_is_in_hand_then_it_goes_on_there(admin: Membership) -> None:
    _, secret = invite_by_link(membership=admin, grant=OPERATOR)
    user, client = make_user(), Client()
    client.get(f"/join/{secret}/")

    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/join/")
