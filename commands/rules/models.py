"""The rules of a team as rows, and how old a state it sends on. What a rule means lives in values and check."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Team

CHECK_FIRST_S = 60
# Beyond this a reading does not tell whether a car moves, so the team's patience ends there too.
CHECK_FIRST_MOST_S = 300


class RuleKind(models.TextChoices):
    MOVING = "moving"
    HOURS = "hours"
    AREA = "area"
    CHARGE_FLOOR = "charge_floor"
    GUEST = "guest"


class WhenUnknown(models.TextChoices):
    """What a rule does while nobody knows the fact it asks for."""

    BLOCK = "block"
    ALLOW = "allow"


class TeamRule(models.Model):
    """One rule: while it is broken, the commands it names are not sent to any car of the team.

    commands: kinds; empty means every command. vehicles: empty means every car. values: of the dataclass of its kind.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20, choices=RuleKind)
    commands = ArrayField(models.CharField(max_length=40), default=list)
    vehicles = ArrayField(models.UUIDField(), default=list)
    values = models.JSONField(default=dict)
    when_unknown = models.CharField(max_length=10, choices=WhenUnknown)
    is_on = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RuleKind.values), name="rule_kind_known"),
            models.CheckConstraint(condition=Q(when_unknown__in=WhenUnknown.values), name="rule_when_unknown_known"),
        ]
        indexes = [models.Index(fields=["team", "created_at"], name="rule_of_team")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class TeamPolicy(models.Model):
    """How old the known state of a car may be when a command is sent; a team without a row has the default.

    check_first_s: is it older than so many seconds, the car is looked at before sending; 0 looks every time.
    """

    team = models.OneToOneField(Team, primary_key=True, on_delete=models.CASCADE)
    check_first_s = models.PositiveIntegerField(default=CHECK_FIRST_S, db_default=CHECK_FIRST_S)

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(check_first_s__lte=CHECK_FIRST_MOST_S), name="policy_check_first_bound")
        ]

    def __str__(self) -> str:
        return f"policy of {self.team_id}"
