"""Values that name a person, kept apart from the log: the event holds a salted hash, and shredding deletes the rest.

An event cannot be changed, and its chain must verify for ever; so what a person may ask to be forgotten, such as the
address that was invited, stands in a row of its own with a random salt. Once the row is gone, the hash can neither be
read nor guessed.
"""

import hashlib
import secrets
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from fleet.events.models import PersonalValue
from fleet.events.services import record

PREFIX = "personal:"
SALT_SIZE = 32


def keep(value: str, *, team_id: UUID | None) -> str:
    """Keep a value in the current transaction and return "personal:<hash>", which an event's data may hold."""
    salt = secrets.token_bytes(SALT_SIZE)
    kept = PersonalValue.objects.create(hash=_hash(salt, value), team_id=team_id, salt=salt, value=value)
    return PREFIX + kept.hash


def read(references: Iterable[str], *, team_id: UUID | None) -> dict[str, str]:
    """Return the values of a team's references, in one query; a shredded one is absent."""
    hashes = [reference.removeprefix(PREFIX) for reference in references if reference.startswith(PREFIX)]
    rows = PersonalValue.objects.filter(hash__in=hashes, team_id=team_id).values_list("hash", "value")
    return {PREFIX + key: value for key, value in rows} if hashes else {}


def shred(value: str, *, team_id: UUID | None, actor: str) -> int:
    """Forget a value wherever a team's log speaks of it; return in how many places. The chain stays as it is."""
    with transaction.atomic():
        number, _ = PersonalValue.objects.filter(team_id=team_id, value=value).delete()
        if number:
            record("personal.shredded", actor=actor, team_id=team_id, data={"values": number})
    return number


def _hash(salt: bytes, value: str) -> str:
    return hashlib.sha256(salt + value.encode()).hexdigest()
