"""Whose account opens to somebody whom a provider has proved, and making or linking one the first time.

The identity is the provider's subject, not the address: addresses are given to somebody else after a while. An address
opens an existing account once, the first time, and only where all of this holds: the provider is the one the operator
named for its domain, so it decides anyway who reads the letters there; it says that it verified the address; and the
account is not linked to another subject of it. A letter nobody confirmed never links anything: if the address of the
account was never confirmed here, then whoever made the account may be somebody else, and what they could come in with
(password, factors, sessions) ends with the link.
"""

import unicodedata

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from fleet.events.services import acting_as, record
from fleet.members.addresses import is_address
from fleet.sign_on.errors import SignOnFailed
from fleet.sign_on.oidc import Arrival
from fleet.sign_on.providers import domain_of
from fleet.teams.forms import no_control_characters
from fleet.teams.installation import crown_first
from fleet.teams.models import User

NAME_MAX_LENGTH = 100
HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('fleetwell.sign_on ' || %s, 0))"


def admit(arrival: Arrival, *, language: str = "") -> tuple[User, bool]:
    """Return the person whose account opens, and whether it was linked just now; a new one is made where there is none.

    Raises SignOnFailed: unverified, foreign_address, moved_away, other_subject, closed.
    """
    if not is_address(arrival.email) or domain_of(arrival.email) not in arrival.provider.domains:
        raise SignOnFailed("foreign_address")
    if not arrival.is_email_verified:
        raise SignOnFailed("unverified")
    with transaction.atomic():
        # Two tabs that come back at once make one account: by subject, and by address where two subjects claim it.
        with connection.cursor() as cursor:
            cursor.execute(HOLD, [arrival.subject])
            cursor.execute(HOLD, [arrival.email])
        known = SocialAccount.objects.select_related("user").filter(provider=arrival.provider.id, uid=arrival.subject)
        if (link := known.first()) is not None:
            _check(link.user, arrival)
            link.save(update_fields=["last_login"])
            return link.user, False
        user = User.objects.filter(email__iexact=arrival.email).first()
        if user is None:
            user = _make(arrival, language)
            is_new = True
        else:
            _check(user, arrival)
            is_new = False
        _link(user, arrival, is_new=is_new)
        return user, not is_new


def is_of(arrival: Arrival, user: User) -> bool:
    """Say whether a provider proved just this person."""
    links = SocialAccount.objects.filter(provider=arrival.provider.id, uid=arrival.subject, user=user)
    return links.exists() and domain_of(user.email) in arrival.provider.domains


def _check(user: User, arrival: Arrival) -> None:
    if not user.is_active:
        raise SignOnFailed("closed")
    # Whoever took their account along to an address elsewhere is no longer the provider's to let in.
    if domain_of(user.email) not in arrival.provider.domains:
        raise SignOnFailed("moved_away")


def _make(arrival: Arrival, language: str) -> User:
    user: User = User.objects.create_user(arrival.email, name=_clean_name(arrival.name), language=language)
    crown_first(user)
    return user


def _link(user: User, arrival: Arrival, *, is_new: bool) -> None:
    if SocialAccount.objects.filter(provider=arrival.provider.id, user=user).exists():
        raise SignOnFailed("other_subject")
    with acting_as(user.actor):
        address = EmailAddress.objects.filter(user=user, email__iexact=user.email).first()
        is_theirs = address is not None and address.verified
        if not is_new and not is_theirs:
            _start_afresh(user)
        EmailAddress.objects.update_or_create(
            user=user, email__iexact=user.email, defaults={"email": user.email, "verified": True, "primary": True}
        )
        SocialAccount.objects.create(user=user, provider=arrival.provider.id, uid=arrival.subject)
        data = {"provider": arrival.provider.id, "is_new": is_new}
        record("account.linked", actor=user.actor, team_id=None, subject=user.actor, data=data)


def _start_afresh(user: User) -> None:
    user.set_unusable_password()  # with it every session ends: they carry its hash
    user.save(update_fields=["password"])
    for factor in Authenticator.objects.filter(user=user):
        factor.delete()  # one by one: each is told of


def _clean_name(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).strip()[:NAME_MAX_LENGTH]
    try:
        no_control_characters(plain)
    except ValidationError:
        return ""
    return plain
