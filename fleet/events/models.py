"""The log: one row for everything that happened. Teams and vehicles are named by key: this app stands below them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from fleet.events.scoped import ScopedManager


class ClockTimestamp(Now):
    """The database's clock at this very statement; Now() is the start of the transaction."""

    template = "clock_timestamp()"

    def as_postgresql(self, compiler, connection, **extra):  # type: ignore[no-untyped-def]
        return self.as_sql(compiler, connection, **extra)


class AreaOf(models.Func):
    """The part of a kind before the dot."""

    function = "split_part"
    output_field = models.TextField()

    def __init__(self, kind: str) -> None:
        super().__init__(models.F(kind), models.Value("."), models.Value(1))


# What the engine writes for every command. Indexes for rare things leave it out: it pays for none of them.
COMMON_KINDS = ["command.queued", "command.claimed", "command.sending", "command.sent", "command.confirmed"]
IS_BY_SOMEBODY = ~models.Q(actor__startswith="system:")
IS_NO_COMMAND = ~models.Q(kind__startswith="command.")
IS_RARE = ~models.Q(kind__in=COMMON_KINDS)


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

    objects = ScopedManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(actor=""), name="event_has_actor"),
            models.CheckConstraint(condition=~models.Q(kind=""), name="event_has_kind"),
        ]
        indexes = [
            models.Index(fields=["subject", "id"], name="event_of_subject"),
            models.Index(fields=["team_id", "-at", "-id"], name="event_of_team_by_time"),
            models.Index(fields=["vehicle_id", "-at", "-id"], name="event_of_vehicle"),
            models.Index(fields=["team_id", "actor", "-at", "-id"], condition=IS_BY_SOMEBODY, name="event_by_somebody"),
            models.Index(fields=["team_id", "kind", "-at", "-id"], condition=IS_RARE, name="event_of_rare_kind"),
            models.Index(
                models.F("team_id"),
                AreaOf("kind"),
                models.F("at").desc(),
                models.F("id").desc(),
                condition=IS_NO_COMMAND,
                name="event_of_area",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor}"


class Seal(models.Model):
    """What holds some events of one chain to all before them; see fleet.events.sealing. Append-only, as the log is.

    chain_id: the team's id, or fleet.events.chain.INSTALLATION for what is no team's. links: one SHA-256 per event.
    """

    chain_id = models.UUIDField()
    sequence = models.BigIntegerField()
    event_ids = ArrayField(models.BigIntegerField())
    links = models.BinaryField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain_id", "sequence"], name="one_seal_per_place_in_a_chain"),
            models.CheckConstraint(condition=models.Q(sequence__gte=1), name="seal_counts_from_one"),
            models.CheckConstraint(condition=models.Q(event_ids__len__gte=1), name="seal_holds_events"),
        ]

    def __str__(self) -> str:
        return f"seal {self.sequence} of {self.chain_id}"


class Anchor(models.Model):
    """The heads of all chains at one moment, as they were also written outside of the database. Append-only.

    heads: chain id to [sequence, hash in hex].
    """

    at = models.DateTimeField(db_default=ClockTimestamp())
    heads = models.JSONField()

    def __str__(self) -> str:
        return f"anchor of {self.at}"


class PersonalValue(models.Model):
    """A value that names a person, apart from the event that speaks of it; see fleet.events.personal.

    hash: SHA-256 of salt and value, which is what the event holds. Without this row it says nothing.
    """

    hash = models.CharField(max_length=64, primary_key=True)
    team_id = models.UUIDField(null=True)
    salt = models.BinaryField()
    value = models.TextField()
    kept_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        indexes = [models.Index(fields=["team_id", "value"], name="personal_of_team")]

    def __str__(self) -> str:
        return self.hash
