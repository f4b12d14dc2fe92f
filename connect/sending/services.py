"""The verbs of personal links: find, note how far an owner is. Letters are written in letters.py."""

import base64
import hashlib
from datetime import datetime

from django.utils import timezone

from connect.access import SECRET_MAX_LENGTH
from connect.models import Recipient
from fleet.vehicles.models import Connection
from fleet.vehicles.sealing import hash_token, keyed_hash

SECRET_BYTES = 20


def secret_of(recipient: Recipient) -> str:
    """Return the secret of a personal link; only its hash is stored.

    Made from the row's id and the installation's key and not at random, so that every letter to the same owner holds
    the same link: whoever opens an older letter after a reminder is not sent away.
    """
    digest = hashlib.sha256(keyed_hash(str(recipient.id), purpose="recipient").encode()).digest()
    return base64.urlsafe_b64encode(digest[:SECRET_BYTES]).rstrip(b"=").decode()


def find_recipient(secret: str) -> Recipient | None:
    """Return whose personal link a secret opens, usable or not, with link and team; None when it is nobody's."""
    if len(secret) > SECRET_MAX_LENGTH:
        return None
    found = Recipient.objects.across_teams().filter(secret_hash=hash_token(secret))
    return found.select_related("link__team", "team").first()


def recipient_problem(recipient: Recipient, now: datetime) -> str:
    """Return why a personal link can't be used now, in the words of ShareLink.problem; else "".

    It works once, needs its share link to be open, and does not count among that link's uses.
    """
    if recipient.revoked_at is not None:
        return "link_revoked"
    problem = recipient.link.problem(now)
    if problem and problem != "link_used_up":
        return problem
    return "link_used_up" if recipient.done_at is not None else ""


def note_opened(recipient: Recipient) -> None:
    """Note that a personal link was opened for the first time; mail programs open links too, so it uses up nothing."""
    Recipient.objects.this(recipient).filter(opened_at__isnull=True).update(opened_at=timezone.now())


def note_done(recipient: Recipient, connection: Connection) -> bool:
    """Use a personal link up for the connection that came of it; False when somebody did before, or it was withdrawn.

    Call it in the transaction of the acceptance: only one of two who accept at once gets True.
    """
    unused = Recipient.objects.this(recipient).filter(done_at__isnull=True, revoked_at__isnull=True)
    return bool(unused.update(done_at=timezone.now(), send_at=None, connection=connection))
