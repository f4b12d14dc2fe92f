"""One job as people see it: its title, the progress with its legend, the line in a list. No queries, no rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commands.cards import title_of
from commands.jobs.labels import LOOKS, Label, outcome_label, state_label
from commands.jobs.looks import POLL_S
from commands.jobs.models import Job, JobState, Outcome
from commands.jobs.progress import Progress
from commands.jobs.words import HELD, STOPPED_BY
from commands.models import Command
from fleet.teams.models import Membership
from fleet.teams.roles import Permission
from fleet.vehicles.filter_words import words_of
from fleet.vehicles.filters import VehicleFilter

# In the undo window every second counts.
POLL_WAITING_S = 1.0
MAX_REASONS = 4


@dataclass(frozen=True)
class Line:
    """One line of the legend: how many cars stand at one outcome."""

    outcome: str
    text: str
    tone: str
    count: int


@dataclass(frozen=True)
class ReasonLine:
    """Why cars did not get it, or failed; most first."""

    text: str
    tone: str
    icon: str
    count: int
    outcome: str


@dataclass(frozen=True)
class ProgressCard:
    """What templates/jobs/_progress.html shows.

    held: why cars of some makers have to wait. sentence: all of it in one line, for those who listen.
    """

    state: Label
    counts: Mapping[str, int]
    legend: list[Line]
    reasons: list[ReasonLine]
    sentence: str
    finished: int
    left_s: float | None
    took_s: float | None
    ended: str
    held: list[str]
    at: datetime
    poll_s: float
    is_over: bool
    can_undo: bool
    can_stop: bool


@dataclass(frozen=True)
class JobRow:
    """One line in the list of jobs."""

    job: Job
    url: str
    title: str
    who: str
    state: Label
    filter_words: list[str]


def title_of_job(job: Job) -> str:
    """Return what was ordered, with its value: "Charge limit to 80 %"."""
    return title_of(Command(kind=job.kind, parameters=job.parameters))


def who_of(job: Job) -> str:
    return str(job.user) if job.user is not None else _("A program")


def filter_words_of(job: Job) -> list[str]:
    """Return which cars it was for, in words."""
    return words_of(VehicleFilter.from_values(job.filter))


def progress_card(progress: Progress, membership: Membership, *, poll_s: float = POLL_S) -> ProgressCard:
    """Return the card of a job's progress, with what this person may do, to be looked at again every so often."""
    job = progress.job
    may_act = membership.may(Permission.COMMAND)
    is_waiting = job.state == JobState.WAITING
    return ProgressCard(
        state=state_label(job.state),
        counts=progress.counts,
        legend=_legend(progress.counts),
        reasons=_reasons(progress),
        sentence=_sentence(progress),
        finished=progress.done,
        left_s=progress.left_s,
        took_s=_took_s(job),
        ended=str(STOPPED_BY.get(job.code, "")),
        held=[str(HELD[why]) for why in sorted(set(job.held.values())) if why in HELD],
        at=progress.as_of,
        poll_s=POLL_WAITING_S if is_waiting else poll_s,
        is_over=progress.is_over,
        can_undo=may_act and is_waiting,
        can_stop=may_act and job.state == JobState.RUNNING,
    )


def job_row(job: Job) -> JobRow:
    """Return the list line of a job whose user is loaded."""
    title = title_of_job(job)
    return JobRow(job, job.get_absolute_url(), title, who_of(job), state_label(job.state), filter_words_of(job))


def _legend(counts: Mapping[str, int]) -> list[Line]:
    labels = ((outcome.value, outcome_label(outcome)) for outcome in LOOKS if counts.get(outcome))
    return [Line(outcome, label.text, label.tone, counts[outcome]) for outcome, label in labels]


def _reasons(progress: Progress) -> list[ReasonLine]:
    lines = []
    for reason in progress.reasons:
        if reason.outcome != Outcome.CONFIRMED:
            label = outcome_label(reason.outcome)
            lines.append(ReasonLine(reason.sentence, label.tone, label.icon, reason.count, reason.outcome))
    return lines[:MAX_REASONS]


def _sentence(progress: Progress) -> str:
    state = state_label(progress.job.state).text
    done, eligible = (number_format(number, 0, force_grouping=True) for number in (progress.done, progress.eligible))
    words = ngettext(
        "%(state)s: %(done)s of %(all)s vehicle has its result.",
        "%(state)s: %(done)s of %(all)s vehicles have their result.",
        progress.eligible,
    ) % {"state": state, "done": done, "all": eligible}
    failed = sum(progress.counts.get(outcome, 0) for outcome in (Outcome.FAILED, Outcome.REFUSED, Outcome.CONTRADICTED))
    if not failed:
        return words
    return f"{words} {_('%(many)s went wrong.') % {'many': number_format(failed, 0, force_grouping=True)}}"


def _took_s(job: Job) -> float | None:
    if job.finished_at is None or job.started_at is None:
        return None
    return (job.finished_at - job.started_at).total_seconds()
