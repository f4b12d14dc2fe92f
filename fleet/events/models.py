"""The log: one row for everything that happened. Teams and vehicles are named by key: this app stands below them."""

from django.db import models
from django.db.models.functions import Now


class ClockTimestamp(Now):
    """The database's clock at this very statement; Now() is the start of the transaction."""

    template = "clock_timestamp()"

    def as_postgresql(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]
        return self.as_sql(compiler, connection, **extra)


class Event(models.Model):
    """Something that happened. Never changed and never removed: triggers and grants refuse it.

    kind: area.verb, e.g. "command.confirmed". actor: "user:<id>", "owner:<id>" or "system:<part>". subject: what it is
    about, e.g. "command:<id>". data never holds a token, a PIN or a position.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=ClockTimestamp())
    team_id = models.UUIDField(null=True)
    vehicle_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=60)
    actor = models.CharField(max_length=80)
    subject = models.CharField(max_length=80, db_default="")
    data = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(actor=""), name="event_has_actor"),
            models.CheckConstraint(condition=~models.Q(kind=""), name="event_has_kind"),
        ]
        indexes = [
            models.Index(fields=["team_id", "-id"], name="event_of_team"),
            models.Index(fields=["subject", "id"], name="event_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"
