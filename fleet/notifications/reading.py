"""Following the log: what people are told of is made from what was sealed, each event once, none missed.

The one sealer gives a committed event its place whenever it commits, and writes its seals one run after the other, so
their numbers are the order in which they became visible. How far they were read stands in one row, moved in the
transaction that writes the notices: either both are there or neither. Of the thousands of events that commands write
only the few kinds of fleet.notifications.kinds are looked at, here and not in anybody's request.
"""

from django.db import connection, transaction

from fleet.events.models import Event
from fleet.notifications.audiences import Audiences
from fleet.notifications.kinds import KIND_OF_EVENT
from fleet.notifications.models import Reader
from fleet.notifications.telling import tell_people

# A seal holds up to a thousand events.
SEALS_PER_BATCH = 50
# One run must not hold a timekeeper for long; the next one comes in seconds.
BATCHES_PER_RUN = 10

LAST = "SELECT max(id) FROM (SELECT id FROM events_seal WHERE id > %s ORDER BY id LIMIT %s) s"
FIND = """
SELECT e.id FROM events_seal s CROSS JOIN LATERAL unnest(s.event_ids) AS held(id) JOIN events_event e ON e.id = held.id
WHERE s.id > %s AND s.id <= %s AND e.kind = ANY (%s)
"""


def read_news() -> int:
    """Make notices of everything that was sealed since the last time; return of how many events."""
    told = 0
    for _ in range(BATCHES_PER_RUN):
        number = read_batch()
        if number is None:
            break
        told += number
    return told


def read_batch(seals: int = SEALS_PER_BATCH) -> int | None:
    """Read at most so many seals in one transaction; None when there are none, or another reader is at work."""
    with transaction.atomic():
        reader = Reader.objects.select_for_update(skip_locked=True).first()
        if reader is None:
            return None
        with connection.cursor() as cursor:
            cursor.execute(LAST, [reader.seal_id, seals])
            (last,) = cursor.fetchone()
            if last is None:
                return None
            cursor.execute(FIND, [reader.seal_id, last, sorted(KIND_OF_EVENT)])
            ids = [row[0] for row in cursor.fetchall()]
        events = [event for event in Event.objects.filter(id__in=ids).order_by("id") if is_news(event)]
        if events:
            tell_people(Audiences(events).news())
        reader.seal_id = last
        reader.save(update_fields=["seal_id"])
    return len(events)


def is_news(event: Event) -> bool:
    """Say whether somebody should hear of it.

    Not of a command that a later one overtook, as with alerts; nor of single sign-on that made the account.
    """
    if event.kind == "command.unresolved":
        return bool(event.data.get("error") != "overtaken")
    if event.kind == "account.linked":
        return not event.data.get("is_new")
    return event.data.get("alert") is not False
