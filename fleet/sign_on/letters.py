"""The letters of single sign-on, and of the operator's help."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from fleet.sign_on.providers import Provider
from fleet.teams.models import User

logger = logging.getLogger(__name__)


def tell_linked(user: User, provider: Provider) -> bool:
    """Tell somebody that their account opens by a provider from now on; False when the letter could not be sent."""
    with _language_of(user):
        words = {"provider": provider.name}
        return _send(
            user.email,
            _("You can sign in with %(provider)s now") % words,
            _("somebody came to your account by %(provider)s, which says that your address is theirs.") % words
            + " "
            + _("From now on the account opens by %(provider)s.") % words,
            _("If it was not you, write to whoever looks after this installation."),
        )


def tell_required(address: str, provider: Provider) -> bool:
    """Tell whoever asked for a new password at an address, in the language of the page, where they sign in instead."""
    words = {"provider": provider.name}
    return _send(
        address,
        _("Sign in with %(provider)s") % words,
        _("somebody asked for a new password for this address."),
        _("Your organisation lets its people in by %(provider)s alone.") % words,
        _("Sign in here:") + "\n" + settings.PUBLIC_URL + reverse("account_login"),
        _("If it was not you, do nothing: nothing has changed."),
    )


def tell_factors_taken(user: User) -> bool:
    """Tell somebody that the operator took their second factors away; False when the letter could not be sent."""
    with _language_of(user):
        return _send(
            user.email,
            _("Your second factors were taken away"),
            _(
                "whoever looks after this installation took the second factors of your account away and signed you out "
                "everywhere, because somebody asked for it in your name. Your password is what it was."
            ),
            _("Sign in and set up a second factor anew:") + "\n" + settings.PUBLIC_URL + reverse("mfa_index"),
            _("If you did not ask for it, choose another password at once and write to whoever looks after it."),
        )


def _language_of(user: User) -> translation.override:
    return translation.override(user.language or settings.LANGUAGE_CODE)


def _send(address: str, subject: str, *paragraphs: str) -> bool:
    body = "\n\n".join([_("Hello,"), *paragraphs]) + "\n"
    try:
        EmailMessage(subject=subject, body=body, to=[address]).send()
    except (SMTPException, OSError) as error:
        logger.warning("a letter about signing in could not be sent: %s", type(error).__name__)
        return False
    return True
