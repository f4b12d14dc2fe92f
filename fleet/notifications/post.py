"""Sending letters: one worker at a time, outside of any transaction, tried again until they are gone.

At least once: a letter counts as sent when the mail server has taken it and that is written down. A crash between the
two sends it again, with the same Message-ID. A server that is down, or slow (EMAIL_TIMEOUT), ends the run after one
letter; the next run waits longer each time, and every letter keeps its place.
"""

import logging
import time
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import timezone

from fleet.notifications.choices import choices_of
from fleet.notifications.letters import compose, make_letters
from fleet.notifications.models import Letter, PostOffice

# Longer than the server may take over one letter, with every step of SMTP as slow as EMAIL_TIMEOUT allows.
HELD_FOR = timedelta(seconds=180)
MOST_LETTERS_A_RUN = 200
# A slow server must not keep a worker from everything else; the next run comes in seconds.
RUN_FOR_S = 20.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(minutes=15)
# What is still in the bell by then need not come by letter any more.
TRIED_FOR = timedelta(days=3)
QUIET_STEP = timedelta(minutes=1)

logger = logging.getLogger(__name__)


class ServerDown(Exception):
    """The mail server, or the service in its place, does not take letters now: whose they are makes no difference."""


class NotTaken(Exception):
    """The server did not take this one letter."""


class CannotBeWritten(Exception):
    """The letter can't be put on the wire, now or later: an address that is none, a header of two lines."""


def work_through(*, now: datetime | None = None) -> int:
    """Make the letters that are due and send all that wait; return how many went out. 0 while another worker does."""
    now = now or timezone.now()
    if not _hold(now):
        return 0
    sent, stop_at = 0, time.monotonic() + RUN_FOR_S
    try:
        make_letters(now=now)
        due = Letter.objects.filter(ended_at__isnull=True, try_at__lte=now).select_related("user")
        # Urgent ones first, then those that were tried least: one that always fails stops none behind it.
        for letter in due.order_by("-is_urgent", "try_at", "id")[:MOST_LETTERS_A_RUN]:
            if time.monotonic() > stop_at:
                break
            PostOffice.objects.update(held_until=now + HELD_FOR + timedelta(seconds=RUN_FOR_S))
            sent += _send(letter, now)
        if sent:
            PostOffice.objects.update(failures=0)
    except ServerDown as error:
        _pause(now)
        logger.warning("letters wait, the mail server did not take one: %s", error)
    finally:
        PostOffice.objects.update(held_until=now)
    return sent


def _hold(now: datetime) -> bool:
    """Be the one that sends, unless somebody is, or the server is given time to come back."""
    free = PostOffice.objects.filter(held_until__lte=now, resume_at__lte=now)
    return bool(free.update(held_until=now + HELD_FOR))


def _pause(now: datetime) -> None:
    failures = PostOffice.objects.get().failures
    pause = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
    PostOffice.objects.update(failures=min(failures + 1, 100), resume_at=now + pause)


def _send(letter: Letter, now: datetime) -> bool:
    if not letter.is_urgent and choices_of([letter.user_id])[letter.user_id].is_quiet(now):
        Letter.objects.filter(pk=letter.pk).update(try_at=now + QUIET_STEP)
        return False
    # Taken by its number of tries: two workers that both think they send never both send this try.
    wait = min(FIRST_RETRY * 2 ** min(letter.tries, 10), LONGEST_RETRY)
    mine = Letter.objects.filter(pk=letter.pk, tries=letter.tries, ended_at__isnull=True)
    if not mine.update(tries=F("tries") + 1, try_at=now + wait):
        return False
    message = compose(letter)
    if message is None:
        _end(letter, Letter.Outcome.EMPTY, now)
        return False
    try:
        deliver(message)
    except (NotTaken, CannotBeWritten) as error:
        if isinstance(error, CannotBeWritten) or letter.created_at < now - TRIED_FOR:
            _end(letter, Letter.Outcome.FAILED, now)
        logger.warning("letter %s was not taken: %s", letter.id, error)
        return False
    _end(letter, Letter.Outcome.SENT, now)
    return True


def _end(letter: Letter, outcome: Letter.Outcome, now: datetime) -> None:
    Letter.objects.filter(pk=letter.pk, ended_at__isnull=True).update(ended_at=now, outcome=outcome)


def deliver(message: EmailMessage) -> None:
    """Hand a letter to the mail server. Raises ServerDown, NotTaken, CannotBeWritten; their words hold no address."""
    try:
        message.send()
    except (SMTPRecipientsRefused, AnymailRecipientsRefused) as error:
        raise NotTaken(type(error).__name__) from error
    except SMTPResponseException as error:
        raise _judge(error.smtp_code, is_ours=error.smtp_code in {421, 530, 535}) from error
    except AnymailAPIError as error:
        status = error.status_code or 0
        raise _judge(status, is_ours=not 400 <= status < 500 or status in {401, 403, 429}) from error
    except (SMTPException, OSError) as error:
        raise ServerDown(type(error).__name__) from error
    except (AnymailError, ValueError) as error:
        raise CannotBeWritten(type(error).__name__) from error


def _judge(code: int, *, is_ours: bool) -> ServerDown | NotTaken:
    return ServerDown(f"answer {code}") if is_ours else NotTaken(f"answer {code}")
