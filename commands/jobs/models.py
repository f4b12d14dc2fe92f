"""Jobs: one order to many cars, with one row per car that says what became of it."""

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse

from commands.models import Command
from fleet.adapters.commands import KINDS, make_command
from fleet.adapters.commands import Command as Order
from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Authority, Team, User
from fleet.vehicles.models import ProviderApp, Vehicle


class JobState(models.TextChoices):
    """waiting: the undo window, nothing is sent yet. stopping: no more is sent, some are still on their way."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"


ACTIVE = (JobState.WAITING, JobState.RUNNING, JobState.STOPPING)
OVER = (JobState.STOPPED, JobState.DONE)


class Outcome(models.TextChoices):
    """Where one car of a job stands. waiting: no command exists yet. running: its command is not over.

    accepted and unknown are shown for commands that run, and never stored: the maker took it, or gave no answer.
    unproved and contradicted are the two ends of a command that stays unresolved.
    """

    WAITING = "waiting"
    RUNNING = "running"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    UNPROVED = "unproved"
    CONTRADICTED = "contradicted"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    NOT_SENT = "not_sent"
    SKIPPED = "skipped"


LIVE = (Outcome.WAITING, Outcome.RUNNING, Outcome.ACCEPTED, Outcome.UNKNOWN)
ENDS = tuple(outcome for outcome in Outcome if outcome not in LIVE)
STORED = (Outcome.WAITING, Outcome.RUNNING, *ENDS)


class Job(models.Model):
    """One order to many cars, in one person's name; it ends when every car has its end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT)
    # In whose name: when these rights change, what was not sent yet stays unsent.
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, db_index=False)
    authority_version = models.PositiveIntegerField()
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, db_index=False)
    # "job" for one that a person started, "schedule" for one that a clock did; cause: "schedule:<id>", "job:<id>".
    origin = models.CharField(max_length=20, default="job")
    cause = models.CharField(max_length=80, default="", db_default="")
    # The job whose failed cars this one tries again.
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT)

    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    filter = models.JSONField(default=dict)
    pace_per_min = models.PositiveIntegerField(null=True)
    stop_share_percent = models.PositiveSmallIntegerField(null=True)
    deadline = models.DateTimeField()

    state = models.CharField(max_length=20, choices=JobState)
    # Why it was stopped: stopped, undone, stop_share, rights, deadline; empty for one that ended by itself.
    code = models.CharField(max_length=40, default="", db_default="")
    undo_until = models.DateTimeField(null=True)
    # With a pace: the next car is not fed before this.
    next_feed_at = models.DateTimeField(null=True)
    # Whose cars wait, and why: {app id: "budget" | "held" | "breaker"}.
    held = models.JSONField(default=dict)
    total = models.PositiveIntegerField()
    eligible = models.PositiveIntegerField()
    # What the preview foretold, for the time left on the progress page.
    expected_s = models.FloatField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(kind__in=sorted(kind for kind in KINDS if not KINDS[kind].secrets)),
                name="job_kind_without_secret",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False, state__in=OVER)
                | (Q(finished_at__isnull=True) & ~Q(state__in=OVER)),
                name="job_finished_when_over",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(undo_until__isnull=False), name="job_waits_for_undo"
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(state__in=ACTIVE), name="job_active"),
            models.Index(fields=["team", "-created_at"], name="job_of_team"),
        ]

    def __str__(self) -> str:
        return f"job {self.kind} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.id])

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def skipped(self) -> int:
        return self.total - self.eligible

    def order(self) -> Order:
        """Return what every car of this job is asked to do."""
        return make_command(self.kind, self.parameters)


class JobItem(models.Model):
    """One car of a job: where it stands, and the command that was made for it."""

    id = models.BigAutoField(primary_key=True)
    # Composite keys of (team, …) in the database hold these; Django's own would only check them again, 10,000 times.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="items", db_constraint=False, db_index=False)
    n = models.PositiveIntegerField()
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    # Through whom it was reached when the job was made; None for a car that was skipped without a connection.
    app = models.ForeignKey(ProviderApp, null=True, on_delete=models.PROTECT, db_index=False)
    command = models.ForeignKey(
        Command, null=True, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    outcome = models.CharField(max_length=20, choices=Outcome)
    # Why: an availability code for skipped, an error code for what failed, our own word for what was not sent.
    code = models.CharField(max_length=40, default="", db_default="")
    reason = models.CharField(max_length=40, default="", db_default="")
    fed_at = models.DateTimeField(null=True)
    # Commands made for it before that ended for want of the maker's quota, certainly without having been sent.
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "n"], name="job_item_once"),
            models.UniqueConstraint(fields=["job", "vehicle"], name="job_item_once_per_car"),
            models.CheckConstraint(condition=Q(outcome__in=STORED), name="job_item_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=["waiting", "not_sent", "skipped"]) | Q(command__isnull=False),
                name="job_item_has_command",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "app", "n"], condition=Q(outcome="waiting"), name="job_item_to_feed"),
            models.Index(fields=["job", "command"], condition=Q(outcome="running"), name="job_item_running"),
            models.Index(fields=["job", "outcome", "code", "n"], name="job_item_by_outcome"),
            # Asked for by the database whenever a command or a car is removed.
            models.Index(fields=["team", "command"], name="job_item_of_command"),
        ]

    def __str__(self) -> str:
        return f"item {self.n} of {self.job_id}"
