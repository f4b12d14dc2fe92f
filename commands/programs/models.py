"""What a clock presses: schedules and their runs, commands with a way back. Rules of time live in pure modules."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from commands.jobs.models import Job
from commands.models import Command
from fleet.adapters.commands import KINDS, make_command
from fleet.adapters.commands import Command as Order
from fleet.adapters.rules import RetryClass
from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Membership, Team
from fleet.vehicles.models import SavedFilter, Vehicle

# A PIN is kept for a minute at most, and lasting settings go to one car at a time: neither waits for its hour.
SCHEDULABLE = tuple(kind for kind in KINDS if KINDS[kind].retry_class is not RetryClass.D)


class TimedState(models.TextChoices):
    """armed: the way back waits for its time. requested: it is on its way. dropped: not needed, or not wanted."""

    ARMED = "armed"
    REQUESTED = "requested"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"


OPEN = (TimedState.ARMED, TimedState.REQUESTED)


class TimedCommand(models.Model):
    """A command with a way back: "unlock for 2 minutes, then lock". The row is the promise; it survives any crash.

    back: the commands of the way back in order, [{"kind", "parameters"}]; values are those that the car reported
    before. minutes: how long after the first command left; None when `due_at` is a fixed time.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_index=False)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, db_index=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, db_index=False)
    # One way back for each command, whoever asked for it how often.
    first = models.OneToOneField(Command, on_delete=models.PROTECT, related_name="way_back")
    back = models.JSONField()
    minutes = models.PositiveSmallIntegerField(null=True)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=TimedState, default=TimedState.ARMED)
    # The commands of the way back, once requested.
    sent = ArrayField(models.UUIDField(), default=list)
    # Why it was dropped or failed; see words.py.
    reason = models.CharField(max_length=40, default="", db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TimedState.values), name="timed_state_known"),
            models.CheckConstraint(condition=~Q(back=[]), name="timed_has_way_back"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, finished_at__isnull=True)
                | (~Q(state__in=OPEN) & Q(finished_at__isnull=False)),
                name="timed_finished_when_over",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["dropped", "failed"]) | ~Q(reason=""), name="timed_end_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["requested", "done"]) | ~Q(sent=[]), name="timed_requested_has_commands"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="armed"), name="timed_due"),
            models.Index(fields=["requested_at"], condition=Q(state="requested"), name="timed_on_its_way"),
            models.Index(fields=["vehicle", "-created_at"], name="timed_of_vehicle"),
            models.Index(fields=["team", "finished_at"], condition=Q(finished_at__isnull=False), name="timed_over"),
        ]

    def __str__(self) -> str:
        return f"timed command {self.id}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def cause(self) -> str:
        """Return what the commands of the way back name as their cause."""
        return f"undo:{self.first_id}"

    def orders(self) -> list[Order]:
        """Return the commands of the way back, in order."""
        return [make_command(step["kind"], step["parameters"]) for step in self.back]


