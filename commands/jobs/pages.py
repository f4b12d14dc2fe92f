"""The list of jobs, a page at a time: what runs is all on the first page, what is over follows by time."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from commands.jobs.models import ACTIVE, ENDS, Job, JobItem, Outcome

PAGE_SIZE = 50
MAX_RUNNING = 50


def page_of(jobs: QuerySet[Job], cursor: str) -> tuple[list[Job], list[Job], str]:
    """Return the jobs that run, one page of those that are over, and the cursor of the next page ("" at the end).

    A cursor that makes no sense shows the first page; what runs stands on the first page only.
    """
    after = _read_cursor(cursor)
    past = jobs.exclude(state__in=ACTIVE)
    running: list[Job] = []
    if after is None:
        running = list(jobs.filter(state__in=ACTIVE)[:MAX_RUNNING])
    else:
        created_at, job_id = after
        past = past.filter(Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=job_id))
    rows = list(past[: PAGE_SIZE + 1])
    if len(rows) <= PAGE_SIZE:
        return running, rows, ""
    return running, rows[:PAGE_SIZE], _make_cursor(rows[PAGE_SIZE - 1])


def counts_of(jobs: Sequence[Job]) -> dict[UUID, dict[str, int]]:
    """Return per job that is over how its cars ended, in one query that counts only what did not go well."""
    bad = JobItem.objects.filter(job__in=jobs, outcome__in=[end for end in ENDS if end != Outcome.CONFIRMED])
    counts: dict[UUID, dict[str, int]] = {job.id: {} for job in jobs}
    for job_id, outcome, number in bad.values_list("job_id", "outcome").annotate(number=Count("id")):
        counts[job_id][outcome] = number
    for job in jobs:
        missing = sum(number for outcome, number in counts[job.id].items() if outcome != Outcome.SKIPPED)
        counts[job.id][Outcome.CONFIRMED.value] = job.eligible - missing
    return counts


def _make_cursor(job: Job) -> str:
    return base64.urlsafe_b64encode(f"{job.created_at.isoformat()}|{job.id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    try:
        raw_time, _, raw_id = base64.urlsafe_b64decode(cursor.encode()[:200]).decode().partition("|")
        created_at = datetime.fromisoformat(raw_time)
        return (created_at, UUID(raw_id)) if created_at.tzinfo is not None else None
    except (ValueError, binascii.Error):
        return None
