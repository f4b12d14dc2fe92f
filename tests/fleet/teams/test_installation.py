"""The installation: its first person, who may sign up, and who looks after it."""

from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from fleet.events.models import Event
from fleet.teams.installation import LastAdministrator, end_administrator, make_administrator, set_sign_up
from fleet.teams.models import Installation, User
from tests.factories import make_team, make_user
from tests.signing_in import sign_in

SIGN_UP, SIGN_IN, HOME = reverse("account_signup"), reverse("account_login"), reverse("installation:home")
ADD = reverse("installation:add_administrator")
GOOD = {"name": "Mika", "team_name": "Hafen Test", "email": "mika@example.com", "password1": "sails over the harbour"}


@pytest.fixture(autouse=True)
def _limits_start_anew(db: None) -> None:
    cache.clear()


def make_administrator_signed_in() -> tuple[User, Client]:
    membership = make_team()
    make_administrator(email=membership.user.email, actor="system:test")
    membership.user.refresh_from_db()
    return membership.user, sign_in(Client(), membership)


def test_first_person_when_they_sign_up_then_they_look_after_it_and_the_next_needs_an_invitation() -> None:
    assert "This installation is new." in Client().get(SIGN_IN).content.decode()
    first = Client().post(SIGN_UP, GOOD)
    second = Client().post(SIGN_UP, GOOD | {"email": "next@example.com"})

    assert (first.status_code, second.status_code) == (302, 200)
    assert "You need an invitation" in second.content.decode()
    assert list(User.objects.values_list("email", "is_administrator")) == [("mika@example.com", True)]
    assert Event.objects.filter(kind="installation.administrator_made", team_id=None).count() == 1
    assert "Ask somebody of your team for an invitation." in Client().get(SIGN_IN).content.decode()


def test_sign_up_when_an_administrator_opened_it_then_anyone_may_and_becomes_no_administrator() -> None:
    make_team()
    set_sign_up(policy=Installation.SignUp.ANYONE, actor="system:test")

    answer = Client().post(SIGN_UP, GOOD)

    assert answer.status_code == 302
    assert not User.objects.get(email="mika@example.com").is_administrator


def test_page_when_somebody_else_asks_then_there_is_no_such_page() -> None:
    administrator, _ = make_administrator_signed_in()
    stranger = sign_in(Client(), make_team())
    remove = reverse("installation:remove_administrator", args=[administrator.id])

    answers = [
        stranger.get(HOME),
        stranger.post(HOME, {"sign_up": "anyone"}),
        stranger.post(ADD),
        stranger.post(remove),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert Client().post(remove)["Location"].startswith(SIGN_IN)
    assert not Installation.objects.exists()


def test_page_when_the_administrator_did_not_confirm_lately_then_it_asks_first() -> None:
    _, client = make_administrator_signed_in()
    session = client.session
    session["account_authentication_methods"] = [
        record | {"at": record["at"] - 3600} for record in session["account_authentication_methods"]
    ]
    session.save()

    answer = client.post(HOME, {"sign_up": "anyone"})

    assert answer["Location"].startswith(reverse("account_reauthenticate"))
    assert not Installation.objects.exists()


def test_page_when_saved_then_the_policy_holds_and_nonsense_is_refused() -> None:
    _, client = make_administrator_signed_in()

    refused, saved = client.post(HOME, {"sign_up": "everyone\x00"}), client.post(HOME, {"sign_up": "anyone"})

    assert (refused.status_code, saved.status_code) == (422, 302)
    assert Installation.objects.get().sign_up == "anyone"
    assert Event.objects.filter(kind="installation.sign_up_changed").values_list("data", flat=True).get() == {
        "sign_up": "anyone"
    }


def test_administrators_when_one_is_added_and_removed_then_one_always_stays() -> None:
    first, client = make_administrator_signed_in()
    other = make_user()
    remove_first = reverse("installation:remove_administrator", args=[first.id])

    last = client.post(remove_first)
    unknown = client.post(ADD, {"email": "nobody@example.com"})
    added = client.post(ADD, {"email": other.email.upper()})
    gone = client.post(remove_first)

    assert (last.status_code, unknown.status_code, added.status_code) == (409, 422, 302)
    assert gone["Location"] == reverse("vehicles:list")
    assert client.get(HOME).status_code == 404
    assert list(User.objects.filter(is_administrator=True)) == [other]
    with pytest.raises(LastAdministrator):
        end_administrator(user=other, actor="system:test")


def test_command_when_the_operator_names_somebody_then_they_look_after_the_installation(capsys: Any) -> None:
    user = make_user()

    call_command("make_administrator", user.email)

    user.refresh_from_db()
    assert user.is_administrator
    with pytest.raises(CommandError, match="Nobody has an account"):
        call_command("make_administrator", "nobody@example.com")
