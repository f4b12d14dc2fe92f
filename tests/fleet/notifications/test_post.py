"""Sending over SMTP: a server that is down, silent, refuses, or breaks off loses nothing and blocks nobody."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.test import override_settings
from django.utils import timezone

from fleet.notifications.models import Letter, Line, PostOffice
from fleet.notifications.post import CannotBeWritten, NotTaken, ServerDown, deliver, work_through
from fleet.teams.models import Membership, User
from fleet.teams.roles import Role
from tests.factories import make_member
from tests.fleet.notifications.conftest import read, write
from tests.fleet.notifications.mail_server import MailServer


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that Fleetwell knows; it is not running."""
    server = MailServer()
    with server.running():
        pass
    settings = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": server.port,
        "EMAIL_TIMEOUT": 0.5,
    }
    with override_settings(**settings):
        yield server


@pytest.fixture
def now(owner: Membership) -> datetime:
    """Two minutes after somebody joined the team of an owner and an admin."""
    make_member(owner.team, Role.ADMIN)
    read()
    Line.objects.all().delete()
    write("member.added", membership=owner, data={"role": "viewer"})
    read()
    return timezone.now() + timedelta(minutes=2)


def outcomes() -> list[tuple[int, str]]:
    return list(Letter.objects.order_by("user__created_at").values_list("tries", "outcome"))


def test_post_when_the_server_is_down_then_one_letter_is_tried_and_all_go_when_it_is_back(
    server: MailServer, now: datetime
) -> None:
    down = [work_through(now=now), work_through(now=now + timedelta(seconds=1)), work_through(now=now + timedelta(16))]
    tried = sorted(outcomes())

    with server.running():
        sent = work_through(now=now + timedelta(17))
        again = work_through(now=now + timedelta(18))

    # The second run was too early, the third tried the other letter.
    assert (down, tried) == ([0, 0, 0], [(1, ""), (1, "")])
    assert (sent, again, len(server.letters)) == (2, 0, 2)
    assert sorted(outcomes()) == [(2, "sent"), (2, "sent")]
    assert PostOffice.objects.get().failures == 0


def test_post_when_the_server_is_silent_then_it_is_left_soon_and_others_can_work_meanwhile(
    server: MailServer, now: datetime
) -> None:
    server.is_silent = True
    with server.running():
        work_through(now=now)

        assert server.connections == 1
    assert sorted(outcomes()) == [(0, ""), (1, "")]
    assert PostOffice.objects.get().resume_at == now + timedelta(seconds=15)


def test_post_when_the_connection_breaks_after_the_letter_then_it_comes_again_as_the_same_letter(
    server: MailServer, now: datetime
) -> None:
    Line.objects.exclude(user=User.objects.order_by("created_at").first()).delete()
    server.breaks_after_data = True
    with server.running():
        work_through(now=now)
        server.breaks_after_data = False
        work_through(now=now + timedelta(minutes=2))

    first, second = server.letters
    assert (first["Message-ID"], str(first["Message-ID"])[1:37]) == (second["Message-ID"], str(Letter.objects.get().id))
    assert outcomes() == [(2, "sent")]


def test_post_when_one_address_is_refused_then_the_others_get_theirs_and_it_is_tried_for_days(
    server: MailServer, owner: Membership, now: datetime
) -> None:
    server.refuses[owner.user.email] = "550 nobody here"
    with server.running():
        sent = work_through(now=now)
        tried = [work_through(now=now + timedelta(hours=hours)) for hours in (1, 2, 80)]
        over = work_through(now=now + timedelta(hours=90))

    assert (sent, tried, over) == (1, [0, 0, 0], 0)
    assert outcomes() == [(4, "failed"), (1, "sent")]


def test_post_when_two_workers_send_then_each_letter_goes_once(server: MailServer, now: datetime) -> None:
    from django.db import connection

    def work() -> None:
        try:
            work_through(now=now)
        finally:
            connection.close()

    with server.running():
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    assert len({str(letter["Message-ID"]) for letter in server.letters}) == len(server.letters) == 2


def test_post_when_a_worker_died_while_it_sent_then_the_next_one_goes_on_after_minutes(
    server: MailServer, now: datetime
) -> None:
    PostOffice.objects.update(held_until=now + timedelta(seconds=180))
    with server.running():
        held = work_through(now=now + timedelta(seconds=170))
        free = work_through(now=now + timedelta(seconds=181))

    assert (held, free) == (0, 2)


def test_deliver_when_a_letter_cannot_go_then_the_reason_is_told_apart(server: MailServer) -> None:
    def letter(to: str = "robin@example.com", subject: str = "Hello") -> EmailMessage:
        return EmailMessage(subject=subject, body="Text", to=[to])

    with pytest.raises(ServerDown, match="ConnectionRefusedError"):
        deliver(letter())
    with server.running():
        server.refuses["robin@example.com"] = "550 no"
        with pytest.raises(NotTaken, match="SMTPRecipientsRefused"):
            deliver(letter())
        with pytest.raises(CannotBeWritten, match="BadHeaderError"):
            deliver(letter("kim@example.com", "Two\nlines"))
    # A service behind django-anymail that is not there.
    with (
        override_settings(
            EMAIL_BACKEND="anymail.backends.postmark.EmailBackend",
            ANYMAIL={
                "POSTMARK_SERVER_TOKEN": "t",
                "POSTMARK_API_URL": f"http://127.0.0.1:{server.port}/",
                "REQUESTS_TIMEOUT": 0.5,
            },
        ),
        pytest.raises(ServerDown, match="answer 0"),
    ):
        deliver(letter())
