"""What the clock does for notices: read the log, send letters, forget what is old."""

from celery import shared_task
from django.utils import timezone


@shared_task
def read_log() -> None:
    """Make notices of what was sealed; beat calls it every few seconds."""
    from fleet.notifications.reading import read_news

    read_news()


@shared_task
def send_letters() -> None:
    """Write and send the letters that are due. One worker at a time does, so a slow mail server holds no other."""
    from fleet.notifications.post import work_through

    work_through()


@shared_task
def forget_old() -> None:
    """Remove notices and letters that nobody needs any more."""
    from fleet.notifications.forgetting import forget

    forget(now=timezone.now())
