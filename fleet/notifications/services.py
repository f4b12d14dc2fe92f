"""The verbs of whoever is told: mark as read, choose what to be told of."""

from collections.abc import Mapping
from datetime import time

from django.db import transaction
from django.utils import timezone

from fleet.notifications.access import notices_of
from fleet.notifications.models import Notice, Preferences
from fleet.notifications.telling import ring_bells
from fleet.teams.models import User


def mark_read(*, notice: Notice) -> None:
    """Mark one notice as read; every open page of its person shows the new number."""
    with transaction.atomic():
        if Notice.objects.filter(pk=notice.pk, read_at__isnull=True).update(read_at=timezone.now()):
            ring_bells({notice.user_id})


def mark_all_read(*, user: User) -> int:
    """Mark everything as read that a person may read, and return how many that was."""
    with transaction.atomic():
        ids = list(notices_of(user).filter(read_at__isnull=True).values_list("id", flat=True))
        number = Notice.objects.filter(id__in=ids, read_at__isnull=True).update(read_at=timezone.now())
        if number:
            ring_bells({user.id})
    return number


def choose(
    *,
    user: User,
    choices: Mapping[str, tuple[bool, bool]],
    quiet_from: time | None,
    quiet_until: time | None,
    time_zone: str,
) -> None:
    """Keep what a person wants to be told of. choices: kind to (bell, letter). It holds for letters that wait too."""
    kept = {kind: list(how) for kind, how in choices.items()}
    values = {"choices": kept, "quiet_from": quiet_from, "quiet_until": quiet_until, "time_zone": time_zone}
    Preferences.objects.update_or_create(user=user, defaults=values)
