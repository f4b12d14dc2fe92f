"""What the clock does for the log: seal what is committed, and anchor the seals."""

from celery import shared_task
from django.utils import timezone


@shared_task
def seal() -> None:
    """Chain committed events; beat calls it every few seconds."""
    from fleet.events.sealing import seal_events

    seal_events()


@shared_task
def anchor() -> None:
    """Write down outside of the database how far the chains have come."""
    from fleet.events.anchors import write_anchor

    write_anchor(now=timezone.now())
