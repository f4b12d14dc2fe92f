"""What the tests of personal links share: a link, a list, letters that are written and read."""

import re

import pytest
from django.core import mail

from connect.models import Recipient, ShareLink
from connect.sending.letters import write_due_letters
from connect.sending.lists import read_list
from connect.sending.services import send_to
from fleet.teams.models import Membership
from tests.connect.conftest import make_link


@pytest.fixture
def link(manager: Membership) -> ShareLink:
    return make_link(manager)[0]


def send(link: ShareLink, membership: Membership, text: str) -> list[Recipient]:
    """Send a list and return who is on it, by address."""
    send_to(link=link, membership=membership, entries=read_list(text))
    return list(Recipient.objects.filter(link=link).order_by("email"))


def read_letters() -> list[str]:
    """Write what waits, and return the secrets of all letters so far in the order they went out."""
    write_due_letters()
    return [secret_in(str(letter.body)) for letter in mail.outbox]


def secret_in(text: str) -> str:
    found = re.search(r"/c/([A-Za-z0-9_-]{27})/", text)
    assert found, text
    return found.group(1)
