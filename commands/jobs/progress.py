"""How far a job is, in counts: asked for once a second by each process, however many look on."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from commands.jobs import sql
from commands.jobs.models import ENDS, Job, Outcome
from commands.jobs.words import OUTCOMES, sentence_of

FRESH_S = 1.0
KEPT_JOBS = 200
# Fewer ends than this say nothing about how long the rest takes.
ENDS_THAT_TELL = 20


@dataclass(frozen=True)
class Reason:
    """How many cars stand at one outcome for one reason."""

    outcome: str
    code: str
    reason: str
    count: int

    @property
    def sentence(self) -> str:
        """The reason in the words of whoever looks: what is counted once is shown in several languages."""
        return sentence_of(self.outcome, self.code, self.reason) or str(OUTCOMES[self.outcome])


@dataclass(frozen=True)
class Progress:
    """counts: cars per outcome, in the order of Outcome, only those that occur. reasons: the same by reason.

    done: cars that have their end, the skipped not counted. eligible: cars that were to get the order. is_over: nothing
    will change any more. left_s: how long it may still take; None when nobody can tell. as_of: when it was counted.
    """

    job: Job
    counts: Mapping[str, int]
    reasons: tuple[Reason, ...]
    done: int
    eligible: int
    total: int
    left_s: float | None
    is_over: bool
    as_of: datetime

    @property
    def percent(self) -> int:
        """The share of the cars that have their end, rounded down: 100 only when all have."""
        return 100 if self.eligible == 0 else self.done * 100 // self.eligible

    @property
    def undo_left_s(self) -> float | None:
        """Seconds in which the job can still be undone; None when it cannot."""
        if self.job.state != "waiting" or self.job.undo_until is None:
            return None
        return max(0.0, (self.job.undo_until - timezone.now()).total_seconds())


_kept: dict[UUID, tuple[float, Progress]] = {}
_locks: dict[UUID, threading.Lock] = {}
_guard = threading.Lock()


def job_progress(job_id: UUID, *, is_fresh: bool = False) -> Progress:
    """Return how far a job is, at most a second old; is_fresh: counted now, for the answer to a person's own act.

    Fifty people who look at one job cost two queries a second in each process. Raises Job.DoesNotExist.
    """
    known = _kept.get(job_id)
    if known is not None and not is_fresh and time.monotonic() - known[0] < FRESH_S:
        return known[1]
    with _lock_of(job_id):
        # Somebody else may have counted while this one waited.
        known = _kept.get(job_id)
        if known is not None and not is_fresh and time.monotonic() - known[0] < FRESH_S:
            return known[1]
        progress = count_progress(job_id)
        with _guard:
            _kept[job_id] = (time.monotonic(), progress)
        return progress


def _lock_of(job_id: UUID) -> threading.Lock:
    with _guard:
        if len(_locks) > KEPT_JOBS:
            _locks.clear()
            _kept.clear()
        return _locks.setdefault(job_id, threading.Lock())


def count_progress(job_id: UUID) -> Progress:
    """Count a job's cars by outcome, now; in two queries."""
    job = Job.objects.across_teams().select_related("user").get(pk=job_id)
    with connection.cursor() as cursor:
        cursor.execute(sql.COUNTS, {"job": job_id})
        rows = cursor.fetchall()
    by_outcome: dict[str, int] = {}
    for outcome, _, _, number in rows:
        by_outcome[outcome] = by_outcome.get(outcome, 0) + number
    counts = {outcome.value: by_outcome[outcome.value] for outcome in Outcome if outcome.value in by_outcome}
    done = sum(number for outcome, number in counts.items() if outcome in ENDS and outcome != Outcome.SKIPPED)
    now = timezone.now()
    return Progress(
        job=job,
        counts=counts,
        reasons=_reasons(rows),
        done=done,
        eligible=job.eligible,
        total=job.total,
        left_s=_left_s(job, done, now),
        is_over=not job.is_active,
        as_of=now,
    )


def _reasons(rows: list[tuple[str, str, str, int]]) -> tuple[Reason, ...]:
    found = [Reason(outcome, code, reason, number) for outcome, code, reason, number in rows if code]
    return tuple(sorted(found, key=lambda reason: -reason.count))


def _left_s(job: Job, done: int, now: datetime) -> float | None:
    """Go by the ends so far where they are many, else by what the preview foretold."""
    if not job.is_active or job.started_at is None:
        return job.expected_s if job.is_active else None
    passed_s = (now - job.started_at).total_seconds()
    if done >= ENDS_THAT_TELL:
        return passed_s / done * (job.eligible - done)
    return max(0.0, job.expected_s - passed_s) if job.expected_s is not None else None
