"""Writing the letters of personal links: who asks, for what, until when, in the owner's language. For workers only."""

import logging
import time
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from connect.cockpit.letters import repair_reason, repair_subject
from connect.models import Recipient
from connect.scopes import scope_lines
from connect.sending.services import secret_of
from fleet.vehicles.sealing import hash_token

MOST_LETTERS_A_ROUND = 200
# After each failed try; the last one goes on for as long as the link is open.
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720)]
# Who takes a letter has so long to write it; then its worker is thought dead and another one writes.
LEASE = timedelta(minutes=10)

logger = logging.getLogger(__name__)


def write_due_letters(*, within_s: float = 20.0) -> int:
    """Write the letters that wait, for a bounded time; the next round goes on. Return how many went out."""
    until, sent = time.monotonic() + within_s, 0
    for recipient_id in list(_due().order_by("send_at").values_list("id", flat=True)[:MOST_LETTERS_A_ROUND]):
        if time.monotonic() >= until:
            break
        sent += write_letter(recipient_id)
    return sent


def write_letter(recipient_id: UUID) -> bool:
    """Write the letter that waits in a personal link's row; True when it went out now.

    Of two workers only the one that moves send_at on writes. What can't be sent waits longer after each failure; an
    address that the mail server refuses for good is not tried again.
    """
    due, lease = _due().filter(pk=recipient_id), timezone.now() + LEASE
    if not due.update(send_at=lease):
        return False
    recipient = Recipient.objects.select_related("link", "team").get(pk=recipient_id)
    secret = secret_of(recipient)
    # Before the letter: whoever opens the link at once finds it.
    Recipient.objects.this(recipient).update(secret_hash=hash_token(secret))
    # Nobody else may have taken it over meanwhile: that letter is another one.
    mine = Recipient.objects.this(recipient).filter(send_at=lease)
    try:
        compose(recipient, secret).send()
    except (SMTPException, OSError) as error:
        mine.update(send_at=_next_try(recipient, error), failures=F("failures") + 1)
        logger.warning("letter of personal link %s could not be sent: %s", recipient_id, type(error).__name__)
        return False
    mine.update(send_at=None, sent_at=timezone.now(), sent_count=F("sent_count") + 1, failures=0)
    return True


def _next_try(recipient: Recipient, error: Exception) -> datetime | None:
    if isinstance(error, SMTPRecipientsRefused) and all(code >= 500 for code, _why in error.recipients.values()):
        return None
    return timezone.now() + WAITS[min(recipient.failures, len(WAITS) - 1)]


def compose(recipient: Recipient, secret: str) -> EmailMessage:
    """Return the letter in the owner's language, else the link's, else the team's."""
    link, team = recipient.link, recipient.team
    language = recipient.language or link.language or team.language or settings.LANGUAGE_CODE
    with translation.override(language):
        words = {
            "team": team.name,
            "name": recipient.name,
            "day": date_format(timezone.localtime(link.expires_at, team.zone), "DATE_FORMAT"),
        }
        paragraphs = [
            _("Hello %(name)s,") % words if recipient.name else _("Hello,"),
            repair_reason(recipient) if link.repairs_id else _("%(team)s asks you to connect your car.") % words,
            *_message(recipient),
            *_asked(recipient),
            _("Open this link, best on your phone:")
            + f"\n{settings.PUBLIC_URL}{reverse('connect:start', args=[secret])}",
            _("You sign in at your car maker; %(team)s never sees your password. You decide what to share.") % words,
            _("The link is for you alone, works once and is good until %(day)s. Keep it to yourself.") % words,
            _("If you do not know %(team)s, do nothing: without you nothing is shared.") % words,
        ]
        subject = repair_subject(recipient) if link.repairs_id else _("%(team)s asks to connect your car") % words
        if recipient.sent_count:
            subject = _("Reminder: %(subject)s") % {"subject": subject}
    # One line, whatever stands in a name.
    return EmailMessage(subject=" ".join(subject.split()), body="\n\n".join(paragraphs) + "\n", to=[recipient.email])


def _message(recipient: Recipient) -> list[str]:
    if not recipient.link.message:
        return []
    quoted = "\n".join(f"> {line}" for line in recipient.link.message.splitlines())
    return [_("They write:") + f"\n{quoted}"]


def _asked(recipient: Recipient) -> list[str]:
    link = recipient.link
    lines = scope_lines(needed=link.scopes_needed, optional=link.scopes_optional)
    words = [f"- {line.title}" if line.is_needed else f"- {line.title} ({_('your choice')})" for line in lines]
    asked = [_("They ask for:") + "\n" + "\n".join(words)]
    if link.consent_ends_at is not None:
        day = date_format(timezone.localtime(link.consent_ends_at, recipient.team.zone), "DATE_FORMAT")
        asked.append(_("It ends by itself on %(day)s.") % {"day": day})
    if vin := recipient.vin or link.vin:
        asked.append(_("It is about the car whose VIN ends in %(end)s.") % {"end": vin[-5:]})
    return asked


def _due() -> QuerySet[Recipient]:
    now = timezone.now()
    due = Recipient.objects.filter(send_at__lte=now, done_at__isnull=True, revoked_at__isnull=True)
    open_links = due.filter(link__revoked_at__isnull=True, link__expires_at__gt=now, team__delete_at__isnull=True)
    return open_links.exclude(email="")
