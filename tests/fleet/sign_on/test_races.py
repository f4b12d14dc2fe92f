"""Two browsers of one person that come back at once: one account, one membership."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import connection

from fleet.sign_on.arriving import admit
from fleet.sign_on.configured import find_provider
from fleet.sign_on.joining import join_teams
from fleet.sign_on.oidc import LOGIN, Arrival
from fleet.teams.models import Membership, User
from tests.fleet.sign_on.rows import make_linked_team, make_linked_user, make_open_domain

AT_ONCE = 4
ACME = find_provider("acme")


def at_once(act: Callable[[], Any]) -> list[Any]:
    def do(_: int) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(do, range(AT_ONCE)))


def test_joining_when_two_browsers_come_at_once_then_there_is_one_membership(committed_db: Any) -> None:
    owner = make_linked_team()
    make_open_domain(owner)
    user = make_linked_user("two@acme.example")

    joined = at_once(lambda: len(join_teams(User.objects.get(pk=user.pk), ACME)))  # type: ignore[arg-type]

    assert sorted(joined) == [0, 0, 0, 1]
    assert Membership.objects.filter(team=owner.team, user=user).count() == 1


def test_first_sign_on_when_two_browsers_come_at_once_then_there_is_one_account(committed_db: Any) -> None:
    arrival = Arrival(
        provider=ACME,  # type: ignore[arg-type]
        subject="s" * 64,
        email="new@acme.example",
        is_email_verified=True,
        name="New",
        proved_at=None,
        has_second_factor=False,
        purpose=LOGIN,
        begun_at=0.0,
        user_id="",
        next_url="",
    )

    admitted = at_once(lambda: admit(arrival)[0].id)

    assert set(admitted) == set(User.objects.values_list("id", flat=True))
    assert len(set(admitted)) == 1
    assert SocialAccount.objects.count() == 1
