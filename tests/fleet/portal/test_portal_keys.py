"""Letters with keys: who gets one, who writes it, what happens when it can't be sent, and that none comes twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connect.models import PortalKey
from connect.portal_keys import (
    MOST_KEYS,
    MOST_LETTERS,
    WAITS,
    ask_for_letter,
    ask_for_letters,
    find_key,
    mint_key,
    write_due_letters,
    write_letter,
)
from fleet.teams.models import Membership
from fleet.vehicles.models import Owner
from fleet.vehicles.sealing import hash_token
from tests.factories import make_team
from tests.infrastructure.databases import CommittedDatabase

SECRET = re.compile(r"/my/([A-Za-z0-9_-]{27})/")
NOWHERE = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 9}


def make_owner(team_of: Membership, email: str = "olga@owner.example", **fields: object) -> Owner:
    return Owner.objects.create(team=team_of.team, name="Olga", email=email, **fields)


@pytest.fixture
def harbour(db: None) -> Membership:
    return make_team("Harbour Cars")


def test_letter_when_asked_for_then_the_worker_writes_it_with_a_new_key_that_opens(harbour: Membership) -> None:
    owner = make_owner(harbour)

    ask_for_letter(owner)
    waiting = PortalKey.objects.get()
    write_due_letters()
    write_due_letters()

    [letter] = mail.outbox
    [secret] = SECRET.findall(letter.body)
    key = PortalKey.objects.get()
    assert (waiting.secret_hash, waiting.sent_at) == (None, None)
    assert (key.secret_hash, key.send_at, key.failures) == (hash_token(secret), None, 0)
    assert (letter.to, letter.subject) == ([owner.email], "Your car and Harbour Cars")
    found = find_key(secret)
    assert found is not None
    assert (found.owner, found.team) == (owner, harbour.team)


def test_letter_when_the_owner_speaks_german_then_it_does_too(harbour: Membership) -> None:
    ask_for_letter(make_owner(harbour, language="de"))

    write_due_letters()

    assert mail.outbox[0].subject == "Ihr Auto und Harbour Cars"
    assert "Guten Tag" in mail.outbox[0].body or "Hallo" in mail.outbox[0].body


def test_letter_when_the_name_of_the_team_has_lines_then_the_subject_is_one(harbour: Membership) -> None:
    harbour.team.name = "Harbour\nBcc: x@y.example"
    harbour.team.save(update_fields=["name"])
    ask_for_letter(make_owner(harbour))

    write_due_letters()

    assert mail.outbox[0].subject == "Your car and Harbour Bcc: x@y.example"


def test_letters_when_an_address_is_known_to_two_teams_then_each_writes_its_own(harbour: Membership) -> None:
    other = make_team("Another Fleet")
    owners = {make_owner(harbour), make_owner(other, email="Olga@Owner.example")}
    make_owner(other, email="somebody@owner.example")

    ask_for_letters("olga@owner.EXAMPLE")
    write_due_letters()

    assert sorted(letter.subject for letter in mail.outbox) == [
        "Your car and Another Fleet",
        "Your car and Harbour Cars",
    ]
    opened = [find_key(SECRET.findall(letter.body)[0]) for letter in mail.outbox]
    assert {key.owner for key in opened if key} == owners


@pytest.mark.parametrize("email", ["", "olga@owner.example"])
def test_letters_when_the_owner_has_no_address_or_was_forgotten_then_none_is_written(
    harbour: Membership, email: str
) -> None:
    owner = make_owner(harbour, email=email, forgotten_at=timezone.now() if email else None)

    ask_for_letter(owner)
    ask_for_letters(email)
    write_due_letters()

    assert (mail.outbox, PortalKey.objects.count()) == ([], 0)


def test_letters_when_asked_for_again_and_again_then_a_mailbox_gets_a_few_an_hour(harbour: Membership) -> None:
    owner = make_owner(harbour)

    for _ in range(MOST_LETTERS + 3):
        ask_for_letters(owner.email)
        write_due_letters()
    at_once = len(mail.outbox)
    PortalKey.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    ask_for_letters(owner.email)
    write_due_letters()

    assert (at_once, len(mail.outbox)) == (MOST_LETTERS, MOST_LETTERS + 1)


def test_letter_when_the_owner_is_forgotten_before_it_is_written_then_it_is_not(harbour: Membership) -> None:
    owner = make_owner(harbour)
    ask_for_letter(owner)
    Owner.objects.update(forgotten_at=timezone.now())

    write_due_letters()

    assert mail.outbox == []


def test_letter_when_it_cannot_be_sent_then_it_waits_longer_each_time_and_is_given_up(harbour: Membership) -> None:
    ask_for_letter(make_owner(harbour))
    waits = []

    with override_settings(**NOWHERE):
        for _ in WAITS:
            before = timezone.now()
            write_due_letters()
            key = PortalKey.objects.get()
            waits.append(round((key.send_at - before).total_seconds() / 60))
            assert (key.secret_hash, key.sent_at) == (None, None)
            PortalKey.objects.update(send_at=timezone.now())
        write_due_letters()

    key = PortalKey.objects.get()
    assert waits == [round(wait.total_seconds() / 60) for wait in WAITS]
    assert (key.send_at, key.failures, key.secret_hash) == (None, len(WAITS) + 1, None)
    assert key.revoked_at is not None


def test_letter_when_it_could_not_be_sent_once_then_it_goes_out_the_next_time(harbour: Membership) -> None:
    ask_for_letter(make_owner(harbour))
    with override_settings(**NOWHERE):
        write_due_letters()

    too_early = write_due_letters() or len(mail.outbox)
    PortalKey.objects.update(send_at=timezone.now())
    write_due_letters()

    assert (too_early, len(mail.outbox)) == (0, 1)


def test_letter_when_two_workers_write_at_once_then_one_does(committed_db: CommittedDatabase) -> None:
    ask_for_letter(make_owner(make_team("Harbour Cars")))
    key_id = PortalKey.objects.get().id

    def write(_: int) -> bool:
        try:
            return write_letter(key_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(4)))

    assert (sorted(written), len(mail.outbox)) == ([False, False, False, True], 1)


def test_keys_when_many_are_made_then_the_oldest_stop_working(harbour: Membership) -> None:
    owner = make_owner(harbour)

    secrets = [mint_key(owner) for _ in range(MOST_KEYS + 2)]

    assert [find_key(secret) is not None for secret in secrets] == [False] * 2 + [True] * MOST_KEYS


def test_letters_when_the_address_is_known_or_not_then_the_work_is_the_same(harbour: Membership) -> None:
    make_owner(harbour)
    asked = []

    for email in ("olga@owner.example", "nobody@owner.example"):
        with CaptureQueriesContext(connection) as captured:
            ask_for_letters(email)
        asked.append([re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in captured.captured_queries])

    assert asked[0] == asked[1]
