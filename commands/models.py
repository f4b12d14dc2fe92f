"""Commands: one row per order to one car, its attempts, its secrets, and whose turn it is. Transitions live in SQL."""

import uuid

from django.db import models
from django.db.models import Q
from django.urls import reverse

from fleet.adapters.commands import KINDS, make_command
from fleet.adapters.commands import Command as Order
from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Authority, Team, User
from fleet.vehicles.models import Lane, ProviderApp, Vehicle, VehicleLink


class State(models.TextChoices):
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    UNRESOLVED = "unresolved"


WAITING = (State.QUEUED, State.CLAIMED)
FINAL = (
    State.CONFIRMED,
    State.FAILED,
    State.REFUSED,
    State.EXPIRED,
    State.CANCELLED,
    State.SUPERSEDED,
    State.UNRESOLVED,
)
RUNNING = tuple(state for state in State if state not in FINAL)


class Command(models.Model):
    """One order to one car. Only the transitions of the table commands_transition exist; a trigger refuses the rest."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Every index is written anew at every move of a command, so there are only those that a question needs; and the
    # composite keys (team, vehicle), (team, link), (team, authority) are the constraints, not a second one beside each.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, db_index=False)
    link = models.ForeignKey(VehicleLink, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    app = models.ForeignKey(ProviderApp, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=40)
    family = models.CharField(max_length=40)
    retry_class = models.CharField(max_length=1)
    parameters = models.JSONField(default=dict)

    # In whose name: the authority and the consent as they were at acceptance.
    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    authority_version = models.PositiveIntegerField()
    consent_version = models.PositiveIntegerField()
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, db_index=False)
    origin = models.CharField(max_length=20)
    # What made it: "job:<id>", "schedule:<id>", "undo:<id>"; empty for a press.
    cause = models.CharField(max_length=80, default="", db_default="")
    # 0 somebody waits for it, 1 one of many; within a team the lower goes first.
    rank = models.PositiveSmallIntegerField(default=0, db_default=0)
    idempotency_key = models.CharField(max_length=100, null=True)

    # Where it stands.
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    # The state before the last write, kept by a trigger: a statement's moves can be told without the old rows.
    was = models.CharField(max_length=20, default="", db_default="")
    sequence = models.PositiveBigIntegerField()
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    claims = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField()
    is_waking = models.BooleanField(default=False)
    # Which dispatcher has it; one that fell silent sends nothing any more.
    dispatcher_id = models.UUIDField(null=True)

    accepted_at = models.DateTimeField(db_default=ClockTimestamp())
    # Not claimed before this: acceptance, and after a give-back the time of the next try.
    ready_at = models.DateTimeField(db_default=ClockTimestamp())
    deadline = models.DateTimeField()
    permitted_at = models.DateTimeField(null=True)
    answer_by = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    # What is known of its effect.
    ref = models.CharField(max_length=200, default="", db_default="")
    evidence = models.CharField(max_length=20, default="", db_default="")
    error_code = models.CharField(max_length=40, default="", db_default="")
    error_reason = models.CharField(max_length=40, default="", db_default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    observed_at = models.DateTimeField(null=True)
    next_check_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="command_state_known"),
            models.CheckConstraint(condition=Q(kind__in=sorted(KINDS)), name="command_kind_known"),
            models.CheckConstraint(
                condition=Q(state="claimed", lease_until__isnull=False)
                | (~Q(state="claimed") & Q(lease_until__isnull=True)),
                name="command_lease_while_claimed",
            ),
            models.CheckConstraint(
                condition=Q(retry_class="A", max_attempts=3) | (~Q(retry_class="A") & Q(max_attempts=1)),
                name="command_requests_by_class",
            ),
            models.CheckConstraint(condition=Q(attempts__lte=models.F("max_attempts")), name="command_attempts_bound"),
            models.CheckConstraint(
                condition=~Q(state__in=["sending", "sent", "unknown", "confirmed", "failed", "unresolved"])
                | Q(attempts__gte=1),
                name="command_sent_by_permit",
            ),
            models.CheckConstraint(condition=Q(deadline__gt=models.F("accepted_at")), name="command_deadline_ahead"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=False, state__in=FINAL)
                | (Q(finished_at__isnull=True) & ~Q(state__in=FINAL)),
                name="command_finished_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | ~Q(evidence=""), name="command_confirmed_by_evidence"
            ),
            models.UniqueConstraint(
                fields=["lane"], condition=Q(state__in=["claimed", "sending"]), name="command_one_in_flight"
            ),
            models.UniqueConstraint(fields=["lane", "sequence"], name="command_order_in_lane"),
            models.UniqueConstraint(
                fields=["authority", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="command_once_per_key",
            ),
        ]
        indexes = [
            # rank >= 0 and attempts >= 0 are always true: they keep the planner from taking these two for a question
            # that does not name them. Believing a queue to be empty, it read the whole of one to find a car's command.
            models.Index(
                fields=["app", "team", "rank", "ready_at"],
                condition=Q(state="queued", rank__gte=0),
                name="command_queue",
            ),
            models.Index(
                fields=["lane", "sequence"],
                condition=Q(state__in=["queued", "claimed", "sending"]),
                name="command_open_in_lane",
            ),
            models.Index(
                fields=["state", "deadline"],
                condition=Q(state__in=["queued", "claimed", "sending"], attempts__gte=0),
                name="command_sweep",
            ),
            models.Index(fields=["next_check_at"], condition=Q(state__in=["sent", "unknown"]), name="command_check"),
            models.Index(fields=["finished_at"], condition=Q(state="confirmed"), name="command_confirmed"),
            # The same here: a check of a foreign key (team, command) must not read all commands of the team.
            models.Index(fields=["team", "-accepted_at"], condition=Q(rank__gte=0), name="command_of_team"),
            models.Index(fields=["vehicle", "-accepted_at"], name="command_of_vehicle"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("commands:detail", args=[self.id])

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def took_s(self) -> float | None:
        """Return how long it took from acceptance to its end, in seconds; None while it runs."""
        return (self.finished_at - self.accepted_at).total_seconds() if self.finished_at else None

    def order(self, secrets: dict[str, str] | None = None) -> Order:
        """Return the adapter's value object. Secrets are given from outside; they never live on this row."""
        return make_command(self.kind, self.parameters | (secrets or {}))


