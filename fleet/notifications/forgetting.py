"""Forgetting what was told: the log keeps what happened, nobody needs to be told of it for ever."""

from datetime import datetime, timedelta

from fleet.notifications.models import Letter, Line, Notice

NOTICES_KEPT_FOR = timedelta(days=180)
LETTERS_KEPT_FOR = timedelta(days=30)
# In short transactions.
BATCH = 5_000


def forget(*, now: datetime) -> int:
    """Remove old notices, old letters with their lines, and lines that nobody could be sent; return how many rows."""
    old_notices = Notice.objects.filter(at__lt=now - NOTICES_KEPT_FOR)
    old_letters = Letter.objects.filter(ended_at__lt=now - LETTERS_KEPT_FOR)
    stray_lines = Line.objects.filter(letter__isnull=True, at__lt=now - LETTERS_KEPT_FOR)
    removed = 0
    for rows in (old_notices, old_letters, stray_lines):
        while ids := list(rows.values_list("id", flat=True)[:BATCH]):
            removed += rows.model._default_manager.filter(id__in=ids).delete()[0]  # noqa: SLF001 - Django's public name
    return removed
