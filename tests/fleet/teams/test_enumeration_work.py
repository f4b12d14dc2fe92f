"""The work behind signing in, by letter and by invitation: as many queries and hashes for known and unknown.

Time is measured by benchmarks/sign_in_timing.py; what is counted here is what would make it differ.
"""

import re
from collections import Counter
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fleet.events.models import Event
from fleet.members.invitations import invite_by_link
from fleet.teams.grants import Grant
from fleet.teams.installation import set_sign_up
from fleet.teams.models import Installation, User
from fleet.teams.roles import Role
from tests.factories import PASSWORD, make_team

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _known() -> None:
    cache.clear()
    user = User.objects.create_user("known@example.com", PASSWORD, name="Robin")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


def work_of(method: str, path: str, form: dict[str, str]) -> Counter[str]:
    """What the database was asked, by statement and table."""
    client = Client()
    with CaptureQueriesContext(connection) as captured:
        getattr(client, method)(path, form)
    found: Counter[str] = Counter()
    for query in captured.captured_queries:
        words = re.match(r'\W*(\w+)(?:.*?(?:FROM|INTO|UPDATE) "?(\w+))?', query["sql"], re.DOTALL)
        assert words is not None
        # A savepoint is kept or taken back with one statement either way.
        found[f"{words[1]} {words[2] or ''}".replace("ROLLBACK", "RELEASE")] += 1
    return found


def sign_in(address: str) -> Any:
    return work_of("post", reverse("account_login"), {"login": address, "password": "not the password"})


def sign_up(address: str) -> Any:
    person = {"name": "Robin", "team_name": "Harbour", "password1": "sails over the harbour"}
    return work_of("post", reverse("account_signup"), person | {"email": address})


def reset(address: str) -> Any:
    return work_of("post", reverse("account_reset_password"), {"email": address})


@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize("act", [sign_in, reset])
def test_work_when_the_address_is_known_or_not_then_it_is_the_same(act: Any, is_verified: bool) -> None:
    EmailAddress.objects.update(verified=is_verified)

    known, unknown = act("known@example.com"), act("unknown@example.com")

    assert known == unknown


def test_invitation_when_a_secret_begins_rightly_then_the_work_is_that_of_any_other() -> None:
    _, secret = invite_by_link(membership=make_team(), grant=Grant(Role.VIEWER))
    tried = [secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x" * len(secret), secret[: len(secret) // 2]]

    works = [work_of("get", f"/join/{one}/", {}) for one in tried]

    assert works[0] == works[1] == works[2]


def test_sign_up_when_the_address_is_taken_then_the_database_writes_as_much_as_for_a_new_one(settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    set_sign_up(policy=Installation.SignUp.ANYONE, actor="system:test")

    taken, new = sign_up("known@example.com"), sign_up("unknown@example.com")

    def written(work: Counter[str]) -> Counter[str]:
        return Counter({what: number for what, number in work.items() if what.startswith(("INSERT", "UPDATE"))})

    more = written(taken) - written(new), written(new) - written(taken)
    assert more == (Counter({"INSERT events_event": 1}), Counter())
    assert User.objects.count() == 2
    assert Event.objects.filter(kind="account.sign_up_taken").count() == 1
