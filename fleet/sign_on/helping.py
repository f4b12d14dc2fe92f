"""Helping somebody who lost all they could prove themselves with: for whoever runs the machine, and nobody else."""

import logging
from smtplib import SMTPException

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from fleet.events.services import acting_as, record
from fleet.teams.models import User

OPERATOR = "system:operator"
TAKE = "DELETE FROM mfa_authenticator WHERE user_id = %s RETURNING type"

logger = logging.getLogger(__name__)


class NoSuchPerson(Exception):
    """Nobody has an account with this address."""

    code = "no_such_person"


def find_person(address: str) -> User:
    """Return whose account an address is. Raises NoSuchPerson."""
    user = User.objects.filter(email__iexact=address.strip()).first()
    if user is None:
        raise NoSuchPerson
    return user


def take_factors(user: User, *, forgets_links: bool) -> int:
    """Take all second factors of an account away, sign it out everywhere and tell its person; return how many it had.

    forgets_links: the next sign-in by a provider links the account anew, as after a change of provider or of subject.
    The password stays. What they did themselves is told by signals; this the operator did, so it goes past those.
    """
    with acting_as(OPERATOR):
        with connection.cursor() as cursor:
            cursor.execute(TAKE, [user.pk])
            types = sorted({row[0] for row in cursor.fetchall()})
            count = cursor.rowcount
        links = SocialAccount.objects.filter(user=user).delete()[0] if forgets_links else 0
        sessions = list(UserSession.objects.filter(user=user))
        for session in sessions:
            session.end()
        data = {"types": types, "links": links, "sessions": len(sessions)}
        record("account.factors_removed", actor=OPERATOR, team_id=None, subject=user.actor, data=data)
    return count


def write_letter(user: User) -> bool:
    """Tell the person what was done; False when the letter could not be sent."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        paragraphs = [
            _("Hello,"),
            _(
                "whoever looks after this installation took the second factors of your account away and signed you out "
                "everywhere, because somebody asked for it in your name. Your password is what it was."
            ),
            _("Sign in and set up a second factor anew:") + "\n" + settings.PUBLIC_URL + "/accounts/2fa/",
            _("If you did not ask for it, choose another password at once and write to whoever looks after it."),
        ]
        letter = EmailMessage(
            subject=_("Your second factors were taken away"), body="\n\n".join(paragraphs) + "\n", to=[user.email]
        )
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        logger.warning("letter about second factors could not be sent: %s", type(error).__name__)
        return False
    return True
