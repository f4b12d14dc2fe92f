"""The verbs of personal links: find, send to, remind, withdraw, note how far an owner is. Letters: letters.py."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from connect.access import SECRET_MAX_LENGTH
from connect.models import Recipient, ShareLink
from connect.sending.lists import MOST_AT_ONCE, Entry, Problem, cleaned, find_problems
from connect.services import record_link
from connect.tasks import write_to_owners
from fleet.events.services import acting_as
from fleet.teams.models import Membership
from fleet.vehicles.models import Connection
from fleet.vehicles.sealing import hash_token, keyed_hash

SECRET_BYTES = 20
# Letters to one owner at most, and how far apart: nobody's mailbox is filled in a team's name.
MOST_LETTERS = 3
LETTERS_APART = timedelta(hours=24)
MOST_OF_A_LINK = 5_000


class NotSent(Exception):
    """Nothing was sent, because of these lines of the list."""

    code = "not_sent"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(self.code)
        self.problems = problems


class Refused(Exception):
    """It can't be done now, and nothing was. code: see connect.sending.words.REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


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


# For whom ---------------------------------------------------------------------------------------------------------


def find_list_problems(*, link: ShareLink, entries: Sequence[Entry]) -> list[Problem]:
    """Return what is wrong with each line of a list for a link."""
    out = Recipient.objects.filter(team_id=link.team_id, link=link, revoked_at__isnull=True)
    addresses = out.filter(email__in=[entry.email for entry in entries]).values_list("email", flat=True)
    vins = out.exclude(vin="").values_list("vin", flat=True)
    return find_problems(entries, invited=set(addresses), invited_vins=set(vins))


def send_to(*, link: ShareLink, membership: Membership, entries: Sequence[Entry]) -> int:
    """Have a letter with a personal link written to every owner of a list, all of them or none; return how many.

    Whose personal link was withdrawn is asked anew. Raises NotSent with what is wrong with which line; Refused.
    """
    if not entries:
        raise Refused("nothing")
    if len(entries) > MOST_AT_ONCE:
        raise Refused("too_many_at_once")
    with acting_as(membership.user.actor), transaction.atomic():
        _lock_open(link, room_for=len(entries))
        if problems := find_list_problems(link=link, entries=entries):
            raise NotSent(problems)
        now = timezone.now()
        kept = [cleaned(entry) for entry in entries]
        _take_away_withdrawn(link, emails=[entry.email for entry in kept], vins=[entry.vin for entry in kept])
        Recipient.objects.bulk_create(
            Recipient(
                team_id=link.team_id,
                link=link,
                email=entry.email,
                name=entry.name,
                language=entry.language,
                vin=entry.vin,
                send_at=now,
            )
            for entry in kept
        )
        record_link("share_link.sent", link, actor=membership.user.actor, count=len(kept))
        _ring()
    return len(kept)


def hand_over(*, link: ShareLink, membership: Membership, vins: Sequence[str]) -> list[tuple[Recipient, str]]:
    """Make a personal link for each car and return them with their secrets, to be shown once on a sheet.

    vins: cleaned, each once, none of them with a link already. Raises Refused.
    """
    with acting_as(membership.user.actor), transaction.atomic():
        _lock_open(link, room_for=len(vins))
        _take_away_withdrawn(link, emails=[], vins=vins)
        taken = Recipient.objects.filter(team_id=link.team_id, link=link, vin__in=vins).values_list("vin", flat=True)
        new = sorted(set(vins) - set(taken), key=list(vins).index)
        recipients = [Recipient(team_id=link.team_id, link=link, vin=vin) for vin in new]
        for recipient in recipients:
            recipient.secret_hash = hash_token(secret_of(recipient))
        Recipient.objects.bulk_create(recipients)
        if recipients:
            record_link("share_link.handed_over", link, actor=membership.user.actor, count=len(recipients))
    return [(recipient, secret_of(recipient)) for recipient in recipients]


