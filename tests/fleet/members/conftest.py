"""The cast of the tests of members: a team with its owner, an admin and a viewer; letters that are read."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from fleet.members.letters import find_waiting, write_letter
from fleet.teams.models import Membership
from fleet.teams.roles import Role
from tests.factories import make_member, make_team

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@pytest.fixture
def owner(db: None) -> Membership:
    return make_team("Nordlicht")


@pytest.fixture
def admin(owner: Membership) -> Membership:
    return make_member(owner.team, Role.ADMIN)


@pytest.fixture
def viewer(owner: Membership) -> Membership:
    return make_member(owner.team, Role.VIEWER)


def signed_in(membership: Membership, **kwargs: bool) -> Client:
    client = Client(**kwargs)
    client.force_login(membership.user, backend=BACKEND)
    return client


def read_letters() -> list[str]:
    """Write what waits, and return the secrets of all letters so far in the order they went out."""
    for invitation_id in find_waiting():
        write_letter(invitation_id)
    return [secret_in(str(letter.body)) for letter in mail.outbox]


def secret_in(text: str) -> str:
    found = re.search(r"/join/([A-Za-z0-9_-]{27})/", text)
    assert found, text
    return found.group(1)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do things in threads of their own and return what each returned or raised, sorted by its text."""

    def run(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - what it raised is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
