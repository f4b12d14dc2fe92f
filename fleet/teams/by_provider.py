"""What coming in by an identity provider means for the rest of teams; how it is done is in fleet.sign_on.

The record that django-allauth keeps in the session says which provider, when the person showed it who they are
("proved_at", by the provider's own word), and whether with a second factor.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from fleet.teams.models import User

METHOD = "socialaccount"


def requires_provider(address: str) -> bool:
    """Say whether people of an address come in by their provider alone: no password and no passkey opens the door."""
    domain = address.strip().lower().rpartition("@")[2]
    return any(provider.is_required and domain in provider.domains for provider in settings.SIGN_ON_PROVIDERS)


def can_use_password(user: User) -> bool:
    """Say whether a password proves that it is this person."""
    return user.has_usable_password() and not requires_provider(user.email)


def proofs(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records of a session that come of today's providers."""
    known = {provider.id for provider in settings.SIGN_ON_PROVIDERS}
    return [record for record in records if record.get("method") == METHOD and record.get("provider") in known]


def second_factors(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those of them where the provider asked for a second factor, and is believed about it."""
    believed = {provider.id for provider in settings.SIGN_ON_PROVIDERS if provider.gives_second_factor}
    return [one for one in proofs(records) if one.get("second_factor") is True and one["provider"] in believed]
