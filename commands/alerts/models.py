"""Alerts: one row for each thing that a person should look at, open until somebody closes it with a note."""

import uuid

from django.db import models
from django.db.models import Q

from fleet.events.models import ClockTimestamp
from fleet.events.scoped import ScopedManager
from fleet.teams.models import Team, User
from fleet.vehicles.models import Vehicle


class Alert(models.Model):
    """Something to look at. A command has at most one in its life; of another kind at most one is open per key.

    key: what it is about when it is not a command, e.g. "provider:<id>". data: codes and readings, never a position,
    never a secret. Alerts of commands are made by a trigger, in the transaction of what happened.
    """

    class Kind(models.TextChoices):
        CONTRADICTED = "contradicted"
        NOT_PROVED = "not_proved"
        PARKED = "parked"
        PROVIDER_DOWN = "provider_down"
        OTHER = "other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, db_index=False)
    vehicle = models.ForeignKey(Vehicle, null=True, on_delete=models.CASCADE, db_index=False)
    command = models.ForeignKey(
        "commands.Command", null=True, on_delete=models.CASCADE, related_name="alerts", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=80, default="", db_default="")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    note = models.CharField(max_length=500, default="", db_default="")
    data = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["command"], condition=Q(command__isnull=False), name="alert_once_a_command"
            ),
            models.UniqueConstraint(
                fields=["team", "kind", "key"],
                condition=Q(command__isnull=True, closed_at__isnull=True),
                name="alert_open_once_a_key",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=False) | Q(closed_by__isnull=True), name="alert_closed_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"], condition=Q(closed_at__isnull=True), name="alert_open"),
            models.Index(fields=["team", "-closed_at"], condition=Q(closed_at__isnull=False), name="alert_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
