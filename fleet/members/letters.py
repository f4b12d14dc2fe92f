"""Writing the letter of an invitation: a new secret, its hash into the row, then the mail in the reader's language."""

import logging
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from fleet.events.models import ClockTimestamp
from fleet.members.invitations import hash_secret
from fleet.teams.models import Invitation, User
from fleet.vehicles.sealing import make_token

MOST_LETTERS_A_SWEEP = 100

logger = logging.getLogger(__name__)


def write_letter(invitation_id: UUID) -> bool:
    """Send the letter of an invitation that waits for one; True when it went out now.

    Rung for twice, it is written once: only who sets sent_at writes. What can't be sent waits again for the sweep.
    """
    secret = make_token()
    waiting = Invitation.objects.filter(
        pk=invitation_id,
        sent_at__isnull=True,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=ClockTimestamp(),
    ).exclude(email="")
    taken = waiting.update(secret_hash=hash_secret(secret), sent_at=ClockTimestamp(), sent_count=F("sent_count") + 1)
    if not taken:
        return False
    invitation = Invitation.objects.select_related("team", "custom_role", "invited_by__user").get(pk=invitation_id)
    try:
        compose(invitation, secret).send()
    except (SMTPException, OSError) as error:
        # Only if nobody asked to send it again meanwhile: that letter is another one.
        mine = Invitation.objects.filter(pk=invitation_id, secret_hash=hash_secret(secret))
        mine.update(sent_at=None, sent_count=F("sent_count") - 1)
        logger.warning("letter of invitation %s could not be sent: %s", invitation_id, type(error).__name__)
        return False
    return True


def compose(invitation: Invitation, secret: str) -> EmailMessage:
    """Return the letter, in the language of the person where they have an account, else in the team's."""
    reader = User.objects.filter(email__iexact=invitation.email).first()
    language = (reader.language if reader else "") or invitation.team.language or settings.LANGUAGE_CODE
    with translation.override(language):
        words = {
            "team": invitation.team.name,
            "inviter": str(invitation.invited_by.user),
            "role": invitation.role_title,
            "day": date_format(timezone.localtime(invitation.expires_at, invitation.team.zone), "DATE_FORMAT"),
            "address": invitation.email,
        }
        subject = _("%(inviter)s invites you to %(team)s") % words
        paragraphs = [
            _("Hello,"),
            _("%(inviter)s invites you to join the team “%(team)s” on Fleetwell. Your role there: %(role)s.") % words,
            _("Open this link to accept:") + "\n" + settings.PUBLIC_URL + reverse("members:open", args=[secret]),
            _("The link is for %(address)s, works once and is good until %(day)s. Keep it to yourself.") % words,
            _("If you do not know the team, do nothing: without you nothing happens."),
        ]
    # One line, whatever stands in a name.
    return EmailMessage(subject=" ".join(subject.split()), body="\n\n".join(paragraphs) + "\n", to=[invitation.email])


def find_waiting() -> list[UUID]:
    """Return the invitations whose letter was not written yet."""
    waiting = Invitation.objects.filter(
        sent_at__isnull=True,
        accepted_at__isnull=True,
        revoked_at__isnull=True,
        expires_at__gt=ClockTimestamp(),
        team__delete_at__isnull=True,
    ).exclude(email="")
    return list(waiting.order_by("created_at").values_list("id", flat=True)[:MOST_LETTERS_A_SWEEP])
