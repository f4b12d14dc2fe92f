"""Keys to an owner's own pages: made, asked for by letter, written by a worker, found again. The pages: fleet.portal.

A key is good until it is taken back. The secret of a letter is made by the worker that writes it, so that it exists in
the letter and as a hash, and nowhere else.
"""

import logging
import time
from datetime import timedelta
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from connect.access import SECRET_MAX_LENGTH
from connect.models import PortalKey
from connect.tasks import write_to_owners
from fleet.vehicles.models import Owner
from fleet.vehicles.sealing import hash_token, make_token

# Older ones stop working: nobody collects keys to somebody's pages.
MOST_KEYS = 10
# So many letters may be asked for in an hour: nobody's mailbox is filled in our name.
MOST_LETTERS = 3
LETTERS_WITHIN = timedelta(hours=1)
# After each failed try; then the letter is given up, and can be asked for again.
WAITS = [timedelta(minutes=m) for m in (1, 5, 15, 60, 360, 1440)]
MOST_LETTERS_A_ROUND = 100

# One statement, whoever asks and whether anybody is known: the answer and the work are the same.
ASK = """
INSERT INTO connect_portalkey (id, team_id, owner_id, send_at, failures)
SELECT gen_random_uuid(), o.team_id, o.id, clock_timestamp(), 0 FROM vehicles_owner o
WHERE o.email <> '' AND lower(o.email) = lower(%(email)s) AND o.forgotten_at IS NULL
    AND (%(owner)s::uuid IS NULL OR o.id = %(owner)s::uuid)
    AND (SELECT count(*) FROM connect_portalkey k WHERE k.owner_id = o.id
         AND (k.sent_at > now() - %(within_s)s * interval '1 s'
              OR (k.send_at IS NOT NULL AND k.revoked_at IS NULL))) < %(most)s
"""

logger = logging.getLogger(__name__)


def mint_key(owner: Owner) -> str:
    """Make one more key for an owner and return its secret, which can't be shown again."""
    secret = make_token()
    with transaction.atomic():
        PortalKey.objects.create(team_id=owner.team_id, owner=owner, secret_hash=hash_token(secret))
        _retire_oldest(owner)
    return secret


def ask_for_letter(owner: Owner) -> None:
    """Have a letter with a new key written to an owner, if their address is known and they did not just get some."""
    _ask(owner.email, owner.id)


def ask_for_letters(email: str) -> None:
    """Have a letter written to each owner of an address, one for each team; nobody learns whether there is one."""
    _ask(email, None)


def _ask(email: str, owner_id: UUID | None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Two who ask for one address at once are counted one after the other.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(lower(%s), 4771))", [email])
        lately: dict[str, Any] = {"within_s": LETTERS_WITHIN.total_seconds(), "most": MOST_LETTERS}
        cursor.execute(ASK, lately | {"email": email, "owner": owner_id})
        # robust: without a broker the next round finds it.
        transaction.on_commit(lambda: write_to_owners.delay(), robust=True)


def find_key(secret: str) -> PortalKey | None:
    """Return the key that a secret is, with its owner and team; None when there is none that works."""
    if len(secret) > SECRET_MAX_LENGTH:
        return None
    return _working().filter(secret_hash=hash_token(secret)).first()


def get_key(key_id: UUID) -> PortalKey | None:
    """Return a key by which somebody came in, if it still works."""
    return _working().filter(pk=key_id).first()


def revoke_keys(owner: Owner) -> int:
    """Take all keys of an owner back, those in letters that wait too; return how many."""
    keys = PortalKey.objects.filter(owner=owner, team_id=owner.team_id, revoked_at__isnull=True)
    return keys.update(revoked_at=timezone.now())


def _working() -> QuerySet[PortalKey]:
    keys = PortalKey.objects.across_teams().filter(revoked_at__isnull=True, owner__forgotten_at__isnull=True)
    return keys.select_related("owner", "team")


def _retire_oldest(owner: Owner) -> None:
    mine = PortalKey.objects.filter(owner=owner, team_id=owner.team_id, revoked_at__isnull=True)
    kept = list(mine.order_by("-created_at").values_list("id", flat=True)[:MOST_KEYS])
    mine.exclude(id__in=kept).update(revoked_at=timezone.now())


# Letters ---------------------------------------------------------------------------------------------------------


def write_due_letters(*, within_s: float = 20.0) -> None:
    """Write the letters that wait, for a bounded time; the next round goes on. For worker processes only."""
    until = time.monotonic() + within_s
    for key_id in list(_due().order_by("send_at").values_list("id", flat=True)[:MOST_LETTERS_A_ROUND]):
        if time.monotonic() >= until:
            return
        write_letter(key_id)


def write_letter(key_id: UUID) -> bool:
    """Write the letter that waits in a key's row; True when it went out now.

    Of two workers only the one that takes send_at away writes. What can't be sent waits longer after each failure.
    """
    secret, now = make_token(), timezone.now()
    taken = _due().filter(pk=key_id).update(secret_hash=hash_token(secret), send_at=None, sent_at=now)
    if not taken:
        return False
    key = PortalKey.objects.select_related("owner", "team").get(pk=key_id)
    try:
        compose(key, secret).send()
    except (SMTPException, OSError) as error:
        is_given_up = key.failures >= len(WAITS)
        PortalKey.objects.this(key).update(
            secret_hash=None,
            sent_at=None,
            send_at=None if is_given_up else now + WAITS[key.failures],
            revoked_at=now if is_given_up else None,
            failures=F("failures") + 1,
        )
        logger.warning("letter of portal key %s could not be sent: %s", key_id, type(error).__name__)
        return False
    _retire_oldest(key.owner)
    return True


def compose(key: PortalKey, secret: str) -> EmailMessage:
    """Return the letter in the owner's language, else in the team's."""
    language = key.owner.language or key.team.language or settings.LANGUAGE_CODE
    with translation.override(language):
        words = {"team": key.team.name}
        subject = _("Your car and %(team)s") % words
        paragraphs = [
            _("Hello,"),
            _("here you see what you share with %(team)s, who used it, and change or end it at any time:") % words
            + f"\n{settings.PUBLIC_URL}{reverse('portal:open', args=[secret])}",
            _("The link needs no password. Keep it to yourself; it works until you have it taken back."),
            _("If you did not ask for this letter, you can ignore it: nothing changes by it."),
        ]
    # One line, whatever stands in a name.
    return EmailMessage(subject=" ".join(subject.split()), body="\n\n".join(paragraphs) + "\n", to=[key.owner.email])


def _due() -> QuerySet[PortalKey]:
    due = Q(send_at__lte=timezone.now(), revoked_at__isnull=True, owner__forgotten_at__isnull=True)
    return PortalKey.objects.filter(due).exclude(owner__email="")