class Schedule(models.Model):
    """A command for the cars of a saved filter at certain local times, in the name of the member who made it.

    rule: an RRULE for the days, "" for once. time_zone: an IANA name, or "" for each car's own. effective_from: what
    was due before is nobody's concern: the schedule was made, changed or resumed after it. looked_at: up to when the
    ticks have seen what was due; look_at: when to look again.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        ENDED = "ended"
        REMOVED = "removed"

    class OnHoliday(models.TextChoices):
        RUN = "run"
        SKIP = "skip"
        MOVE = "move"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_index=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, db_index=False)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    # None: every car of the team.
    saved_filter = models.ForeignKey(SavedFilter, null=True, on_delete=models.PROTECT, db_index=False)
    # How many cars the maker of a risky schedule agreed to; a run over more does not start.
    confirmed_count = models.PositiveIntegerField(null=True)

    starts_on = models.DateField()
    at = models.TimeField()
    rule = models.CharField(max_length=200, default="", db_default="")
    ends_on = models.DateField(null=True)
    time_zone = models.CharField(max_length=40, default="", db_default="")
    on_holiday = models.CharField(max_length=10, choices=OnHoliday, default=OnHoliday.RUN)
    holiday_country = models.CharField(max_length=2, default="", db_default="")
    holiday_region = models.CharField(max_length=10, default="", db_default="")
    own_dates = ArrayField(models.DateField(), default=list)
    # Found later than this it counts as missed; once started, its job gives up after so long.
    grace_min = models.PositiveSmallIntegerField(default=10)
    within_min = models.PositiveSmallIntegerField(default=60)

    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    # Why it is paused: "" by a person; membership_ended or role by itself.
    reason = models.CharField(max_length=40, default="", db_default="")
    effective_from = models.DateTimeField(db_default=ClockTimestamp())
    looked_at = models.DateTimeField(db_default=ClockTimestamp())
    look_at = models.DateTimeField(db_default=ClockTimestamp())
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    changed_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="schedule_has_name"),
            models.CheckConstraint(
                condition=Q(state__in=["active", "paused", "ended", "removed"]), name="schedule_state_known"
            ),
            models.CheckConstraint(
                condition=Q(on_holiday__in=["run", "skip", "move"]), name="schedule_on_holiday_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=sorted(SCHEDULABLE)), name="schedule_kind_without_secret"),
            models.CheckConstraint(condition=Q(grace_min__gte=1, grace_min__lte=120), name="schedule_grace_bound"),
            models.CheckConstraint(condition=Q(within_min__gte=1, within_min__lte=1440), name="schedule_within_bound"),
        ]
        indexes = [
            models.Index(fields=["look_at"], condition=Q(state="active"), name="schedule_look"),
            models.Index(fields=["team", "name"], name="schedule_of_team"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("programs:schedule", args=[self.id])

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    @property
    def is_risky(self) -> bool:
        """Say whether a person is asked before this command is sent to a car."""
        return KINDS[self.kind].asks

    def order(self) -> Order:
        """Return what every car is asked to do."""
        return make_command(self.kind, self.parameters)


class RunState(models.TextChoices):
    """due: found, its job is not made yet. empty: no car to send to. missed: found too late, and never made up for."""

    DUE = "due"
    STARTED = "started"
    EMPTY = "empty"
    MISSED = "missed"
    HOLIDAY = "holiday"
    FAILED = "failed"


class ScheduleRun(models.Model):
    """One local occurrence of a schedule in one zone. Its key is the promise that nothing runs twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_index=False)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="runs", db_index=False)
    zone = models.CharField(max_length=40)
    local_on = models.DateField()
    local_at = models.TimeField()
    due_at = models.DateTimeField()
    # "gap" or "twice": the clocks were changed over this local time.
    note = models.CharField(max_length=10, default="", db_default="")
    moved_from = models.DateField(null=True)
    holiday = models.CharField(max_length=100, default="", db_default="")
    state = models.CharField(max_length=20, choices=RunState)
    reason = models.CharField(max_length=40, default="", db_default="")
    job = models.ForeignKey(Job, null=True, on_delete=models.PROTECT, db_index=False)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "zone", "local_on", "local_at"], name="schedule_run_once_per_occurrence"
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="schedule_run_state_known"),
            models.CheckConstraint(
                condition=Q(state="started", job__isnull=False) | (~Q(state="started") & Q(job__isnull=True)),
                name="schedule_run_started_has_job",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="due"), name="schedule_run_due"),
            models.Index(fields=["schedule", "-due_at"], name="schedule_run_latest"),
            # Asked for by the database whenever a job is removed.
            models.Index(fields=["job"], condition=Q(job__isnull=False), name="schedule_run_of_job"),
        ]

    def __str__(self) -> str:
        return f"run of {self.schedule_id} on {self.local_on}"
