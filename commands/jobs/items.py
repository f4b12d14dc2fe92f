"""The cars of a job, a page at a time: where each stands, in words, with its command."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Q, QuerySet, Value, When
from django.urls import reverse

from commands.jobs.models import LIVE, Job, JobItem, Outcome
from commands.jobs.words import OUTCOMES, sentence_of
from commands.models import Command, State
from commands.words import EVIDENCE

PAGE_SIZE = 50
SEARCH_MAX_LENGTH = 100
# How an outcome is drawn; the word always stands beside it.
TONES = {
    Outcome.CONFIRMED: "ok",
    Outcome.FAILED: "danger",
    Outcome.REFUSED: "danger",
    Outcome.CONTRADICTED: "danger",
    Outcome.EXPIRED: "warn",
    Outcome.UNPROVED: "warn",
    Outcome.UNKNOWN: "warn",
    Outcome.RUNNING: "accent",
    Outcome.ACCEPTED: "accent",
}
RUNNING_STATES = {
    State.SENT: Outcome.ACCEPTED,
    State.UNKNOWN: Outcome.UNKNOWN,
    State.CONFIRMED: Outcome.CONFIRMED,
    State.FAILED: Outcome.FAILED,
    State.REFUSED: Outcome.REFUSED,
    State.EXPIRED: Outcome.EXPIRED,
    State.CANCELLED: Outcome.NOT_SENT,
    State.SUPERSEDED: Outcome.NOT_SENT,
    State.UNRESOLVED: Outcome.UNPROVED,
}


@dataclass(frozen=True)
class ItemRow:
    """One car of a job. word: its outcome; sentence: why, or "". at: when it last moved. took_s: from send to proof."""

    n: int
    vehicle_id: UUID
    title: str
    plate: str
    vehicle_url: str
    command_url: str
    outcome: str
    code: str
    word: str
    sentence: str
    tone: str
    at: datetime | None
    took_s: float | None


def list_items(*, job: Job, outcome: str = "", search: str = "", cursor: str = "") -> tuple[list[ItemRow], str]:
    """Return one page of a job's cars in the job's order, and the cursor of the next page ("" at the end). One query.

    outcome: a word of Outcome; search: part of plate, name or VIN. An outcome that does not exist shows nothing; a
    cursor that makes no sense shows the first page.
    """
    items = items_of(job)
    if outcome:
        items = _with_outcome(items, outcome)
    if search := search.replace("\x00", "").strip()[:SEARCH_MAX_LENGTH]:
        items = items.filter(
            Q(vehicle__plate__icontains=search)
            | Q(vehicle__name__icontains=search)
            | Q(vehicle__vin__icontains=search)
            | Q(vehicle__make__icontains=search)
            | Q(vehicle__model__icontains=search)
        )
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= 9:
        items = items.filter(n__gt=int(cursor))
    page = list(items[: PAGE_SIZE + 1])
    next_cursor = str(page[PAGE_SIZE - 1].n) if len(page) > PAGE_SIZE else ""
    return [row_of(item) for item in page[:PAGE_SIZE]], next_cursor


def items_of(job: Job) -> QuerySet[JobItem]:
    """Return a job's cars in its order, with what a row shows."""
    return JobItem.objects.filter(job=job).select_related("vehicle", "command").order_by("n")


def _with_outcome(items: QuerySet[JobItem], outcome: str) -> QuerySet[JobItem]:
    """Narrow by the outcome that is shown: while a command runs, that is the command's own."""
    if outcome not in Outcome.values:
        return items.none()
    if outcome not in LIVE or outcome == Outcome.WAITING:
        return items.filter(outcome=outcome)
    by_state = [When(command__state=state, then=Value(shown.value)) for state, shown in RUNNING_STATES.items()]
    shown = Case(*by_state, default=Value(Outcome.RUNNING.value))
    return items.filter(outcome=Outcome.RUNNING).annotate(shown=shown).filter(shown=outcome)


def row_of(item: JobItem) -> ItemRow:
    """Return the row of one car whose vehicle and command are loaded."""
    outcome, code, reason = _shown(item)
    command, vehicle = item.command, item.vehicle
    word = str(OUTCOMES[outcome])
    sentence = sentence_of(outcome, code, reason)
    if outcome == Outcome.CONFIRMED and command is not None:
        sentence = str(EVIDENCE.get(command.evidence, ""))
    return ItemRow(
        n=item.n,
        vehicle_id=vehicle.id,
        title=vehicle.title,
        plate=vehicle.plate,
        vehicle_url=reverse("vehicles:detail", args=[vehicle.id]) if vehicle.removed_at is None else "",
        command_url=command.get_absolute_url() if command is not None else "",
        outcome=outcome,
        code=code,
        word=word,
        sentence=sentence,
        tone=TONES.get(Outcome(outcome), ""),
        at=_at(item),
        took_s=_took_s(command),
    )


def _shown(item: JobItem) -> tuple[str, str, str]:
    """Return outcome, code and reason as they are now: a command that runs tells its own."""
    if item.outcome != Outcome.RUNNING or item.command is None:
        return item.outcome, item.code, item.reason
    command = item.command
    outcome = RUNNING_STATES.get(State(command.state), Outcome.RUNNING)
    if outcome == Outcome.UNPROVED and command.error_code == "contradicted":
        outcome = Outcome.CONTRADICTED
    return outcome.value, command.error_code, command.error_reason


def _at(item: JobItem) -> datetime | None:
    command = item.command
    if command is None:
        return item.fed_at
    return command.finished_at or command.answered_at or command.permitted_at or command.accepted_at


def _took_s(command: Command | None) -> float | None:
    if command is None or command.finished_at is None or command.permitted_at is None:
        return None
    return (command.finished_at - command.permitted_at).total_seconds()
