"""How often open pages look at a job: the more of them there are, the seldomer each, so that watching stays cheap."""

import threading
import time
from collections import OrderedDict
from uuid import UUID

POLL_S = 1.5
MOST_POLL_S = 15.0
# Of all pages that one web process serves; a look costs it some ten milliseconds of its processor.
LOOKS_PER_S = 6.0
KEPT_JOBS = 200

# When the last of the pages that were here is to come again.
_booked: OrderedDict[UUID, float] = OrderedDict()
_guard = threading.Lock()


def book_look(job_id: UUID, *, now: float | None = None) -> float:
    """Return in how many seconds a page is to look at a job again: its turn comes after those who were here before.

    now: of time.monotonic().
    """
    now = time.monotonic() if now is None else now
    with _guard:
        turn = max(now + POLL_S, _booked.get(job_id, now) + 1 / LOOKS_PER_S)
        _booked[job_id] = turn = min(turn, now + MOST_POLL_S)
        _booked.move_to_end(job_id)
        while len(_booked) > KEPT_JOBS:
            _booked.popitem(last=False)
        return turn - now
