"""One notice of every kind behind somebody's bell, read and unread, one thing and several."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from fleet.notifications.kinds import KIND_OF_EVENT
from fleet.notifications.models import Notice
from fleet.notifications.words import ONE
from fleet.teams.models import Membership


def fill_bell(membership: Membership, **about: object) -> list[Notice]:
    """Make them; about: columns that all of them get, e.g. vehicle_ids."""
    now = timezone.now()
    return Notice.objects.bulk_create(
        Notice(
            user=membership.user,
            team_id=None if event.startswith("account.") else membership.team_id,
            kind=KIND_OF_EVENT[event].key,
            event_id=uuid4().int % 2**62,
            event_kind=event,
            subject=f"{KIND_OF_EVENT[event].key}:{uuid4()}",
            actor=membership.user.actor,
            count=12 if turn % 4 == 3 else 1,
            data={"kind": "unlock", "user": str(membership.user_id), "role": "operator", "browser": "Firefox"},
            at=now - timedelta(minutes=7 * turn),
            read_at=now if turn % 3 == 2 else None,
            **about,
        )
        for turn, event in enumerate(ONE)
    )
