"""What owners leave behind when they close the page: ended and forgotten here, once a minute."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from connect.callback import ring
from connect.exchange import GIVE_UP_AFTER
from connect.models import LinkMiss, Visit
from connect.services import end_visit

# So long after its end a pass can still show the way back to its link.
START_AGAIN_FOR = timedelta(days=1)
WAITING_STEPS = [Visit.Step.ASKING, Visit.Step.EXCHANGING]


def end_abandoned_visits() -> int:
    """End visits that nobody finished in time, with their tokens and lists of cars; return how many."""
    now = timezone.now()
    Visit.objects.filter(expires_at__lte=now - START_AGAIN_FOR, link_secret_sealed__isnull=False).update(
        link_secret_sealed=None
    )
    dead_worker = Q(step__in=WAITING_STEPS, claimed_at__lte=now - GIVE_UP_AFTER)
    ended = 0
    for visit in Visit.objects.filter(Q(expires_at__lte=now) | dead_worker, finished_at__isnull=True):
        ended += end_visit(visit, failure="expired" if visit.expires_at <= now else "maker_down")
    return ended


def ring_again() -> None:
    """Tell a worker of passes that nobody took: the broker may have lost the first message."""
    for visit in Visit.objects.filter(step__in=WAITING_STEPS, claimed_at__isnull=True).only("id", "step"):
        ring(visit)


def forget_old_rows(*, visits_after: timedelta, misses_after: timedelta) -> None:
    """Delete visits and counted misses that are of no use any more. Connections stay: they do not hang on a visit."""
    now = timezone.now()
    Visit.objects.filter(finished_at__lte=now - visits_after).delete()
    LinkMiss.objects.filter(minute_at__lte=now - misses_after).delete()