class CommandAttempt(models.Model):
    """One permit to send, written in the transaction that gave it: the proof that there was no second one."""

    id = models.BigAutoField(primary_key=True)
    # The composite key (team, command) is the constraint in the database; these two would only check it again.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    command = models.ForeignKey(
        Command, on_delete=models.PROTECT, related_name="attempt_rows", db_constraint=False, db_index=False
    )
    n = models.PositiveSmallIntegerField()
    fence = models.BigIntegerField(unique=True)
    permitted_at = models.DateTimeField(db_default=ClockTimestamp())
    outcome = models.CharField(max_length=40, default="", db_default="")
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["command", "n"], name="attempt_once")]

    def __str__(self) -> str:
        return f"attempt {self.n} of {self.command_id}"


class CommandSecret(models.Model):
    """A PIN on its way to the car, encrypted; gone as soon as its command may leave, or ends without leaving."""

    command = models.OneToOneField(Command, primary_key=True, on_delete=models.CASCADE, related_name="secret")
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    def __str__(self) -> str:
        return f"secret of {self.command_id}"


class Turn(models.Model):
    """When a team was last served at a provider: the least recently served goes first."""

    id = models.BigAutoField(primary_key=True)
    app = models.ForeignKey(ProviderApp, on_delete=models.CASCADE)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    served_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "team"], name="turn_once")]
        indexes = [models.Index(fields=["app", "served_at"], name="turn_order")]

    def __str__(self) -> str:
        return f"turn of {self.team_id}"


class Dispatcher(models.Model):
    """A running dispatcher's sign of life; commands of one that fell silent are known to be without a sender."""

    id = models.UUIDField(primary_key=True, editable=False)
    seen_at = models.DateTimeField(db_default=ClockTimestamp())
    in_flight = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"dispatcher {self.id}"