def _lock_open(link: ShareLink, *, room_for: int) -> None:
    """Keep others from adding to a link until the end of the transaction. Raises Refused."""
    locked = ShareLink.objects.this(link).select_for_update(of=("self",), no_key=True).select_related("team").get()
    if locked.problem(timezone.now()) not in {"", "link_used_up"}:
        raise Refused("link_closed")
    if Recipient.objects.filter(team_id=link.team_id, link=link).count() + room_for > MOST_OF_A_LINK:
        raise Refused("too_many")


def _take_away_withdrawn(link: ShareLink, *, emails: Sequence[str], vins: Sequence[str]) -> None:
    """Make room for who is asked anew: the withdrawn row goes, and with it the link in the old letters."""
    withdrawn = Recipient.objects.filter(team_id=link.team_id, link=link, revoked_at__isnull=False)
    withdrawn.filter(Q(email__in=[one for one in emails if one]) | Q(vin__in=[one for one in vins if one])).delete()


# Reminding and withdrawing ----------------------------------------------------------------------------------------


def remindable(link: ShareLink, now: datetime) -> QuerySet[Recipient]:
    """Return who gets a letter when all are reminded: not done, did not say no, and had none for a day."""
    recipients = Recipient.objects.filter(
        team_id=link.team_id, link=link, done_at__isnull=True, declined_at__isnull=True
    )
    waiting = recipients.filter(revoked_at__isnull=True, send_at__isnull=True, sent_at__lte=now - LETTERS_APART)
    return waiting.filter(sent_count__lt=MOST_LETTERS).exclude(email="")


def remind_all(*, link: ShareLink, membership: Membership) -> int:
    """Have one more letter written to everybody who is not done; return to how many. Raises Refused."""
    with acting_as(membership.user.actor), transaction.atomic():
        _lock_open(link, room_for=0)
        now = timezone.now()
        count = remindable(link, now).update(send_at=now)
        if count:
            record_link("share_link.reminded", link, actor=membership.user.actor, count=count)
            _ring()
    return count


def remind(*, recipient: Recipient, membership: Membership) -> None:
    """Have one more letter written to one owner. Raises Refused, for the reasons of why_not_remind or link_closed."""
    with acting_as(membership.user.actor), transaction.atomic():
        _lock_open(recipient.link, room_for=0)
        now = timezone.now()
        if problem := why_not_remind(recipient, now):
            raise Refused(problem)
        if not Recipient.objects.this(recipient).filter(send_at__isnull=True).update(send_at=now):
            raise Refused("waits")
        record_link("share_link.reminded", recipient.link, actor=membership.user.actor, count=1)
        _ring()


def why_not_remind(recipient: Recipient, now: datetime) -> str:
    """Return why an owner can't be written to again now: over, waits, too_many_letters, too_soon; else ""."""
    if not recipient.email or recipient.done_at is not None or recipient.revoked_at is not None:
        return "over"
    if recipient.send_at is not None:
        return "waits"
    if recipient.sent_count >= MOST_LETTERS:
        return "too_many_letters"
    return "too_soon" if recipient.sent_at is not None and recipient.sent_at > now - LETTERS_APART else ""


def withdraw(*, recipient: Recipient, membership: Membership) -> bool:
    """Take one personal link back at once; True if it was still out. A connection that came of it stays."""
    with acting_as(membership.user.actor), transaction.atomic():
        out = Recipient.objects.this(recipient).filter(revoked_at__isnull=True, done_at__isnull=True)
        withdrawn = out.update(revoked_at=timezone.now(), send_at=None)
        if withdrawn:
            record_link("share_link.recipient_withdrawn", recipient.link, actor=membership.user.actor)
    return bool(withdrawn)


def _ring() -> None:
    # robust: without a broker the next round finds what waits.
    transaction.on_commit(lambda: write_to_owners.delay(), robust=True)
